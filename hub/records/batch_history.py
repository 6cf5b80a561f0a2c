"""What batches have done: how sources were last read, what was undone or erased. Reads `ops.batch` alone.

Not here: what changes a batch (`hub.records.batches`), its verdicts and its ledger.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from hub.frozen import dataclass
from hub.records.batch_tables import batch


@dataclass(frozen=True, slots=True)
class LastRead:
    """When a source was last read without a fault, and whether a later read ended with one."""

    good_at: datetime | None
    has_failed: bool


_LAST_READ = text("""
SELECT (SELECT finished_at FROM ops.batch WHERE source = :source AND kind IN ('sync', 'migrate')
          AND state = 'done' ORDER BY id DESC LIMIT 1) AS good_at,
       coalesce((SELECT state = 'failed' FROM ops.batch WHERE source = :source
          AND kind IN ('sync', 'migrate') AND state IN ('done', 'failed')
          ORDER BY id DESC LIMIT 1), false) AS has_failed
""")


def last_read(conn: Connection, source: str) -> LastRead:
    """Return how the last reads of a source ended."""
    return LastRead(*conn.execute(_LAST_READ, {"source": source}).one())


_HAS_READ = text("""
SELECT EXISTS (
  SELECT 1 FROM ops.batch
  WHERE source = :source AND kind = 'sync' AND state IN ('done', 'failed', 'running', 'partial')
    AND windows -> CAST(:stream AS text) -> 'until' IS NOT NULL)
""")


def has_read(conn: Connection, source: str, stream: str) -> bool:
    """Tell whether the stream was ever read to the end of a window, and not undone since."""
    return bool(conn.execute(_HAS_READ, {"source": source, "stream": stream}).scalar_one())


_HAS_FINISHED = text("""
SELECT EXISTS (
  SELECT 1 FROM ops.batch
  WHERE source = :source AND kind = 'sync' AND (state = 'done' OR state = 'failed' AND EXISTS (
    SELECT 1 FROM jsonb_each(windows) AS w WHERE w.value -> 'until' IS NOT NULL)))
""")


def has_finished_batch(conn: Connection, source: str) -> bool:
    """Tell whether a sync of the source has ended in which a stream was read to its end."""
    return bool(conn.execute(_HAS_FINISHED, {"source": source}).scalar_one())


def has_undone_batch(conn: Connection, source: str) -> bool:
    """Tell whether a batch of the source was ever undone."""
    return bool(
        conn.execute(
            select(func.count())
            .select_from(batch)
            .where(batch.c.source == source, batch.c.state.in_(("undoing", "undone")))
        ).scalar_one()
    )


_LATEST = text("""
SELECT b.id, b.kind, b.source, b.lane, b.state, b.started_at, b.finished_at,
       CASE WHEN jsonb_typeof(b.ledger) = 'array' THEN
         (SELECT coalesce(jsonb_object_agg(v.key, v.n), '{}') FROM (
            SELECT e.key, sum(CAST(e.value AS bigint)) AS n
            FROM jsonb_array_elements(b.ledger) AS s, jsonb_each_text(s -> 'verdicts') AS e
            GROUP BY e.key) v)
         ELSE '{}' END AS verdicts,
       b.undoes AS undone, b.who, m.delta_of,
       CASE WHEN b.state = 'planned' THEN m.starts_at END AS starts_at
FROM ops.batch b LEFT JOIN ops.migration m ON m.batch_id = b.id ORDER BY b.id DESC LIMIT :limit
""")


def latest(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the latest batches with the sum of their verdicts; `undone`: what an undo took back.

    `who` began an undo. `starts_at`: when a migration that has not begun starts by itself. `delta_of`: of
    a delta, the migration that it follows.
    """
    return [dict(row) for row in conn.execute(_LATEST, {"limit": limit}).mappings()]


@dataclass(frozen=True, slots=True)
class ActionBatch:
    """The batch of an action: its state, and the user who began it."""

    state: str
    who: str | None


def read_action(conn: Connection, batch_id: int) -> ActionBatch:
    """Return the batch of an action."""
    row = conn.execute(
        text("SELECT state, who FROM ops.batch WHERE id = :id"), {"id": batch_id}
    ).one()
    return ActionBatch(*row)


def running_undo(conn: Connection, batch_id: int) -> int | None:
    """Return the unfinished undo of a batch; None if there is none."""
    running = select(batch.c.id).where(
        batch.c.undoes == batch_id, batch.c.kind == "undo", batch.c.state == "running"
    )
    return conn.execute(running).scalar_one_or_none()


def half_undone(conn: Connection) -> list[int]:
    """Return the batches whose undo is under way, or was killed: `hub undo BATCH` continues it."""
    rows = conn.execute(select(batch.c.id).where(batch.c.state == "undoing").order_by(batch.c.id))
    return list(rows.scalars())


def erasures_done(conn: Connection) -> set[str]:
    """Return the numbers of the erasures that were done in this database."""
    found = select(batch.c.windows["erasure"]["id"].astext).where(
        batch.c.kind == "erase", batch.c.state == "done"
    )
    return set(conn.execute(found).scalars())


@dataclass(frozen=True, slots=True)
class Recovered:
    """New objects that the latest sync of a source found, although their webhook fires.

    Args:
        source: its name.
        stream: their stream.
        objects: how many.
    """

    source: str
    stream: str
    objects: int


_RECOVERED = text("""
SELECT b.source, w.key, CAST(w.value ->> 'recovered' AS int)
FROM (SELECT DISTINCT ON (source) source, windows FROM ops.batch WHERE kind = 'sync'
      ORDER BY source, id DESC) b, jsonb_each(b.windows) AS w
WHERE w.value ->> 'recovered' IS NOT NULL ORDER BY b.source, w.key
""")


def recovered(conn: Connection) -> list[Recovered]:
    """Return what the latest sync of each source has found instead of its webhooks."""
    return [Recovered(*row) for row in conn.execute(_RECOVERED)]
