"""The newest batches, as `hub batches` shows them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from hub.frozen import dataclass
from hub.records import batch_history


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A batch.

    Args:
        id: its number.
        kind: sync, migrate, live, action, undo, erase, …
        source: vendor, or `hub`.
        lane: `bulk` or `live`.
        state: planned, running, partial, done, failed, undoing or undone.
        started_at: when it began.
        finished_at: when it ended; null of one that runs.
        verdicts: number of objects by verdict, of all streams.
        undone: the batch that it took back; null of a batch that is no undo.
        who: the user who began an undo or a bulk action.
        starts_at: when a migration starts by itself; null of all others.
        delta_of: of a delta, the batch of the migration that it follows.
    """

    id: int
    kind: str
    source: str
    lane: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    verdicts: Mapping[str, int]
    undone: int | None
    who: str | None
    starts_at: datetime | None
    delta_of: int | None


def newest(conn: Connection, limit: int) -> list[BatchLine]:
    """Return batches, the newest first."""
    return [BatchLine(**row) for row in batch_history.latest(conn, limit)]
