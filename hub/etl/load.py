"""Load: fold stale entities and write the rows of the CRM that differ.

golden = survive(source records of the entity, edits, rules). Only a new lead or a new inquiry sends a
notification: recomputing a record sends none. A chunk of people is
`hub.etl.load_people`, one of companies `hub.etl.load_companies`.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from hub.db.locks import company_lock, company_watch, try_company_lock
from hub.db.pace import Pace, slices
from hub.db.transactions import ask, run_transaction
from hub.etl.context import Hub
from hub.etl.load_companies import load_companies
from hub.etl.load_people import load_people
from hub.etl.new_owners import NewOwners, in_order
from hub.etl.owner_decision import rules_of
from hub.etl.unmatched import RELATED, load_owners, load_related, load_tickets
from hub.frozen import dataclass
from hub.logs import get_logger
from hub.model.folding import StaleEntity
from hub.records import entities, folding, queue
from hub.records.companies import ORGANISATION

__all__ = ["load_owners", "load_pending", "load_stale", "load_tickets", "refold"]

CHUNK = 500
# people in the first transaction that locks the groups, and the fewest: on a busy machine a transaction of
# a few takes as long, and each would make the next one smaller
_FIRST, _LEAST = 250, 100
_LONGEST_S = 0.15  # a live lead waits no longer for them
log = get_logger()


Counts = dict[str, int]


def load_pending(hub: Hub) -> Counts:
    """Load all that waits, and let new leads have their owner at once; returns counts."""
    counts = {"owners": 0, "tickets": 0}
    if ask(hub.engine, lambda conn: queue.has_records(conn, queue.OWNERS, queue.TICKETS)):
        counts = load_owners(hub) | load_tickets(hub)
    counts |= load_stale(hub, gives_owners=True)
    if ask(hub.engine, lambda conn: queue.has_records(conn, *RELATED)):
        counts |= load_related(hub)
        counts |= load_stale(hub)  # a company that waited for nothing but this load's deals
    return counts


def load_stale(hub: Hub, *, gives_owners: bool = False) -> Counts:
    """Fold and write every entity that is stale, chunk by chunk; returns counts.

    Companies come first, so that their people find them.

    Args:
        hub: the working parts.
        gives_owners: insert new leads with their owner, if the turn is certain. The others wait for
            route.
    """
    totals: Counter[str] = Counter()
    stale = ask(hub.engine, folding.stale_kinds)
    if stale.companies:
        _each(hub, _some_companies, totals)
        stale = ask(hub.engine, folding.stale_kinds)
    are_left = stale.people
    if gives_owners and stale.new:
        are_left = not _load_in_order(hub, totals) or stale.others
    if are_left:
        _each(hub, partial(_some_people, hub), totals)
    return dict(totals)


def load_live(hub: Hub, entity_ids: Sequence[int]) -> Counts:
    """Fold and write these people now, before all others; route gives new leads their owner."""
    totals: Counter[str] = Counter()
    if ask(hub.engine, lambda conn: queue.has_records(conn, queue.OWNERS)):
        load_owners(hub)
    for ids in slices(entity_ids, CHUNK):
        totals.update(run_transaction(hub.engine, partial(_some_people, hub, among=ids)).counts)
    return dict(totals)


@dataclass(frozen=True, slots=True)
class _Done:
    """What a chunk did; `is_last`: no other entity waits that this load could fold."""

    counts: Counts
    is_last: bool


def _each(hub: Hub, some: Callable[[Connection], _Done], totals: Counter[str]) -> None:
    done = _Done({}, is_last=False)
    while not done.is_last:
        done = run_transaction(hub.engine, some)
        if done.counts:
            totals.update(done.counts)
            log.info("entities_loaded", **done.counts)


def load_live_companies(hub: Hub, entity_ids: Sequence[int]) -> Counts:
    """Fold and write these companies now, before all others and before their people."""
    totals: Counter[str] = Counter()
    for ids in slices(entity_ids, CHUNK):
        totals.update(run_transaction(hub.engine, partial(_some_companies, among=ids)).counts)
    return dict(totals)


def _some_companies(conn: Connection, among: Sequence[int] | None = None) -> _Done:
    company_lock(conn)
    stale = folding.claim_stale(conn, CHUNK, among, kind=ORGANISATION)
    return _Done(load_companies(conn, stale)[0] if stale else {}, _is_last(stale))


def _some_people(hub: Hub, conn: Connection, among: Sequence[int] | None = None) -> _Done:
    company_watch(conn)
    stale = folding.claim_stale(conn, CHUNK, among)
    reopen_to = hub.settings.crm.reopen_unqualified_to
    return _Done(load_people(conn, stale, reopen_to) if stale else {}, _is_last(stale))


def _is_last(stale: Sequence[StaleEntity]) -> bool:
    """Tell whether nothing else waited: one that was merged waits until its survivor was folded once."""
    return len(stale) < CHUNK and not any(entity.is_new for entity in stale)


def _load_in_order(hub: Hub, totals: Counter[str]) -> bool:
    """Load new people in the order in which turns are due, and give turns while the order is certain.

    People folded before come first: the turn of a removed lead is credited.

    Returns:
        Whether all new people were loaded.
    """
    rules = rules_of(hub)
    with hub.engine.begin() as conn:
        people = in_order(conn, rules)
        known = folding.known_stale(conn) if people else ()
    for ids in slices(known, CHUNK):
        totals.update(run_transaction(hub.engine, partial(_some_people, hub, among=ids)).counts)
    owners = NewOwners(rules, is_sure=not known or _are_done(hub), clock=hub.clock)
    first = min(_FIRST, CHUNK)
    pace = Pace(first, min(_LEAST, first), CHUNK, _LONGEST_S / 2, _LONGEST_S, growth=1.5)
    done = 0
    while owners.is_sure and done < len(people):
        ids = people[done : done + pace.size]
        started = time.monotonic()
        counts, owners = run_transaction(hub.engine, partial(_some_new, hub, ids, owners))
        pace.took(time.monotonic() - started)
        totals.update(counts)
        log.info("entities_loaded", **counts)
        done += len(ids)
    return bool(people) and done >= len(people)


def _are_done(hub: Hub) -> bool:
    """Tell whether no person that a load has folded before is stale."""
    with hub.engine.begin() as conn:
        return not folding.known_stale(conn)


def _some_new(
    hub: Hub, ids: Sequence[int], before: NewOwners, conn: Connection
) -> tuple[Counts, NewOwners]:
    """Load people in the given order; waits for those that another transaction holds."""
    owners = before.copy()
    company_watch(conn)
    stale = folding.claim_stale(conn, len(ids), ids, waits=True)
    place = {entity: i for i, entity in enumerate(ids)}
    ordered = sorted(stale, key=lambda e: place[e.id])
    reopen_to = hub.settings.crm.reopen_unqualified_to
    return load_people(conn, ordered, reopen_to, owners) if ordered else {}, owners


def refold(conn: Connection, entity_ids: Sequence[int]) -> Counter[str]:
    """Fold and write those of the entities that are stale, within the caller's transaction.

    The people of a company among them are folded too. This transaction holds entities, so it does not
    wait for the lock of companies. An entity that it could not fold for sure is folded by the next load.

    Returns:
        How many leads and contacts were created, updated and removed.
    """
    ids, done = list(entity_ids), Counter[str]()
    if not ids:
        return done
    is_sure = True
    while stale := folding.claim_stale(conn, CHUNK, ids, kind=ORGANISATION):
        is_sure = try_company_lock(conn, shared=False) and is_sure
        ids += load_companies(conn, stale)[1]
    is_sure = try_company_lock(conn, shared=True) and is_sure
    while stale := folding.claim_stale(conn, CHUNK, ids):
        done.update(load_people(conn, stale))
    if not is_sure:
        entities.bump(conn, ids)
    return done
