"""Batches: the records that one run read from one source. Owns `ops.batch`.

A batch is (source, kind, run). A source can have one sync, one migration and any number of live batches
at a time. Each batch is settled for itself. Not here: verdicts, the ledger, records left in the queues
(`hub.records.verdicts`, `ledger`, `proofs`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.db.json_text import write_json
from hub.frozen import dataclass
from hub.model.faults import Fault, faults_of
from hub.model.records import JsonValue
from hub.records.batch_tables import batch


@dataclass(frozen=True, slots=True)
class Batch:
    """One run of a source; a batch in the lane `bulk` sends no single alerts."""

    id: int
    kind: str
    source: str
    lane: str


_COLUMNS = (batch.c.id, batch.c.kind, batch.c.source, batch.c.lane)
READS = ("sync", "migrate")
"""Kinds of which a source has one open batch: the next run continues it."""
OPEN = ("running", "partial")
"""States of a batch that is not over: a process works on it, or was killed; or it was left in part."""
REPEATS = ("retry", "fix", "remap")
"""Kinds that map landed records again, under the lock of their source."""
LIVE = "live"
LIVE_AGE = timedelta(minutes=1)  # after this time a live batch takes up no new records


def open_batch(conn: Connection, *, source: str, kind: str, lane: str) -> Batch:
    """Start a batch; of a sync or a migration the open one, if there is one, continues."""
    started = insert(batch).values(source=source, kind=kind, lane=lane)
    if kind not in READS:
        return Batch(*conn.execute(started.returning(*_COLUMNS)).one())
    conn.execute(
        started.on_conflict_do_nothing(
            index_elements=["source", "kind"],
            index_where=text("state IN ('running','partial') AND kind IN ('sync','migrate')"),
        )
    )
    found = running_batch(conn, source, kind)
    if found is None:
        raise AssertionError("unreachable: there is one now")
    return found


def live_batch(conn: Connection, source: str, now: datetime) -> Batch:
    """Return the live batch for the records that a source sends now; open one if all are old.

    The batch stays open until this transaction ends: `due_live` skips it.
    """
    young = select(*_COLUMNS).where(
        batch.c.source == source,
        batch.c.kind == LIVE,
        batch.c.state == "running",
        batch.c.started_at > now - LIVE_AGE,
    )
    row = conn.execute(
        young.order_by(batch.c.id).limit(1).with_for_update(key_share=True, read=True)
    )
    if (found := row.first()) is not None:
        return Batch(*found)
    started = insert(batch).values(source=source, kind=LIVE, lane="live", started_at=now)
    return Batch(*conn.execute(started.returning(*_COLUMNS)).one())


def due_live(conn: Connection, now: datetime) -> list[Batch]:
    """Lock and return the live batches that are over a minute old, settled or not.

    Batches into which other transactions write, or which they close, are skipped. A later statement of
    this transaction must check whether a batch is settled: it sees all that was written into the batch,
    and until the transaction ends nothing more is.
    """
    due = select(*_COLUMNS).where(
        batch.c.kind == LIVE,
        batch.c.state == "running",
        batch.c.started_at <= now - LIVE_AGE,
    )
    rows = conn.execute(due.order_by(batch.c.id).with_for_update(skip_locked=True))
    return [Batch(*row) for row in rows]


def lock_open(conn: Connection, ids: Sequence[int]) -> list[Batch]:
    """Lock and return those of the batches that no process has closed; others that close them wait."""
    found = select(*_COLUMNS).where(batch.c.id.in_(ids), batch.c.state.in_(OPEN))
    rows = conn.execute(found.order_by(batch.c.id).with_for_update(key_share=True))
    return [Batch(*row) for row in rows]


def interrupted(conn: Connection, source: str) -> list[Batch]:
    """Return interrupted batches of repeated mapping; call under the source's lock."""
    left = select(*_COLUMNS).where(
        batch.c.source == source, batch.c.state == "running", batch.c.kind.in_(REPEATS)
    )
    return [Batch(*row) for row in conn.execute(left.order_by(batch.c.id))]


def open_planned(conn: Connection, source: str, who: str) -> int:
    """Open a migration that is only planned: no stage works on it yet; returns its number."""
    begun = insert(batch).values(
        source=source, kind="migrate", lane="bulk", state="planned", who=who
    )
    number: int = conn.execute(begun.returning(batch.c.id)).scalar_one()
    return number


def begin_planned(conn: Connection, batch_id: int) -> None:
    """Say that the stages work on a planned batch from now on, or again after an interruption."""
    at_rest = update(batch).where(batch.c.id == batch_id, batch.c.state.in_(("planned", "partial")))
    conn.execute(at_rest.values(state="running"))


def discard_planned(conn: Connection, batch_id: int) -> None:
    """Close a rejected planned batch: nothing of it has reached the CRM."""
    planned = update(batch).where(batch.c.id == batch_id, batch.c.state == "planned")
    conn.execute(planned.values(state="undone", finished_at=func.now()))


def action_batch(conn: Connection, source: str) -> int:
    """Return the number of a new batch for an action of a user: live, and done at once."""
    number: int = conn.execute(
        text(
            "INSERT INTO ops.batch (kind, source, lane, state, finished_at) "
            "VALUES ('action', :source, 'live', 'done', now()) RETURNING id"
        ),
        {"source": source},
    ).scalar_one()
    return number


def open_action(conn: Connection, source: str, who: str) -> int:
    """Return the number of a new batch for an action of a user that takes several transactions."""
    number: int = conn.execute(
        text(
            "INSERT INTO ops.batch (kind, source, lane, who) "
            "VALUES ('action', :source, 'live', :who) RETURNING id"
        ),
        {"source": source, "who": who},
    ).scalar_one()
    return number


def set_action_state(conn: Connection, batch_id: int, state: str) -> None:
    """Set the state of an action's batch: done, undoing or undone."""
    conn.execute(
        text("UPDATE ops.batch SET state = :state, finished_at = now() WHERE id = :id"),
        {"id": batch_id, "state": state},
    )


def running_batch(conn: Connection, source: str, kind: str = "sync") -> Batch | None:
    """Return the source's open sync, or its open batch of another kind of `READS`."""
    found = select(*_COLUMNS).where(
        batch.c.source == source, batch.c.kind == kind, batch.c.state.in_(OPEN)
    )
    row = conn.execute(found).first()
    return Batch(*row) if row else None


def take_up(conn: Connection, batch_id: int) -> None:
    """Say that a process works on an open batch again."""
    left = update(batch).where(batch.c.id == batch_id, batch.c.state == "partial")
    conn.execute(left.values(state="running"))


def leave(conn: Connection, batch_id: int) -> bool:
    """Say that no process works on the batch: the next sync continues it.

    Returns:
        Whether the batch was still open.
    """
    at_work = update(batch).where(batch.c.id == batch_id, batch.c.state == "running")
    return conn.execute(at_work.values(state="partial")).rowcount > 0


def running(conn: Connection, kind: str) -> list[Batch]:
    """Return the running batches of a kind, of all sources, oldest first."""
    found = select(*_COLUMNS).where(batch.c.kind == kind, batch.c.state == "running")
    return [Batch(*row) for row in conn.execute(found.order_by(batch.c.id))]


_REOPEN = text("""
UPDATE ops.batch SET state = 'running', finished_at = NULL, ledger = '{}'
WHERE id = (SELECT max(id) FROM ops.batch WHERE source = :source AND kind = 'sync')
  AND state = 'failed' AND EXISTS (
    SELECT 1 FROM jsonb_each(windows) AS w WHERE w.value ->> 'unproved' = 'true')
RETURNING id, kind, source, lane
""")


def reopen(conn: Connection, source: str) -> Batch | None:
    """Reopen the source's last sync if a fault ended it inside a window: its read pages count.

    A batch whose windows were all proved, or never begun, stays closed.
    """
    row = conn.execute(_REOPEN, {"source": source}).first()
    return Batch(*row) if row else None


@dataclass(frozen=True, slots=True)
class Begun:
    """The place where a batch began to read a stream, before any interruption."""

    since: datetime | None
    cursor: Mapping[str, JsonValue] | None


def begin_window(
    conn: Connection,
    batch_id: int,
    stream: str,
    *,
    since: datetime | None,
    cursor: Mapping[str, JsonValue] | None,
) -> Begun:
    """Note where the batch begins to read; an interrupted batch keeps its first beginning.

    Pages read before a crash were not proved yet, so they are proved with the later ones.
    """
    began: Any = window_note(conn, batch_id, stream).get("began")
    if began is not None and since is not None:
        first = datetime.fromisoformat(began["since"]) if began["since"] else None
        return Begun(first and min(first, since), began["cursor"])
    kept: dict[str, JsonValue] = {
        "since": since.isoformat() if since else None,
        "cursor": None if cursor is None else dict(cursor),
    }
    note_window(conn, batch_id, stream, {"began": kept})
    return Begun(since, cursor)


_NOTE = text("""
UPDATE ops.batch SET windows = windows || jsonb_build_object(CAST(:stream AS text),
  coalesce(windows -> CAST(:stream AS text), '{}') || CAST(:note AS jsonb))
WHERE id = :batch
""")


def note_window(
    conn: Connection, batch_id: int, stream: str, note: Mapping[str, JsonValue]
) -> None:
    """Add notes (bounds, count, shortage) on a stream's window to its batch."""
    conn.execute(_NOTE, {"batch": batch_id, "stream": stream, "note": write_json(note)})


def note_faults(
    conn: Connection, batch_id: int, stream: str, faults: Sequence[Fault], *, unproved: bool
) -> None:
    """Store the faults of a stream in this batch.

    Args:
        conn: an open transaction.
        batch_id: the batch.
        stream: the stream, "" for the whole source.
        faults: faults of its last read; they replace those of an earlier one.
        unproved: whether pages have landed and the window they belong to has not been proved.
    """
    known = window_note(conn, batch_id, stream)
    note: dict[str, JsonValue] = {"faults": [fault.to_json() for fault in faults]}
    if unproved != bool(known.get("unproved")):
        note["unproved"] = unproved
    if faults or known.get("faults") or "unproved" in note:
        note_window(conn, batch_id, stream, note)


_NOTE_RUN = text("""
UPDATE ops.batch SET runs = array_append(runs, CAST(:run AS text))
WHERE id = :batch AND :run <> ALL(runs)
""")


def note_run(conn: Connection, batch_id: int, run_id: str) -> None:
    """Store that a Dagster run opened or continued the batch; the proof of the run reads this."""
    conn.execute(_NOTE_RUN, {"batch": batch_id, "run": run_id})


def faults_noted(conn: Connection, batch_id: int) -> list[Fault]:
    """Return the faults of the batch so far, of all its streams."""
    windows = conn.execute(select(batch.c.windows).where(batch.c.id == batch_id)).scalar_one()
    return [one for note in windows.values() for one in faults_of(note.get("faults"))]


def close_batch(conn: Connection, batch_id: int, *, ledger_json: JsonValue, ok: bool) -> None:
    """Close a batch; a failed one stays visible and its cursor does not move."""
    conn.execute(
        update(batch)
        .where(batch.c.id == batch_id)
        .values(state="done" if ok else "failed", ledger=ledger_json, finished_at=func.now())
    )


def window_note(conn: Connection, batch_id: int, stream: str) -> dict[str, JsonValue]:
    """Return the notes on a stream's window."""
    windows = conn.execute(select(batch.c.windows).where(batch.c.id == batch_id)).scalar_one()
    return dict(windows.get(stream, {}))


def open_undo(conn: Connection, batch_id: int, source: str, who: str) -> int:
    """Begin to undo a batch: it is `undoing`, and the undo a running batch; returns the undo's id."""
    conn.execute(update(batch).where(batch.c.id == batch_id).values(state="undoing"))
    begun = insert(batch).values(
        kind="undo", source=source, lane="bulk", undoes=batch_id, who=who, ledger=[]
    )
    number: int = conn.execute(begun.returning(batch.c.id)).scalar_one()
    return number


def close_undo(conn: Connection, batch_id: int, undo_id: int) -> None:
    """Note that a batch is undone, and its undo done."""
    conn.execute(update(batch).where(batch.c.id == batch_id).values(state="undone"))
    conn.execute(
        update(batch).where(batch.c.id == undo_id).values(state="done", finished_at=func.now())
    )


def open_erase(conn: Connection, erasure: str, who: str) -> int:
    """Begin an erasure, or open the batch of one that was killed again; `erasure` is its number."""
    number = batch.c.windows["erasure"]["id"].astext
    again = update(batch).where(batch.c.kind == "erase", number == erasure)
    reopened = again.values(state="running", finished_at=None).returning(batch.c.id)
    if (begun := conn.execute(reopened).scalar_one_or_none()) is not None:
        return int(begun)
    new = insert(batch).values(
        kind="erase", source="hub", lane="bulk", who=who, windows={"erasure": {"id": erasure}}
    )
    return int(conn.execute(new.returning(batch.c.id)).scalar_one())


def close_erase(
    conn: Connection, batch_id: int, receipt: Mapping[str, JsonValue], *, ok: bool
) -> None:
    """End an erasure with its receipt; one that left something behind has failed."""
    close_batch(conn, batch_id, ledger_json=dict(receipt), ok=ok)
