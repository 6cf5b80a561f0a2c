"""Reports of stages: counts by outcome, for sensors and `hub status`. Owns `ops.stage_report`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

from hub.records.batch_tables import stage_report


def report_stage(
    conn: Connection,
    stage: str,
    counts: Mapping[str, int],
    *,
    seconds: float,
    batch_id: int | None = None,
    source: str | None = None,
    stream: str | None = None,
    in_dagster: bool = False,
) -> None:
    """Store the report of a stage, for sensors and `hub status`."""
    conn.execute(
        insert(stage_report).values(
            batch_id=batch_id,
            stage=stage,
            source=source,
            stream=stream,
            counts=dict(counts),
            seconds=seconds,
            in_dagster=in_dagster,
        )
    )


@dataclass(frozen=True, slots=True)
class StageReport:
    """The report of one run of a stage: counts by outcome."""

    id: int
    stage: str
    source: str | None
    stream: str | None
    counts: Mapping[str, int]
    in_dagster: bool
    batch_id: int | None = None
    seconds: float = 0.0


_REPORTS = text("""
SELECT id, stage, source, stream, counts, in_dagster, batch_id, seconds FROM ops.stage_report
WHERE id > coalesce(CAST(:after AS bigint),
                    (SELECT max(id) FROM ops.stage_report) - CAST(:most AS bigint))
ORDER BY id LIMIT :most
""")


def reports_since(conn: Connection, after: int | None, most: int) -> list[StageReport]:
    """Return reports of stages, oldest first.

    Args:
        conn: an open connection.
        after: id of the last report that is known; None: begin with the latest ones.
        most: how many reports to return.
    """
    return [StageReport(*row) for row in conn.execute(_REPORTS, {"after": after, "most": most})]


_OLD = text("""
DELETE FROM ops.stage_report WHERE id IN (
    SELECT id FROM ops.stage_report WHERE at < :before ORDER BY id LIMIT :most)
""")


def delete_old_reports(conn: Connection, *, before: datetime, most: int) -> int:
    """Delete reports from before a moment, at most so many, oldest first; returns how many."""
    return conn.execute(_OLD, {"before": before, "most": most}).rowcount
