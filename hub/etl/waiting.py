"""The number of records that wait for each stage: of one batch, or of all.

In: the queue, entities that are stale, leads without an owner. Nothing is changed.
"""

from sqlalchemy import Connection

from hub.crm import leads
from hub.records import folding, queue


def waiting_n(conn: Connection, batch_id: int | None = None) -> dict[str, int]:
    """Count records that wait to be mapped, matched, loaded and routed, by stage."""
    queued = queue.counts(conn, batch_id)
    return {
        **queued,
        "load": queued["load"] + folding.stale_n(conn, batch_id),
        "route": leads.unowned_n(conn, batch_id),
    }


def unfinished_n(conn: Connection, batch_id: int) -> int:
    """Count the records of a batch that a stage before route has not finished."""
    return sum(n for stage, n in waiting_n(conn, batch_id).items() if stage != "route")
