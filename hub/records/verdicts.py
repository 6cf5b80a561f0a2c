"""Verdicts: what became of each object that a batch saw. Owns `ops.verdict`.

An open verdict (NULL) is an object that was seen and is not yet accounted for. Not here: the sums
(`hub.records.ledger`).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from hub.model.verdicts import Verdict
from hub.records import sources
from hub.records.batch_tables import verdict


def seen(conn: Connection, batch_id: int, stream: str, since: object, until: object) -> int:
    """Count the live objects that the batch has seen in a span of the source's time."""
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
    """Return the oldest modification time among the objects the batch has seen."""
    return conn.execute(
        select(func.min(verdict.c.at)).where(
            verdict.c.batch_id == batch_id, verdict.c.stream == stream
        )
    ).scalar()


def set_verdicts(conn: Connection, rows: Sequence[tuple[int, str, str, str, Verdict]]) -> None:
    """Give verdicts: (batch, source, stream, source id, verdict) each, open rows only.

    The record's own last verdict, which BI tools see, moves with it; `unchanged` never hides
    what became of the record before.
    """
    firsts: dict[tuple[int, str, str, str], Verdict] = {}
    for batch_id, source, stream, source_id, given in rows:
        firsts.setdefault((batch_id, source, stream, source_id), given)
    objects: dict[tuple[str, str], set[str]] = {}
    for _, source, stream, source_id in firsts:
        objects.setdefault((source, stream), set()).add(source_id)
    for (source, stream), source_ids in sorted(objects.items()):
        sources.lock(conn, source, stream, source_ids)
    groups: dict[tuple[int, str, str, str], list[str]] = {}
    for (batch_id, source, stream, source_id), given in firsts.items():
        groups.setdefault((batch_id, source, stream, given.value), []).append(source_id)
    for (batch_id, source, stream, value), ids in sorted(groups.items()):
        args = {"batch": batch_id, "source": source, "stream": stream, "verdict": value}
        conn.execute(_SET_VERDICT, {**args, "ids": ids})


# Ids as an array, so that both go by an index whatever is known of the tables' sizes; coalesce, so
# that it is not the index of open verdicts: in a first load these are all.
_SET_VERDICT = text("""
WITH told AS (
  UPDATE ops.verdict SET verdict = :verdict
  WHERE batch_id = :batch AND source = :source AND stream = :stream
    AND source_id = ANY(CAST(:ids AS text[])) AND coalesce(verdict, '') = ''
)
UPDATE ops.source_record SET verdict = :verdict
WHERE source = :source AND stream = :stream AND source_id = ANY(CAST(:ids AS text[]))
  AND planned_by IS NULL AND verdict IS DISTINCT FROM :verdict AND (:verdict <> 'unchanged' OR verdict IS NULL)
""")
