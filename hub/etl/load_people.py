"""A chunk of people: read, decided, written, linked, announced. Part of load."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from hub.crm import (
    contacts,
    conversions,
    customer_status,
    derived,
    leads,
)
from hub.crm.attached import Attached, attached
from hub.crm.contacts import CONTACTS
from hub.crm.inquiries import NewInquiry
from hub.crm.leads import LEADS
from hub.crm.touched import touches
from hub.etl import accounts, announce, consents, inquiries, relations, source_conversions
from hub.etl.accounts import Belonging
from hub.etl.follow import follow
from hub.etl.new_owners import NewOwners, waiting
from hub.etl.owner_decision import Turns
from hub.etl.survivorship import fold_context
from hub.etl.taking_back import take_back
from hub.etl.telling import tell
from hub.frozen import dataclass
from hub.golden.fate import Fate, Past, Person, Rows, fate, needs_past, needs_touch
from hub.golden.fold import fold
from hub.model.folding import (
    ContactRow,
    EarlierVersion,
    FoldRecord,
    GoldenRecord,
    LeadRow,
    StaleEntity,
)
from hub.model.hook_events import lead_converted
from hub.model.records import JsonValue
from hub.model.verdicts import Lane
from hub.records import assignments, entities, folding, hook_deliveries
from hub.sinks.crm import Given, Loaded, load_contacts, load_leads

_LET_GO = "nobody"
_NO_ROWS = Rows()


def load_people(
    conn: Connection,
    stale: Sequence[StaleEntity],
    reopen_to: str | None = None,
    new_owners: NewOwners | None = None,
) -> dict[str, int]:
    """Fold and write people who are stale; returns counts.

    Args:
        conn: an open transaction that holds the entities.
        stale: the people.
        reopen_to: the new status of an unqualified lead whose person writes again; None: it stays.
        new_owners: gives new leads their owner, in the order of `stale`; None: route does it.
    """
    chunk = _read(conn, stale)
    people = _people(conn, chunk)
    fates = {i: fate(person) for i, person in people.items()}
    taken_back = take_back(conn, fates, chunk.records)
    belonging = _belonging(conn, chunk, people, fates)
    written_contacts = _write_contacts(conn, chunk, fates, belonging)
    turns = None
    if new_owners is not None:
        unowned = waiting(stale, people, fates, chunk.records, belonging.accounts)
        turns = new_owners.decide(conn, unowned)
    written = _write_leads(conn, chunk, fates, belonging, written_contacts, turns=turns)
    linked = _link(conn, chunk, written, belonging)
    _announce(conn, chunk, fates, written, linked)
    inquiries.reopen(conn, linked.asked, written.leads.created, reopen_to)
    entities.mark_folded(conn, stale)
    relations.came(conn, chunk.ids)
    source_conversions.update(conn, chunk.records)
    _tell_conversions(conn, chunk, fates, written)
    return written.counts | {"inquiries": len(linked.asked)} | taken_back


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The rows and records of people, by entity.

    Args:
        stale: the people.
        attached: what each has beside records (`hub.crm.attached`).
        plain: those who are new and have nothing beside records; nothing else is read about them.
        employers: the companies for which the others worked until now.
        records: what the sources say.
        leads: rows that exist.
        contacts: rows that exist.
    """

    stale: Sequence[StaleEntity]
    attached: Mapping[int, Attached]
    plain: Collection[int]
    employers: Sequence[int]
    records: Mapping[int, Sequence[FoldRecord]]
    leads: Mapping[int, RowMapping]
    contacts: Mapping[int, RowMapping]

    @property
    def ids(self) -> list[int]:
        return [e.id for e in self.stale]

    @property
    def known(self) -> list[int]:
        """Return the people who are not plain."""
        return [e.id for e in self.stale if e.id not in self.plain]

    def having(self, what: Callable[[Attached], bool]) -> list[int]:
        """Return the known people that fulfil a condition."""
        return [i for i in self.known if what(self.attached[i])]

    @property
    def merged(self) -> dict[int, int]:
        return {e.id: e.merged_into for e in self.stale if e.merged_into is not None}


def _read(conn: Connection, stale: Sequence[StaleEntity]) -> _Chunk:
    beside = attached(conn, [e.id for e in stale])
    plain = {e.id for e in stale if e.is_new and e.merged_into is None and beside[e.id].is_plain}
    having_rows = [i for i, own in beside.items() if own.has_row]
    own_leads, own_contacts = LEADS.read(conn, having_rows), CONTACTS.read(conn, having_rows)
    employers = contacts.employers_of(
        conn, [i for i, row in own_contacts.items() if row["company_id"] is not None]
    )
    standing = {e.id for e in stale if e.merged_into is None}
    if again := [i for i in standing if _is_merged(own_leads, i) or _is_merged(own_contacts, i)]:
        contacts.revive(conn, again)
        leads.revive(conn, again)
        own_leads, own_contacts = LEADS.read(conn, having_rows), CONTACTS.read(conn, having_rows)
    records = _hushed(stale, folding.records_of(conn, [e.id for e in stale]))
    return _Chunk(stale, beside, plain, employers, records, own_leads, own_contacts)


def _is_merged(rows: Mapping[int, RowMapping], entity: int) -> bool:
    row = rows.get(entity)
    return row is not None and row["merged_into"] is not None


def _hushed(
    stale: Sequence[StaleEntity], records: dict[int, list[FoldRecord]]
) -> dict[int, list[FoldRecord]]:
    """Put the records of quiet entities into the bulk lane."""
    for i in {e.id for e in stale if e.is_quiet} & records.keys():
        records[i] = [replace(r, lane=Lane.BULK.value) for r in records[i]]
    return records


def _people(conn: Connection, chunk: _Chunk) -> dict[int, Person]:
    """Fold people, and read the other inputs of their fate."""
    edits = folding.edits_of(conn, chunk.having(lambda own: own.is_edited))
    context = fold_context(conn, "person")
    rows = rows_of(conn, chunk.known, chunk.leads, chunk.contacts, chunk.attached)
    people = {
        e.id: Person(
            fold(e, own, edits.get(e.id, ()), context),
            own,
            rows.get(e.id, _NO_ROWS),
            bool(edits.get(e.id)),
        )
        for e in chunk.stale
        if (own := chunk.records.get(e.id))
    }
    asking = inquiries.of_contacts(conn, list(people.values()))
    people |= {i: replace(people[i], only_asks=True) for i in asking}
    return people | with_past(conn, {i: p for i, p in people.items() if needs_past(p)})


def rows_of(
    conn: Connection,
    ids: Sequence[int],
    own_leads: Mapping[int, RowMapping],
    own_contacts: Mapping[int, RowMapping],
    absorbed: Mapping[int, Attached] | None = None,
) -> dict[int, Rows]:
    """Return the rows of people, and of those who were merged into them.

    Args:
        conn: an open transaction.
        ids: people.
        own_leads: the rows of people that have one.
        own_contacts: the same.
        absorbed: whether people have absorbed leads and contacts; None: any may have.
    """
    has = absorbed
    of_leads = leads.of_absorbed(conn, [i for i in ids if has is None or has[i].absorbed_lead])
    of_contacts = contacts.of_absorbed(
        conn, [i for i in ids if has is None or has[i].absorbed_contact]
    )
    return {
        i: Rows(
            _lead(own_leads.get(i)),
            _contact(own_contacts.get(i)),
            tuple(of_leads.get(i, ())),
            tuple(of_contacts.get(i, ())),
        )
        for i in ids
    }


def _lead(row: RowMapping | None) -> LeadRow | None:
    return None if row is None else LeadRow(**{n: row[n] for n in LeadRow.__dataclass_fields__})


def _contact(row: RowMapping | None) -> ContactRow | None:
    if row is None or row["kept_by"] == _LET_GO:
        return None
    return ContactRow(
        row["id"], row["entity_id"], row["owner_id"], row["kept_by"] == "person",
        row["archived_at"], row["unasked_since"],
    )  # fmt: skip


def with_past(
    conn: Connection,
    people: Mapping[int, Person],
    known_versions: Mapping[int, Sequence[EarlierVersion]] | None = None,
) -> dict[int, Person]:
    """Read what these people's records said before, unless it is known, and who has touched them."""
    if not people:
        return {}
    now = folding.moment(conn)
    versions = folding.versions_of(conn, list(people)) if known_versions is None else known_versions
    left = folding.left_records(conn, list(people))
    rows = {row.id: i for i, p in people.items() for row in p.rows.leads}
    here = {rows[lead] for lead in conversions.standing_of(conn, list(rows))}
    known = {
        i: replace(
            p, past=Past(now, versions.get(i, ()), left.get(i, ()), is_converted_here=i in here)
        )
        for i, p in people.items()
    }
    return known | _with_touch(conn, {i: p for i, p in known.items() if needs_touch(p)})


def _with_touch(conn: Connection, people: Mapping[int, Person]) -> dict[int, Person]:
    if not people:
        return {}
    found = touches(conn, people)
    return {
        i: replace(
            p,
            past=replace(p.past, is_worked_on=i in found.worked_on, is_parted=i in found.parted),
        )
        for i, p in people.items()
        if p.past is not None
    }


@dataclass(frozen=True, slots=True)
class _Written:
    """Rows that were written, and what was to be written of leads."""

    leads: Loaded
    contacts: Loaded
    golden: Sequence[GoldenRecord]
    converted: int
    turns: Turns | None

    @property
    def counts(self) -> dict[str, int]:
        found = {
            "leads_created": len(self.leads.created),
            "leads_updated": len(self.leads.updated),
            "contacts_created": len(self.contacts.created),
            "contacts_updated": len(self.contacts.updated),
        }
        found |= {"converted_by_source": self.converted} if self.converted else {}
        return found | ({"assigned": len(self.turns.taken)} if self.turns else {})


def _belonging(
    conn: Connection, chunk: _Chunk, people: Mapping[int, Person], fates: Mapping[int, Fate]
) -> Belonging:
    having = {i for i, f in fates.items() if f.lead is not None or i in chunk.leads}
    golden = [p.golden for p in people.values()]
    return accounts.find(
        conn, golden, chunk.records, having, had=chunk.leads, beside=chunk.attached
    )


def _write_contacts(
    conn: Connection, chunk: _Chunk, fates: Mapping[int, Fate], belonging: Belonging
) -> Loaded:
    kept = [f.contact for f in fates.values() if f.contact is not None]
    companies = {i: {"company_id": row} for i, (row, _) in belonging.employers.items()}
    written = load_contacts(conn, kept, chunk.contacts, companies)
    there = (chunk.contacts.get(g.entity_id) for g in kept)
    contacts.take_up(conn, [row["id"] for row in there if row and row["kept_by"] == _LET_GO])
    return written


def _write_leads(
    conn: Connection,
    chunk: _Chunk,
    fates: Mapping[int, Fate],
    belonging: Belonging,
    written_contacts: Loaded,
    *,
    turns: Turns | None,
) -> _Written:
    """Write leads; a new one is complete, except for the children of people who are not plain."""
    golden = [f.lead for f in fates.values() if f.lead is not None]
    given = _given(chunk, fates, belonging, written_contacts, turns.owners if turns else {})
    written = load_leads(conn, golden, chunk.leads, given)
    accounts.point(conn, belonging, leads=chunk.leads, contacts=chunk.contacts)
    converted = [i for i, f in fates.items() if f.is_converted or f.is_marked]
    contacts.inherit_owners(conn, [*converted, *(turns.left_by_source if turns else ())])
    n = sum(f.is_converted for f in fates.values())
    return _Written(written, written_contacts, golden, n, turns)


def _given(
    chunk: _Chunk,
    fates: Mapping[int, Fate],
    belonging: Belonging,
    written_contacts: Loaded,
    new_owners: Mapping[int, int],
) -> Given:
    """Return what new leads have beside their folded values: account, owner, a plain person's contact."""
    given: dict[int, dict[str, JsonValue]] = {}
    for i, one in fates.items():
        if one.lead is None or i in chunk.leads:
            continue
        account, why = belonging.accounts[i]
        given[i] = {"account_id": account, "account_why": why}
        if i in new_owners:
            given[i]["owner_id"] = new_owners[i]
        if i in chunk.plain and one.contact is not None and one.contact.archived_at is None:
            given[i]["contact_id"] = written_contacts.created[i]
    return given


@dataclass(frozen=True, slots=True)
class _Linked:
    """Leads that took over an owner, and new events on people."""

    inherited: Sequence[leads.Inherited]
    asked: Sequence[NewInquiry]


def _link(conn: Connection, chunk: _Chunk, written: _Written, belonging: Belonging) -> _Linked:
    """Point rows to survivors and each other, and move children to their people.

    Plain people have no children, and their rows are complete.
    """
    known, merged = chunk.known, chunk.merged
    are_leads = chunk.leads.keys() | written.leads.created.keys()
    are_contacts = chunk.contacts.keys() | written.contacts.created.keys()
    leads.absorb(conn, {i: into for i, into in merged.items() if i in are_leads})
    contacts.absorb(conn, {i: into for i, into in merged.items() if i in are_contacts})
    inherited = leads.link_to_contacts(conn, [i for i in known if i in are_contacts])
    followed = follow(
        conn,
        asking=chunk.having(lambda own: own.has_ticket),
        telling=chunk.having(lambda own: own.has_told),
    )
    heard = {*chunk.having(lambda own: own.is_heard)}
    heard |= {i for i in chunk.plain if chunk.attached[i].is_heard}
    consents.pass_on(conn, [i for i in chunk.ids if i in heard and i not in merged])
    quiet = {e.id for e in chunk.stale if e.is_quiet}
    asked = [
        replace(i, lane=Lane.BULK.value) if i.entity_id in quiet else i for i in followed.asked
    ]
    hired = [i for i in written.contacts.created if belonging.employers[i][0] is not None]
    employers = derived.outdated_companies(conn, [i for i in hired if i in chunk.plain])
    alone = {
        i
        for i in known
        if i not in merged and i not in are_contacts and not chunk.attached[i].absorbed_contact
    }
    theirs = {i for i, into in merged.items() if into in alone}
    derived.recompute_alone(conn, alone)
    rest = {*known, *followed.left, *chunk.employers, *employers} - alone - theirs
    derived.recompute(conn, rest)
    customers = [i for i in known if i in are_contacts]
    customer_status.recompute_entities(conn, [*customers, *chunk.employers])
    return _Linked(inherited, asked)


def _announce(
    conn: Connection,
    chunk: _Chunk,
    fates: Mapping[int, Fate],
    written: _Written,
    linked: _Linked,
) -> None:
    anchors = announce.anchors_of(chunk.stale, chunk.records)
    quiet = {e.id for e in chunk.stale if e.is_quiet}
    hook_deliveries.put(conn, announce.created(written.golden, written.leads, quiet))
    decided = announce.taken_over(written.golden, written.leads, anchors)
    decided += announce.inherited(linked.inherited, anchors)
    assignments.keep(conn, [turn for turn, _ in decided])
    tell(conn, [event for _, event in decided if event])
    if written.turns:
        written.turns.keep(conn, written.leads.created)
    tell(conn, inquiries.events(conn, linked.asked, written.leads.created))
    known = {i: row for i, r in chunk.leads.items() if (row := _lead(r)) is not None}
    tell(conn, announce.converted_in_source(fates, known))
    changed = written.leads.updated | written.contacts.updated
    changed |= {i for i, f in fates.items() if f.taken_back}
    announce.set_chunk_verdicts(conn, chunk.stale, chunk.records, changed)


def _tell_conversions(
    conn: Connection, chunk: _Chunk, fates: Mapping[int, Fate], written: _Written
) -> None:
    """Tell subscribers of the leads that their source converts now, with what is here of the records they became."""
    converted = announce.converted_now(fates, written.leads)
    numbers = [chunk.leads[i]["id"] for i in converted if i in chunk.leads]
    became = conversions.became(conn, numbers)
    hook_deliveries.put(
        conn,
        [
            lead_converted(number, contact_id=person, company_id=company, deal_id=deal)
            for number in numbers
            for person, company, deal in [became.get(number, (None, None, None))]
        ],
    )
