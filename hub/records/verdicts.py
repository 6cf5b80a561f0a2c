"""Verdicts: the outcome of each object that a batch read. Owns `ops.verdict`.

An open verdict (NULL) is an object that was read and has no outcome yet. Not here: the sums
(`hub.records.ledger`).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from hub.model.verdicts import Verdict
from hub.records.batch_tables import verdict


def seen(conn: Connection, batch_id: int, stream: str, since: object, until: object) -> int:
    """Count the living objects that the batch has read in a span of the source's time."""
    return int(
        conn.execute(
            text(
                "SELECT count(*) FROM ops.verdict WHERE batch_id = :batch AND stream = :stream "
                "AND is_live AND (CAST(:since AS timestamptz) IS NULL OR at >= :since) "
                "AND (CAST(:until AS timestamptz) IS NULL OR at IS NULL OR at < :until)"
            ),
            {"batch": batch_id, "stream": stream, "since": since, "until": until},
        ).scalar_one()
    )


def earliest_seen(conn: Connection, batch_id: int, stream: str) -> datetime | None:
    """Return the oldest modification time among the objects that the batch has read."""
    return conn.execute(
        select(func.min(verdict.c.at)).where(
            verdict.c.batch_id == batch_id, verdict.c.stream == stream
        )
    ).scalar()


def set_verdicts(conn: Connection, rows: Sequence[tuple[int, str, str, str, Verdict]]) -> None:
    """Give verdicts: (batch, source, stream, source id, verdict) each, open rows only.

    What BI tools see of a record, `reporting.source_records` derives from the verdicts of its batches.
    """
    firsts: dict[tuple[int, str, str, str], Verdict] = {}
    for batch_id, source, stream, source_id, given in rows:
        firsts.setdefault((batch_id, source, stream, source_id), given)
    groups: dict[tuple[int, str, str, str], list[str]] = {}
    for (batch_id, source, stream, source_id), given in firsts.items():
        groups.setdefault((batch_id, source, stream, given.value), []).append(source_id)
    for (batch_id, source, stream, value), ids in sorted(groups.items()):
        args = {"batch": batch_id, "source": source, "stream": stream, "verdict": value}
        conn.execute(_SET_VERDICT, {**args, "ids": ids})


# Ids as an array, so that the plan uses the primary key for any statistics of the table.
_SET_VERDICT = text("""
UPDATE ops.verdict SET verdict = :verdict
WHERE batch_id = :batch AND source = :source AND stream = :stream
  AND source_id = ANY(CAST(:ids AS text[])) AND verdict IS NULL
""")


_REOPEN = text("""
UPDATE ops.verdict v SET verdict = NULL
FROM unnest(CAST(:batches AS bigint[]), CAST(:sources AS text[]), CAST(:streams AS text[]),
  CAST(:ids AS text[])) AS n(batch, source, stream, source_id)
WHERE v.batch_id = n.batch AND v.source = n.source AND v.stream = n.stream
  AND v.source_id = n.source_id AND v.verdict = 'rejected'
""")


def reopen(conn: Connection, objects: Sequence[tuple[tuple[str, str, str], int]]) -> None:
    """Open the verdicts of rejected objects, (source, stream, id) and batch each, for the load that follows."""
    if objects:
        conn.execute(
            _REOPEN,
            {
                "batches": [batch for _, batch in objects],
                "sources": [key[0] for key, _ in objects],
                "streams": [key[1] for key, _ in objects],
                "ids": [key[2] for key, _ in objects],
            },
        )


_CAME_LIVE = text("""
SELECT EXISTS (
  SELECT 1 FROM ops.batch b JOIN ops.verdict v ON v.batch_id = b.id
  WHERE b.source = :source AND b.kind = 'live' AND b.started_at > :since
    AND v.stream = :stream AND v.verdict IN ('created', 'merged'))
""")


def came_live(conn: Connection, source: str, stream: str, since: datetime) -> bool:
    """Tell whether a source has sent new objects of a stream by itself since a moment."""
    args = {"source": source, "stream": stream, "since": since}
    return bool(conn.execute(_CAME_LIVE, args).scalar_one())
