"""Undo some objects of a batch, in one transaction: one chunk of an undo.

Records go or are restored. The records that are left are matched and folded, and rows without a
record are deleted. Companies and their people are returned: they are folded after all chunks,
without the identity lock.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.crm import contacts, owners, parents, removal, reopened, tickets
from hub.crm import groups as stored
from hub.db.locks import company_lock, company_watch, identity_lock
from hub.etl import accounts, companies, groups, load, match, unmatched
from hub.model.entities import PERSON_REFS
from hub.records import consent_events, departing, entities, folding, identity, sources
from hub.records.companies import ORGANISATION, set_company_keys
from hub.undo import inputs, plain_rows, restoring
from hub.undo.inputs import PERSON, Brought, Key, Known
from hub.undo.piles import sort_out
from hub.undo.report import GivenBack, Undone


@dataclass(frozen=True, slots=True)
class Work:
    """A running undo.

    Args:
        batch: the batch that is undone.
        undo_id: the batch that the undo itself is.
        who: the actor, as the history names it.
        leaving: records of the batch that will go, in this chunk or a later one.
    """

    batch: Known
    undo_id: int
    who: str
    leaving: set[int]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a chunk did: its report, its records, the entities to fold later."""

    report: Undone
    records: frozenset[int]
    stale: list[int]


def lock(conn: Connection, *, with_companies: bool) -> None:
    """Take the locks of a chunk; call it as the first statement of its transaction."""
    identity_lock(conn)
    if with_companies:
        company_lock(conn)
    else:
        company_watch(conn)


def take_back(conn: Connection, work: Work, keys: Sequence[Key]) -> Taken:
    """Undo objects of the batch, under the locks of a chunk.

    An object that users, or later batches, have changed since the undo began stays.
    """
    batch = work.batch
    restoring.lock_heads(conn, keys)
    brought = inputs.brought(conn, batch.id, keys)
    report = Undone(batch.id, work.undo_id)
    going = sort_out(conn, batch, brought, report)
    shared = _Shared.of(conn, going)
    entities.lock_entities(conn, shared.entities)
    stale, lost = _records(conn, work, going, shared, report)
    goes = sorted({r.key for r in going})
    restoring.mark_raws_undone(conn, batch.id, work.undo_id, goes, are_latest=True)
    if going:
        stale.people.update(_rows(conn, work, [r for r in going if r.id in lost], shared, report))
    restored = [r for r in going if r.id not in lost]
    _restore_rows(conn, [r.id for r in restored])
    plain_rows.restore(conn, restored)
    load.refold(conn, sorted(stale.people))
    restoring.note_undone(conn, work.who, sorted({*stale.people, *stale.companies}), batch.id)
    # the fold above skipped people that another loader holds, so they are folded later
    later = sorted({*stale.people, *stale.companies, *stale.concerned})
    return Taken(report, frozenset(r.id for r in brought), later)


@dataclass(frozen=True, slots=True)
class _Shared:
    """The entities that share records with those that go.

    Args:
        going: records that go, or are restored.
        people: records that share a person with one of them: record → entity.
        companies: the same of companies.
        entities: all these entities, and those that were merged into them.
    """

    going: frozenset[int]
    people: Mapping[int, int]
    companies: Mapping[int, int]
    entities: list[int]

    @classmethod
    def of(cls, conn: Connection, going: Sequence[Brought]) -> "_Shared":
        ids = [r.id for r in going]
        people = departing.co_members(conn, ids, PERSON)
        has_firms = any(r.target == ORGANISATION for r in going)
        firms = departing.co_members(conn, ids, ORGANISATION) if has_firms else {}
        held = sorted({*people.values(), *firms.values()})
        return cls(frozenset(ids), people, firms, entities.whole(conn, held))


@dataclass(frozen=True, slots=True)
class _Stale:
    """Entities to fold: people, companies, and the people of these companies."""

    people: set[int]
    companies: set[int]
    concerned: set[int]


def _records(
    conn: Connection, work: Work, going: Sequence[Brought], shared: _Shared, report: Undone
) -> tuple[_Stale, set[int]]:
    """Take out and restore records, and match the rest; returns the records taken out as well."""
    ids = [r.id for r in going]
    report.consents = consent_events.events_of_records(conn, ids)
    known = {r.id for r in going if r.was_known}
    again = sources.restore(conn, work.batch.id, sorted(known)) if known else set()
    out = sorted({*ids} - known)
    keys = identity.keys_of(conn, [*out, *again])
    restoring.mark_undone(conn, out, work.undo_id)
    sources.forget_keys(conn, sorted(again))
    lost, restored = {*ids} - known | again, known - again
    departing.forget_links(conn, sorted(lost), sorted(restored))
    report.reverted["records"] = len(lost)
    report.reverted["restored"] = len(restored)
    report.records = sorted({r.name for r in going})
    firms = _part(conn, going, ORGANISATION, shared.companies, lost)
    stale, concerned = _match_companies(conn, firms, keys)
    people = _part(conn, going, PERSON, shared.people, lost)
    beside = sorted(people.left.keys() - set(people.restored))
    leaving = work.leaving - set(ids)
    woken = match.forget(conn, people.lost, people.restored, beside, leaving, keys=keys)
    return _Stale(woken | set(people.left.values()), stale, concerned), lost


@dataclass(frozen=True, slots=True)
class _Part:
    """Records of people, or of companies: lost, restored, their co-members; emptied entities."""

    lost: list[int]
    restored: list[int]
    left: dict[int, int]
    emptied: list[int]


def _part(
    conn: Connection,
    going: Sequence[Brought],
    target: str,
    shared: Mapping[int, int],
    lost: Collection[int],
) -> _Part:
    own = {r.id for r in going if r.target == target}
    left = {i: entity for i, entity in shared.items() if i not in lost}
    gone = sorted(own.intersection(lost))
    if gone and left:
        departing.move_anchors(conn, gone, left)
    emptied = {*shared.values()} - {*left.values()}
    return _Part(gone, sorted(own.difference(lost)), left, sorted(emptied))


def _match_companies(
    conn: Connection, of: _Part, keys: Mapping[int, Sequence[int]]
) -> tuple[set[int], set[int]]:
    if not of.lost and not of.restored:
        return set(), set()
    companies.forget(conn, of.lost, of.restored, of.left, keys)
    set_company_keys(conn, dict.fromkeys(of.emptied, ()))
    contacts.close_companies(conn, of.emptied)
    concerned = accounts.wake_people(conn, of.emptied)
    children = parents.children_of(conn, of.emptied)
    entities.bump(conn, children, quietly=True)
    now = departing.co_members(conn, [*of.restored, *of.left], ORGANISATION)
    return {*now.values(), *of.left.values()}, {*concerned, *children}


def _rows(
    conn: Connection, work: Work, lost: Sequence[Brought], shared: _Shared, report: Undone
) -> list[int]:
    """Delete the rows without a record, and credit the turns that they took.

    Returns:
        People to fold again.
    """
    ids = [r.id for r in lost]
    asked_again = reopened.asked_in(conn, ids)
    children, people = plain_rows.remove(conn, lost)
    children += removal.remove_children(conn, ids, asked_in=list(PERSON_REFS.values()))
    made = removal.made_rows(conn, work.batch.id, shared.entities)
    stands = removal.standing(conn, shared.entities)
    empty = removal.orphaned(conn, made, stands, shared.going)
    asked = {r.name for r in lost if r.target == "inquiry"}
    removed = removal.remove(conn, empty, undo_id=work.undo_id, asked=asked)
    report.reverted += children + removed.rows
    report.given_back = _credit_turns(conn, removed.turns)
    if asked_again:
        closed = reopened.close_again(conn, work.who, asked_again, work.batch.id)
        report.reverted["statuses"] = closed
    users = [(r.source, r.source_id) for r in lost if r.target == "user"]
    gone, report.users = removal.forget_owners(conn, users, work.batch.id)
    report.reverted["users"] = gone
    return people


def _restore_rows(conn: Connection, ids: Sequence[int]) -> None:
    """Write tickets, and owners, as they were before."""
    if not ids:
        return
    stored = folding.by_id(conn, ids, "ticket")
    unmatched.write_tickets(conn, stored)
    tickets.archive(conn, [r.id for r in stored if r.is_gone])
    for owner in folding.by_id(conn, ids, "user"):
        unmatched.adopt(conn, owner)


def _credit_turns(conn: Connection, turns: Counter[tuple[int, int]]) -> list[GivenBack]:
    if not turns:
        return []
    return by_names(conn, groups.credit_turns(conn, stored.lock_all(conn), turns))


def by_names(conn: Connection, owed: Mapping[tuple[str, int], int]) -> list[GivenBack]:
    """Return what groups owe, (group's name, user) → assignments, by the users' names."""
    people = {u.id: u.email or u.name for u in owners.users_by_email(conn).values()}
    return [GivenBack(group, people[user], n) for (group, user), n in owed.items()]
