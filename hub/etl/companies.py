"""Match, for companies: which records are one company; and companies made by people.

Single-writer, under the lock of companies. Keys → records that share one → judgement → clusters →
entities of kind organisation. Clusters are a function of all records that hang together, so the
order of arrival cannot matter.

`find`, `make` and `link` are the ways of other modules to a company. `make` takes the lock of
companies: call it before entities are locked (`hub.db.locks`).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import uuid4

from sqlalchemy import Connection

from hub.db.locks import company_lock
from hub.db.transactions import run_transaction
from hub.etl.accounts import firm_of, found_by, found_companies
from hub.etl.context import Hub
from hub.frozen import dataclass
from hub.landing import own
from hub.logs import get_logger
from hub.matching.companies import LIMIT, Firm, firm, key_hashes
from hub.matching.company_groups import Decided, cluster, questions
from hub.model.entities import COMPANY_STREAMS
from hub.model.records import JsonValue
from hub.model.verdicts import Lane, Trust
from hub.records import (
    companies,
    company_questions,
    departing,
    edges,
    entities,
    identity,
    match_keys,
    queue,
    sources,
)
from hub.records.entities import NewEntity
from hub.records.identity import StoredRecord

CHUNK = 200
log = get_logger()


def find(
    conn: Connection, name: str | None, domain: str | None = None, place: str | None = None
) -> int | None:
    """Return the company that is meant for sure; None if none is known, or several might be.

    Args:
        conn: any transaction.
        name: as it is written, with or without its legal form.
        domain: a website, a host name or an e-mail address; a mail provider's is no evidence.
        place: its city or postal code.
    """
    return _find(conn, firm("", _values(name, domain, place)))


def find_of(conn: Connection, values: Mapping[str, JsonValue]) -> int | None:
    """Return the company that canonical values mean for sure, as `find` does."""
    return _find(conn, firm("", values))


def _find(conn: Connection, wanted: Firm) -> int | None:
    return found_companies(conn, {0: wanted}).get(0, (None, None))[0]


def _values(name: str | None, domain: str | None, place: str | None) -> dict[str, JsonValue]:
    is_mail = domain is not None and "@" in domain and "://" not in domain
    return {
        "organization_name": name,
        "domains": [domain] if domain and not is_mail else None,
        "email": domain if is_mail else None,
        "city": place,
    }


def make(
    conn: Connection,
    values: Mapping[str, JsonValue],
    *,
    batch_id: int = 0,
    lane: Lane = Lane.LIVE,
) -> int:
    """Return the company that these values mean, made if it is not known yet.

    It is a record of the source `hub`. So a source's record of the same company joins it later, and
    the same rules apply to both. The company is behind until it is folded (`hub.etl.load.refold`),
    which makes its row; its owner is held, and set on that row.

    Args:
        conn: an open transaction that holds no entity yet.
        values: folded fields of an organisation; `organization_name` at least.
        batch_id: of the batch that makes it, if one does.
        lane: live, or bulk if no user is to be notified.
    """
    return make_all(conn, [values], batch_id=batch_id, lane=lane)[0].entity_id


@dataclass(frozen=True, slots=True)
class Made:
    """A company; `is_new` is False where it was known."""

    entity_id: int
    is_new: bool


def make_all(
    conn: Connection,
    several: Sequence[Mapping[str, JsonValue]],
    *,
    batch_id: int = 0,
    lane: Lane = Lane.LIVE,
) -> list[Made]:
    """Return the companies that values mean, each as `make` does.

    No two of them may share a key (`hub.etl.accounts.found_by`): they would not find each other.
    """
    company_lock(conn)
    known = found_companies(conn, {n: firm("", one) for n, one in enumerate(several)})
    records = {
        n: write_own(conn, one, batch_id=batch_id, lane=lane)
        for n, one in enumerate(several)
        if n not in known
    }
    if records:
        place_records(conn, list(records.values()))
    placed = identity.load_records(conn, records.values())
    found: list[Made] = []
    for n in range(len(several)):
        company = known[n][0] if n in known else placed[records[n]].entity_id
        if company is None:
            raise AssertionError("unreachable: every record was placed")
        found.append(Made(company, is_new=n not in known))
    return found


def entity_of(conn: Connection, record_id: int) -> int:
    """Return the company of a record that was placed."""
    entity = identity.load_records(conn, [record_id])[record_id].entity_id
    if entity is None:
        raise AssertionError("unreachable: every record was placed")
    return entity


def link(
    conn: Connection,
    person_entity: int,
    company_entity: int,
    *,
    who: str,
    since: datetime | None = None,
) -> None:
    """Keep that a person works for a company; an input of the fold, so no later one loses it.

    The person is behind until folded: then `contact.company_id` and the lead's account say so. `since` is
    the moment from which on the person's activities count for the company; None: all of them.
    """
    companies.hire(conn, {person_entity: company_entity}, who, since)
    entities.bump(conn, [person_entity])


def link_all(conn: Connection, employed: Mapping[int, int], *, who: str) -> None:
    """Keep where people work (person → company), each as `link` does."""
    if employed:
        companies.hire(conn, employed, who)
        entities.bump(conn, list(employed))


def unlink_all(conn: Connection, employed: Mapping[int, int]) -> None:
    """Take links back (person → company); what the sources say counts again."""
    if employed:
        companies.dismiss(conn, employed)
        entities.bump(conn, list(employed))


def write_own(
    conn: Connection,
    values: Mapping[str, JsonValue],
    *,
    batch_id: int = 0,
    lane: Lane = Lane.LIVE,
) -> int:
    """Write a record of our own of a company; returns it. `place_records` gives it its company."""
    source_id, stream = str(uuid4()), COMPANY_STREAMS[own.OURS]
    new = sources.NewSourceRecord(
        source=own.OURS,
        stream=stream,
        source_id=source_id,
        target=companies.ORGANISATION,
        role=None,
        raw_id=own.keep(conn, stream, source_id, values, batch_id=batch_id, lane=lane),
        batch_id=batch_id,
        lane=lane,
        mapping_version=own.OURS,
        trust=Trust.TRUSTED,
        values=values,
        refs={},
        source_at=None,
    )
    (written,) = sources.upsert(conn, [new])
    return written.id


def match_companies(hub: Hub, *, only_live: bool = False) -> dict[str, int]:
    """Give every record of a company that waits, or of the live lane, its company; returns counts."""
    totals: Counter[str] = Counter()
    is_last = False
    while not is_last:
        counts, is_last = run_transaction(hub.engine, partial(_match_some, only_live=only_live))
        totals.update(counts)
        if counts:
            log.info("companies_matched", **counts)
    return dict(totals)


def _match_some(conn: Connection, *, only_live: bool) -> tuple[dict[str, int], bool]:
    """Match a chunk; returns counts, and whether nothing else waited."""
    company_lock(conn)
    taken = queue.take(conn, queue.COMPANIES, CHUNK, only_live=only_live)
    if not taken.ids:
        return {}, True
    placed = place_records(conn, taken.ids)
    queue.finish(conn, queue.COMPANIES, taken.ids)
    counts = {"companies_matched": len(taken.ids), "companies_merged": placed.merged_n}
    return counts, taken.is_last


@dataclass(frozen=True, slots=True)
class Placed:
    """Companies whose records were placed: all that were touched, and how many were merged."""

    touched: frozenset[int]
    merged_n: int


def place_records(conn: Connection, ids: Sequence[int]) -> Placed:
    """Put records into companies, under the lock of companies."""
    known = identity.load_records(conn, ids)
    before = {i: own for i, r in known.items() if (own := r.match_keys) is not None}
    keys = {i: key_hashes(firm_of(r)) for i, r in known.items()}
    changed = match_keys.replace(conn, before, keys)
    records = companies.component(conn, keys, LIMIT)
    groups = _grouped(conn, records)
    moves, merged, new = _assign(conn, groups, records)
    touched = {e for i in {*moves, *ids} if (e := records[i].entity_id) is not None}
    touched |= {*moves.values(), *merged}
    entities.lock_entities(conn, touched)
    sources.place(conn, moves, changed)
    entities.merge_entities(conn, merged)
    entities.revive_entities(conn, [e for e in touched if e not in merged])
    entities.bump(conn, touched - new)  # a new company is stale from birth
    _keep_keys(conn, touched)
    return Placed(frozenset(touched), len(merged))


def _grouped(conn: Connection, records: Mapping[int, StoredRecord]) -> list[list[int]]:
    """Return which records are one company, and keep the names that are to be asked about."""
    id_of = {r.stable_key: r.id for r in records.values()}
    said = [
        Decided(records[d.a].stable_key, records[d.b].stable_key, d.is_same)
        for d in edges.decided(conn, records)
        if d.a in records and d.b in records
    ]
    groups = cluster([firm_of(r) for r in records.values()], said)
    standing = [firm_of(r) for r in records.values() if not r.is_gone]
    asked = {
        id_of[key]: question.name
        for question in questions(standing, groups, said)
        for key in question.members
    }
    company_questions.replace(conn, records, asked)
    return [sorted(id_of[key] for key in group) for group in groups]


def forget(
    conn: Connection,
    withdrawn: Sequence[int],
    restored: Sequence[int],
    co_members: Mapping[int, int],
    keys: Mapping[int, Sequence[int]],
) -> None:
    """Group companies again after records were withdrawn, or went back to earlier values.

    Args:
        conn: an open transaction, under the lock of companies.
        withdrawn: records that take part in nothing any more.
        restored: records that stay, with other values.
        co_members: those that shared a company with any: record → company.
        keys: the hashes by which withdrawn records were found.
    """
    departing.forget_keys(conn, {i: keys[i] for i in withdrawn if i in keys})
    company_questions.replace(conn, withdrawn, {})
    if restored or co_members:
        place_records(conn, sorted({*restored, *co_members}))


def _keep_keys(conn: Connection, company_ids: set[int]) -> None:
    """Later statements of this transaction find these companies, though they are not written yet."""
    known = companies.records_of(conn, company_ids)
    keys = {
        i: {k for r in known.get(i, ()) if not r.is_gone for k in found_by(firm_of(r))}
        for i in company_ids
    }
    companies.set_company_keys(conn, keys)


def _assign(
    conn: Connection, groups: Sequence[Sequence[int]], records: Mapping[int, StoredRecord]
) -> tuple[dict[int, int], dict[int, int], set[int]]:
    """Give each group the oldest company among its records; returns moves, who was merged, who is new.

    On a split the part with the lowest record keeps the company.
    """
    holders: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        for entity in sorted({e for i in group if (e := records[i].entity_id) is not None}):
            holders[entity].append(index)
    taken: dict[int, int] = {}
    for entity in sorted(holders):
        free = [index for index in holders[entity] if index not in taken]
        if free:
            taken[min(free, key=lambda index: groups[index][0])] = entity
    orphans = [index for index in range(len(groups)) if index not in taken]
    lost = entities.lost_entities(
        conn, [i for index in orphans for i in groups[index]], companies.ORGANISATION
    )
    new: dict[int, NewEntity] = {}
    for index in orphans:
        group = groups[index]
        own = sorted(entity for i in group for entity in lost.get(i, ()))
        if own:
            taken[index] = own[0]  # the company it was before it was merged
        else:
            first = records[group[0]]
            new[index] = NewEntity(first.id, first.batch_id, first.lane)
    made = entities.insert(conn, list(new.values()), kind=companies.ORGANISATION)
    taken |= {index: made[one.anchor_id] for index, one in new.items()}
    moves = {
        i: taken[index]
        for index, group in enumerate(groups)
        for i in group
        if records[i].entity_id != taken[index]
    }
    kept = set(taken.values())
    merged = {e: taken[indexes[0]] for e, indexes in holders.items() if e not in kept}
    return moves, merged, {*made.values()}
