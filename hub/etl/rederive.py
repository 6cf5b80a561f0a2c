"""Derive again what older rules derived: mappings, keys, pairs, folds and links.

The work is cut into pieces. A piece is one short transaction that also stores the position of the
derivation. After a kill the next process continues the next piece. Records go through the bulk
lane, so owners get no single alerts. Live records go before bulk ones in every queue.

Callers: `hub up` in the background, `hub sync` for some seconds, `hub upgrade` to the end. One
process at a time derives again.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from hub.db.locks import identity_lock, only_one
from hub.db.pace import Pace
from hub.db.transactions import run_transaction
from hub.etl import derivations, flow, keying
from hub.etl.closing import finish
from hub.etl.companies import match_companies
from hub.etl.context import Hub
from hub.etl.dropped import take_out
from hub.etl.load import load_owners, load_stale, load_tickets
from hub.etl.match import match_again, match_pending, views_of
from hub.etl.model_in_use import active_model
from hub.etl.normalize import normalize_pending
from hub.landing import own
from hub.logs import get_logger
from hub.mappings.document import MappingDocument
from hub.model.verdicts import Lane
from hub.records import (
    batches,
    companies,
    drift,
    entities,
    identity,
    match_keys,
    proofs,
    queue,
    requeue,
    sources,
)
from hub.records import derivations as walks
from hub.records.batches import Batch
from hub.records.derivations import MAPPING, Walk

KIND = "rederive"
OBJECTS = 200
RECORDS = 50  # each one includes its whole component: the identity lock stays under 300 ms
ENTITIES = 200
KEYS = 200
_TRIES, _PAUSE_S = 50, 0.1
_FIRST, _LONGEST_S = (
    10,
    0.15,
)  # size of the first piece, whose cost is unknown, and how long locks are held
_ORDER = ("user", "organisation", "person", "lead", "contact")
log = get_logger()

Stop = Callable[[], bool]


@dataclass(slots=True)
class Rederived:
    """How much one call derived again, and how much is left.

    Args:
        done: objects, records or entities by derivation.
        left: the same, still to be derived again.
        is_busy: another process derives again now; this call did nothing.
    """

    done: dict[str, int] = field(default_factory=dict)
    left: int = 0
    is_busy: bool = False

    def add(self, name: str, n: int) -> None:
        """Count what a piece has done."""
        self.done[name] = self.done.get(name, 0) + n


def left(hub: Hub) -> int:
    """Count what older rules derived, of all derivations."""
    with hub.engine.begin() as conn:
        return sum(one.behind for one in derivations.stale(conn, hub.mappings))


def rederive(
    hub: Hub, stop: Stop = lambda: False, *, told: Callable[[str, int], None] | None = None
) -> Rederived:
    """Derive stale data again, piece by piece, until none is left or `stop` returns true.

    Args:
        hub: the working parts.
        stop: called after each piece.
        told: called with the derivation and the size of each finished piece.
    """
    report = Rederived()
    with only_one(hub.engine, KIND) as is_alone:
        report.is_busy = not is_alone
        if is_alone:
            if not _declared(hub):
                return report  # every sync calls this: without stale data nothing is counted
            for name, n in _pieces(hub):
                report.add(name, n)
                if told:
                    told(name, n)
                if stop():
                    break
            _close(hub)
    report.left = left(hub)
    if report.done:
        log.info("derived_again", left=report.left, **report.done)
    return report


def _declared(hub: Hub) -> bool:
    """Store the versions in force; tell whether any data is stale."""
    with hub.engine.begin() as conn:
        derivations.declare(conn, hub.mappings)
        return bool(_open_walks(hub, conn)) or bool(batches.running(conn, KIND))


def _open_walks(hub: Hub, conn: Connection) -> list[Walk]:
    """Return the derivations to do; a stream without a mapping has none."""
    return [w for w in walks.walks(conn) if w.name != MAPPING or w.part in hub.mappings]


def _pieces(hub: Hub) -> Iterator[tuple[str, int]]:
    """Do one piece after the other; yields the derivation of each, and its size.

    A later derivation reads the results of an earlier one, so each is finished first.
    """
    _drain(hub)  # left by a killed process
    for part in _mapped_parts(hub):
        source, stream = part.split("/", 1)
        while n := _map_again(hub, source, stream):
            _drain(hub)
            yield MAPPING, n
        if _is_drained(hub, source):
            while n := _take_out(hub, source, stream):
                load_stale(hub)
                yield MAPPING, n
    for name, most, piece in (
        ("keys", KEYS, _key_again),
        ("model", RECORDS, _match_again),
        ("links", ENTITIES, _link_again),
        ("fold", ENTITIES, _fold_again),
    ):
        pace = Pace(min(most, _FIRST), 1, most, _LONGEST_S / 3, _LONGEST_S, growth=2)
        while n := _walk(hub, name, pace, piece):
            match_companies(hub)
            load_stale(hub)
            yield name, n


def _mapped_parts(hub: Hub) -> list[str]:
    """Return the streams to map again: owners and companies before their people."""
    with hub.engine.begin() as conn:
        stale = [walk.part for walk in _open_walks(hub, conn) if walk.name == MAPPING]
    return sorted(stale, key=lambda part: (_rank(hub.mappings[part]), part))


def _rank(document: MappingDocument) -> int:
    found = [_ORDER.index(t.entity) for t in document.emit if t.entity in _ORDER]
    return min(found, default=len(_ORDER))


def _batch(conn: Connection, source: str) -> Batch:
    """Return the batch of a source for this work; an interrupted one continues."""
    found = batches.running_batch(conn, source, KIND)
    return found or batches.open_batch(conn, source=source, kind=KIND, lane=Lane.BULK.value)


def _map_again(hub: Hub, source: str, stream: str) -> int:
    """Queue the next objects of a stream; returns how many."""

    def queue(conn: Connection) -> int:
        walk = walks.lock_walk(conn, MAPPING, f"{source}/{stream}")
        if walk is None:
            return 0
        ids, to = requeue.next_objects(
            conn, source, stream, after=walk.after, until=walk.until, limit=OBJECTS
        )
        if not walk.after:
            drift.forget(conn, source, stream)
        if not ids:
            return 0  # the walk ends when records that no version gives any more are taken out
        batch = _batch(conn, source)
        requeue.queue_all(
            conn, batch=batch.id, source=source, stream=stream, ids=ids, lane=batch.lane
        )
        walks.advance(conn, walk, to)
        return len(ids)

    return run_transaction(hub.engine, queue)


def _drain(hub: Hub) -> None:
    """Run waiting records through the stages, up to their rows in the CRM; `_close` gives owners."""
    normalize_pending(hub)
    match_pending(hub)
    match_companies(hub)
    load_owners(hub)
    load_tickets(hub)
    load_stale(hub)


def _is_drained(hub: Hub, source: str) -> bool:
    """Wait for other processes that hold records of a source; tell whether none does."""
    for _ in range(_TRIES):
        with hub.engine.begin() as conn:
            if proofs.is_drained(conn, _batch(conn, source).id):
                return True
        hub.clock.sleep(_PAUSE_S)
        _drain(hub)
    return False  # the next call continues


def _take_out(hub: Hub, source: str, stream: str) -> int:
    """Take out records that no version of a stream gives any more; then the stream is current."""
    version = hub.mappings[f"{source}/{stream}"].version

    def some(conn: Connection) -> int:
        identity_lock(conn)  # the first statement of its transaction
        batch = _batch(conn, source)
        n = take_out(conn, source, stream, version, batch_id=batch.id)
        if not n:
            walks.finish(conn, f"{source}/{stream}")
        return n

    return run_transaction(hub.engine, some)


Piece = Callable[[Connection, Sequence[int]], None]


def _walk(hub: Hub, name: str, pace: Pace, piece: Piece) -> int:
    """Derive the next ids of a walk again, in one transaction; returns how many."""
    held_s = 0.0
    size = pace.size

    def some(conn: Connection) -> int:
        nonlocal held_s
        if name in {"keys", "model"}:
            identity_lock(conn)  # the first statement of its transaction
        started = time.monotonic()
        walk = walks.lock_walk(conn, name)
        if walk is None:
            return 0
        ids = walks.ids_of(conn, walk, size)
        if ids:
            piece(conn, ids)
        held_s = time.monotonic() - started
        is_end = len(ids) < size
        walks.advance(conn, walk, None if is_end else ids[-1])
        if is_end and name == "keys":
            walks.restart(conn, ["model"])  # meanwhile pairs were found by keys of two versions
        if name == "links":
            _advance_fold(conn, walk, None if is_end else ids[-1])
        return len(ids)

    n = run_transaction(hub.engine, some)
    pace.took(held_s)
    return n


def _key_again(conn: Connection, ids: Sequence[int]) -> None:
    records = identity.load_records(conn, ids)
    now = keying.named(views_of(conn, records), active_model(conn))
    changed = match_keys.replace(conn, keying.stored_keys(records), now.keys, keying.beside(now))
    sources.place(conn, {}, changed)


def _match_again(conn: Connection, ids: Sequence[int]) -> None:
    match_again(conn, ids, active_model(conn), batch_id=_batch(conn, own.OURS).id)


def _fold_again(conn: Connection, ids: Sequence[int]) -> None:
    entities.lock_entities(conn, ids)
    entities.bump(conn, ids, quietly=True)


def _link_again(conn: Connection, ids: Sequence[int]) -> None:
    queue.put_members(conn, queue.COMPANIES, ids, companies.ORGANISATION)
    _fold_again(conn, ids)


def _advance_fold(conn: Connection, links: Walk, to: int | None) -> None:
    """Count entities as folded that were folded for their links."""
    fold = walks.lock_walk(conn, "fold")
    if fold and fold.after >= links.after:
        reached = links.until if to is None else to
        walks.advance(conn, fold, max(fold.after, reached))


def _close(hub: Hub) -> None:
    """Give new leads an owner and a place in a digest, and close finished batches."""
    with hub.engine.begin() as conn:
        running = batches.running(conn, KIND)
        stale = {walk.part.split("/")[0] or own.OURS for walk in _open_walks(hub, conn)}
    if not running:
        return
    for stage in (flow.run_normalize, flow.run_match, flow.run_load, flow.run_route):
        stage(hub)
    for batch in running:
        if batch.source not in stale and _batch_is_drained(hub, batch):
            finish(hub, batch)


def _batch_is_drained(hub: Hub, batch: Batch) -> bool:
    """Tell whether a batch has nothing left in a queue; another process may still write its records."""
    with hub.engine.begin() as conn:
        return proofs.is_drained(conn, batch.id)
