"""Load: fold what is stale and write the CRM's rows that differ.

golden = survive(source records of the entity, edits, rules). Only a new entity or a new inquiry
is news to anybody: a re-fold rings nobody.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from hub.crm import contacts, customer_status, derived, leads, owners, tickets
from hub.db import outbox
from hub.db.locks import company_lock, company_watch, try_company_lock
from hub.db.transactions import run_transaction
from hub.etl import accounts, consents, inquiries
from hub.etl.context import Hub
from hub.etl.follow import follow
from hub.etl.survivorship import rules_in_force
from hub.golden.fold import fold, is_somebody
from hub.golden.rules import SurvivorshipRules
from hub.logs import get_logger
from hub.model.entities import PERSON_REFS
from hub.model.events import LeadAssigned
from hub.model.folding import FoldRecord, GoldenRecord, StaleEntity
from hub.model.records import JsonValue
from hub.model.verdicts import Lane, Verdict
from hub.records import assignments, folding, identity
from hub.records.assignments import NewAssignment
from hub.records.companies import ORGANISATION
from hub.records.folding import OpenRecord
from hub.records.verdicts import set_verdicts
from hub.sinks.crm import Loaded, load_contacts, load_leads

CHUNK = 500
REQUESTER = "requester"
log = get_logger()


def load_owners(hub: Hub) -> dict[str, int]:
    """Connect the sources' owners with people, before their leads need them."""
    with hub.engine.begin() as conn:
        verdicts = []
        for record in folding.open_records(conn, "user"):
            kept = Verdict.MERGED if record.is_new else Verdict.UPDATED
            verdict = Verdict.CREATED if adopt(conn, record) else kept
            verdicts.append(
                (record.batch_id, record.source, record.stream, record.source_id, verdict)
            )
        set_verdicts(conn, verdicts)
    return {"owners": len(verdicts)}


def adopt(conn: Connection, record: OpenRecord) -> bool:
    """Connect one owner of a source with a person; returns whether the person is new."""
    return owners.adopt_legacy_owner(
        conn,
        source=record.source,
        source_id=record.source_id,
        email=_text(record.values.get("email")),
        name=_text(record.values.get("name")) or record.source_id,
        is_queue=bool(record.values.get("is_queue")),
    )


def load_tickets(hub: Hub) -> dict[str, int]:
    """Write the tickets that came; each hangs on whoever asked."""
    with hub.engine.begin() as conn:
        records = folding.open_records(conn, "ticket")
        is_new = write_tickets(conn, records)
        set_verdicts(
            conn,
            [
                (r.batch_id, r.source, r.stream, r.source_id,
                 Verdict.CREATED if is_new[r.id] else Verdict.UPDATED)
                for r in records
            ],
        )  # fmt: skip
    return {"tickets": len(records)}


def write_tickets(conn: Connection, records: Sequence[OpenRecord]) -> dict[int, bool]:
    """Write tickets; returns record → whether its ticket is new."""
    rows = [
        {
            **{name: record.values.get(name) for name in tickets.FOLDED},
            "record_id": record.id,
            "source": record.source,
            "source_id": record.source_id,
            "requester": record.refs.get(REQUESTER),
        }
        for record in records
    ]
    ids = [record.id for record in records]
    before = tickets.entities_of(conn, ids)
    is_new = tickets.upsert(conn, rows, asked_in=PERSON_REFS[REQUESTER])
    derived.recompute(conn, before | tickets.entities_of(conn, ids))
    return is_new


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None


def load_stale(hub: Hub) -> dict[str, int]:
    """Fold and write every entity that is stale, chunk by chunk; returns counts.

    Companies come first: their people then find them.
    """
    totals: dict[str, int] = defaultdict(int)
    reopen_to = hub.settings.crm.reopen_unqualified_to
    for some in (_load_some_companies, lambda conn: _load_some(conn, reopen_to)):
        while counts := run_transaction(hub.engine, some):
            for name, n in counts.items():
                totals[name] += n
            log.info("entities_loaded", **counts)
    return dict(totals)


def _load_some_companies(conn: Connection) -> dict[str, int]:
    company_lock(conn)
    stale = folding.claim_stale(conn, CHUNK, kind=ORGANISATION)
    return _load_companies(conn, stale)[0] if stale else {}


def _load_companies(
    conn: Connection, stale: Sequence[StaleEntity]
) -> tuple[dict[str, int], list[int]]:
    """Fold and write companies; returns counts, and the people who are stale for it."""
    ids = [e.id for e in stale]
    records = folding.records_of(conn, ids, ORGANISATION)
    edits = folding.edits_of(conn, ids)
    legacy, rules = owners.legacy_owners(conn), rules_in_force(conn)
    golden = [
        replace(
            fold(e, records[e.id], edits.get(e.id, ()), rules, legacy),
            is_organization=True,
        )
        for e in stale
        if records.get(e.id)
    ]
    written = load_contacts(conn, golden, contacts.kept_by_people(conn, ids))
    contacts.absorb(conn, {e.id: e.merged_into for e in stale if e.merged_into is not None})
    contacts.revive(conn, [e.id for e in stale if e.merged_into is None])
    accounts.keep_company_keys(conn, ids, golden, records)
    people = accounts.wake_people(conn, ids)
    derived.recompute(conn, ids)
    customer_status.recompute_entities(conn, ids)
    set_verdicts(conn, _verdicts(stale, records, written.updated))
    folding.mark_folded(conn, stale)
    return {"companies": len(written.created), "updated": len(written.updated)}, people


def _load_some(conn: Connection, reopen_to: str | None) -> dict[str, int]:
    company_watch(conn)
    stale = folding.claim_stale(conn, CHUNK)
    if not stale:
        return {}
    counts = _load_chunk(conn, stale, rules_in_force(conn), reopen_to)
    folding.mark_folded(conn, stale)
    return counts


def refold(conn: Connection, entity_ids: Sequence[int]) -> None:
    """Fold and write those of the entities that are stale, within the caller's transaction.

    People whom a company among them concerns are folded as well. Nobody waits for the lock of
    companies here, with entities in his hands: what could not be seen for sure is folded once more
    by the next load.
    """
    ids = list(entity_ids)
    is_sure = True
    while stale := folding.claim_stale(conn, CHUNK, ids, kind=ORGANISATION):
        is_sure = try_company_lock(conn, shared=False) and is_sure
        ids += _load_companies(conn, stale)[1]
    is_sure = try_company_lock(conn, shared=True) and is_sure
    while stale := folding.claim_stale(conn, CHUNK, ids):
        _load_chunk(conn, stale, rules_in_force(conn))
        folding.mark_folded(conn, stale)
    if not is_sure:
        identity.bump(conn, ids)


def _load_chunk(
    conn: Connection,
    stale: Sequence[StaleEntity],
    rules: SurvivorshipRules,
    reopen_to: str | None = None,
) -> dict[str, int]:
    ids = [e.id for e in stale]
    quiet = {e.id for e in stale if e.is_quiet}
    records = _hushed(folding.records_of(conn, ids), quiet)
    edits = folding.edits_of(conn, ids)
    legacy = owners.legacy_owners(conn)
    golden = [
        fold(e, records[e.id], edits.get(e.id, ()), rules, legacy)
        for e in stale
        if records.get(e.id)
    ]
    roles = {i: _roles(found) for i, found in records.items()}
    known = {g.entity_id: g for g in golden if is_somebody(g)}
    gone = {e.id: e.merged_into for e in stale if e.merged_into is not None}
    standing = [e.id for e in stale if e.merged_into is None]
    employers = contacts.employers_of(conn, ids)
    contacts.revive(conn, standing)
    by_people = contacts.kept_by_people(conn, ids)
    wanted = {i for i in known if "contact" in roles[i] or i in by_people}
    kept = load_contacts(conn, [known[i] for i in sorted(wanted)], by_people)
    contacts.retire(conn, [i for i in known if i not in wanted])
    asking = inquiries.of_contacts(conn, {i: records[i] for i in wanted})
    loaded = load_leads(conn, [known[i] for i in known if "lead" in roles[i] and i not in asking])
    accounts.settle(conn, list(known.values()), records)
    leads.absorb(conn, gone)
    leads.revive(conn, standing)
    contacts.absorb(conn, gone)
    inherited = contacts.link_leads(conn, ids)
    followed = follow(conn, ids)
    asked = [
        replace(i, lane=Lane.BULK.value) if i.entity_id in quiet else i for i in followed.asked
    ]
    consents.pass_on(conn, standing)
    derived.recompute(conn, {*ids, *followed.left, *employers})
    customer_status.recompute_entities(conn, [*ids, *employers])
    entities = {e.id: e for e in stale}
    taken_over = _taken_over(golden, loaded, records, entities)
    taken_over += _inherited(inherited, records, entities)
    assignments.keep(conn, [t for t, _ in taken_over])
    outbox.put(conn, [event for _, event in taken_over if event])
    outbox.put(conn, inquiries.events(asked, loaded.created))
    inquiries.reopen(conn, asked, loaded.created, reopen_to)
    verdicts = _verdicts(stale, records, loaded.updated | kept.updated)
    set_verdicts(conn, verdicts)
    return {
        "created": len(loaded.created),
        "updated": len(loaded.updated),
        "contacts": len(kept.created),
        "inquiries": len(asked),
    }


def _hushed(records: dict[int, list[FoldRecord]], quiet: set[int]) -> dict[int, list[FoldRecord]]:
    """Put the records of quiet entities into the bulk lane."""
    for i in quiet & records.keys():
        records[i] = [replace(r, lane=Lane.BULK.value) for r in records[i]]
    return records


def _roles(records: Sequence[FoldRecord]) -> set[str | None]:
    """Return what the sources take the person for; a source that is gone has its last word."""
    alive = {r.role for r in records if not r.is_gone}
    return alive or {r.role for r in records}


def _taken_over(
    golden: Sequence[GoldenRecord],
    loaded: Loaded,
    records: Mapping[int, Sequence[FoldRecord]],
    entities: Mapping[int, StaleEntity],
) -> list[tuple[NewAssignment, LeadAssigned | None]]:
    """New leads that keep the owner they had in their source: a decision too, and news if live."""
    kept: list[tuple[NewAssignment, LeadAssigned | None]] = []
    for lead in golden:
        lead_id = loaded.created.get(lead.entity_id)
        if lead_id is None or lead.owner_id is None:
            continue
        turn = NewAssignment(
            lead_id, None, lead.owner_id, "legacy owner", "owned in the source", (), None, None
        )
        anchor = _anchor(entities[lead.entity_id], records[lead.entity_id])
        event = _assigned(anchor, lead_id, lead.owner_id, "legacy owner")
        is_news = lead.lane == Lane.LIVE and not lead.seeds.get("converted_at")
        kept.append((turn, event if is_news else None))
    return kept


def _inherited(
    inherited: Sequence[contacts.Inherited],
    records: Mapping[int, Sequence[FoldRecord]],
    entities: Mapping[int, StaleEntity],
) -> list[tuple[NewAssignment, LeadAssigned | None]]:
    """Leads that went to their contact's owner: a decision as well."""
    kept: list[tuple[NewAssignment, LeadAssigned | None]] = []
    for lead in inherited:
        rule, why = "contact's owner", "owns the contact of the same person"
        turn = NewAssignment(lead.lead_id, None, lead.owner_id, rule, why, (), None, None)
        anchor = _anchor(entities[lead.entity_id], records[lead.entity_id])
        event = _assigned(anchor, lead.lead_id, lead.owner_id, rule)
        kept.append((turn, event if lead.is_news else None))
    return kept


def _assigned(anchor: FoldRecord, lead_id: int, user_id: int, rule: str) -> LeadAssigned:
    record_key = f"{anchor.source}/{anchor.stream}/{anchor.source_id}"
    return LeadAssigned(record_key, user_id, lead_id, rule)


def _anchor(entity: StaleEntity, records: Sequence[FoldRecord]) -> FoldRecord:
    return next((r for r in records if r.id == entity.anchor_id), records[0])


def _verdicts(
    stale: Sequence[StaleEntity],
    records: Mapping[int, Sequence[FoldRecord]],
    changed: frozenset[int],
) -> list[tuple[int, str, str, str, Verdict]]:
    rows = []
    for entity in stale:
        for record in records.get(entity.id, ()):
            if record.open_verdict:
                verdict = _verdict(entity, record, is_changed=entity.id in changed)
                rows.append(
                    (record.batch_id, record.source, record.stream, record.source_id, verdict)
                )
    return rows


def _verdict(entity: StaleEntity, record: FoldRecord, *, is_changed: bool) -> Verdict:
    if entity.is_new and record.id == entity.anchor_id:
        return Verdict.CREATED
    if record.joined_batch_id == record.batch_id:
        return Verdict.MERGED
    # who is nobody in the CRM has no row that could stay as it was
    is_nobody = record.role == "person"
    return Verdict.UPDATED if is_changed or is_nobody else Verdict.UNCHANGED
