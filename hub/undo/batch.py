"""Undo a batch, chunk by chunk; a killed undo continues when it is called again.

    begin (the batch is `undoing`) → chunks → raw rows without a record → fold → close (`undone`)

Each chunk is one transaction under the identity lock. A sync of the source waits: it takes the same
lock of the source. Live records are matched, loaded and routed between two chunks.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Engine

from hub.crm import pick_lists, removal
from hub.db.locks import company_lock, source_locks
from hub.db.pace import slices
from hub.db.transactions import run_transaction
from hub.errors import ActionError
from hub.etl import load
from hub.logs import get_logger
from hub.records import batch_history, batches, proofs, undos
from hub.records.companies import ORGANISATION
from hub.records.undos import Part
from hub.undo import chunks, fields, inputs, restoring
from hub.undo.chunks import cut, groups
from hub.undo.inputs import Key, Known
from hub.undo.piles import sort_out
from hub.undo.report import Undone, from_document, total
from hub.undo.take_back import Taken, Work, lock, take_back

KINDS = ("sync", "migrate", "live")
FOLDED = 100  # entities that are folded in one transaction after the chunks
log = get_logger()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk that is done.

    Args:
        objects: how many objects it took back.
        held_s: how long it held the identity lock, in seconds.
        left: how many objects are to come.
    """

    objects: int
    held_s: float
    left: int


def undo(
    engine: Engine,
    who: str,
    batch_id: int,
    on_chunk: Callable[[Chunk], None] = lambda _: None,
) -> Undone:
    """Undo a batch, or continue it, while no sync of its source runs.

    A second undo undoes what the first had to leave, where its reason is gone.

    Args:
        engine: the hub's database.
        who: the actor, as the history names it.
        batch_id: a sync, a migration or a live batch.
        on_chunk: is called after each chunk.

    Raises:
        ActionError: there is no such batch, it is not settled, or it is of another kind.
    """
    with source_locks(engine, sources(engine, batch_id)):
        batch, undo_id = run_transaction(engine, lambda conn: _begin(conn, who, batch_id))
        for chunk in _chunks(engine, batch, undo_id, who):
            on_chunk(chunk)
        _raws(engine, batch, undo_id)
        _fold_left(engine, undo_id)
        return run_transaction(engine, lambda conn: _close(conn, batch, undo_id))


def sources(engine: Engine, batch_id: int) -> list[str]:
    """Return the source of a batch; nothing where there is no such batch."""
    with engine.begin() as conn:
        source = inputs.source_of(conn, batch_id)
    return [source] if source else []


def _begin(conn: Connection, who: str, batch_id: int) -> tuple[Known, int]:
    batch = undoable(conn, batch_id)
    undo_id = batch_history.running_undo(conn, batch.id)
    if undo_id is None:
        undo_id = batches.open_undo(conn, batch.id, batch.source, who)
    return batch, undo_id


def undoable(conn: Connection, batch_id: int) -> Known:
    """Lock and return a batch that can be undone.

    Raises:
        ActionError: there is no such batch, it is not settled, or it is of another kind.
    """
    batch = inputs.batch(conn, batch_id)
    if batch is None:
        raise ActionError(
            f"there is no batch {batch_id}",
            resource="batch",
            code="not_found",
            hint="hub batches lists them",
        )
    if batch.kind == "erase":
        raise ActionError(
            f"batch {batch.id} is an erasure: what it removed is gone for good",
            resource="batch",
            code="invalid",
            hint="hub erase --list shows the erasures",
        )
    if batch.kind not in KINDS:
        raise ActionError(
            f"batch {batch.id} is a {batch.kind}: it brought nothing from a source",
            resource="batch",
            code="invalid",
            hint="to reverse a mapping, change the mapping back and run hub remap",
        )
    if batch.state == "planned":
        raise ActionError(
            f"batch {batch.id} is only planned: nothing of it was loaded",
            resource="batch",
            code="conflict",
            hint=f"hub migrate --discard {batch.id} forgets the plan",
        )
    is_open = batch.state in {"running", "partial"}
    if is_open or not proofs.is_drained(conn, batch.id):
        why = f"it is {batch.state}" if is_open else "some of its records still wait for a stage"
        is_migrating = is_open and batch.kind == "migrate"
        finishing = "the same hub migrate command" if is_migrating else "hub sync"
        raise ActionError(
            f"batch {batch.id} is not finished: {why}",
            resource="batch",
            code="conflict",
            hint=f"{finishing} finishes it; then undo it",
        )
    return batch


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left to undo: groups of objects, records that will go, keys of companies."""

    groups: list[list[Key]]
    leaving: set[int]
    companies: set[Key]


def plan(conn: Connection, batch: Known, done: Iterable[Undone]) -> Plan:
    """Return what is left to undo; `done` are the parts that were done before a kill."""
    kept = {name for part in done for name in part.kept_records}
    brought = [r for r in inputs.brought(conn, batch.id) if r.name not in kept]
    leaving = sort_out(conn, batch, brought, Undone(batch.id))
    firms = {r.key for r in brought if r.target == ORGANISATION}
    return Plan(groups(brought), {r.id for r in leaving}, firms)


def parts_of(conn: Connection, undo_id: int) -> list[Undone]:
    """Return what the chunks of an undo have done so far."""
    return [from_document(part.report) for part in undos.parts(conn, undo_id)]


def _chunks(engine: Engine, batch: Known, undo_id: int, who: str) -> Iterator[Chunk]:
    with engine.begin() as conn:
        left = plan(conn, batch, parts_of(conn, undo_id))
    work, pace = Work(batch, undo_id, who, left.leaving), chunks.pace()
    to_come = sum(len(group) for group in left.groups)
    for keys in cut(left.groups, pace):
        with_companies = not left.companies.isdisjoint(keys)
        held = _Held()
        taken = run_transaction(engine, held.by(work, keys, with_companies=with_companies))
        held_s = held.seconds
        _fold(engine, taken.stale)
        work.leaving.difference_update(taken.records)
        pace.took(held_s)
        to_come -= len(keys)
        chunk = Chunk(len(keys), held_s, to_come)
        log.info("batch_chunk_undone", batch=batch.id, objects=chunk.objects, held_s=chunk.held_s)
        yield chunk


@dataclass(slots=True)
class _Held:
    """How long a chunk held the identity lock, in seconds; the commit is part of it."""

    since: float = 0.0

    def by(
        self, work: Work, keys: Sequence[Key], *, with_companies: bool
    ) -> Callable[[Connection], Taken]:
        def chunk(conn: Connection) -> Taken:
            lock(conn, with_companies=with_companies)
            self.since = time.monotonic()
            taken = take_back(conn, work, keys)
            undos.keep_part(conn, work.undo_id, Part(taken.report.document(), taken.stale))
            return taken

        return chunk

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.since, 4)


def _raws(engine: Engine, batch: Known, undo_id: int) -> None:
    """Mark the raw rows without a record: the mapping refused them, or leaves them out."""
    with engine.begin() as conn:
        kept = {name for part in parts_of(conn, undo_id) for name in part.kept_records}
        left = [key for key in inputs.raw_keys(conn, batch.id) if "/".join(key) not in kept]
    for keys in slices(left, FOLDED):
        run_transaction(engine, partial(_mark, batch=batch, undo_id=undo_id, keys=keys))


def _mark(conn: Connection, *, batch: Known, undo_id: int, keys: Sequence[Key]) -> None:
    restoring.lock_heads(conn, keys)
    restoring.mark_raws_undone(conn, batch.id, undo_id, keys)


def _fold_left(engine: Engine, undo_id: int) -> None:
    """Fold the entities that a killed process, or another loader, has left stale."""
    with engine.begin() as conn:
        stale = {i for part in undos.parts(conn, undo_id) for i in part.stale}
    _fold(engine, sorted(stale))


def _fold(engine: Engine, stale: Sequence[int]) -> None:
    """Fold companies that lost records, and the people of these companies, some at a time."""
    for ids in slices(stale, FOLDED):
        run_transaction(engine, partial(_refold, ids=ids))


def _refold(conn: Connection, *, ids: Sequence[int]) -> None:
    company_lock(conn)
    load.refold(conn, ids)


def _close(conn: Connection, batch: Known, undo_id: int) -> Undone:
    last = Undone(batch.id, undo_id)
    last.reverted["alerts"] = removal.remove_digests(conn, batch.id, undo_id)
    for of in (pick_lists.REASONS, pick_lists.OUTCOMES):
        pick_lists.forget(conn, of, batch.id)
    fields.take_back(conn, batch.id, last)
    last.routed = [f"lead/{i}" for i in inputs.routed_meanwhile(conn, batch.id)]
    undos.keep_part(conn, undo_id, Part(last.document(), ()))
    batches.close_undo(conn, batch.id, undo_id)
    return total(batch.id, undo_id, parts_of(conn, undo_id))
