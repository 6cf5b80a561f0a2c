"""Reports of stages: counts by outcome, for sensors and `hub status`. Owns `ops.stage_report`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

from hub.db.json_text import write_json
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


# The commit does not wait for the disk: what the stages did is stored already, and after a power cut a lost
# report does no harm. A lead that arrives alone waits for each commit.
_REPORT_EACH = text("""
INSERT INTO ops.stage_report (batch_id, stage, source, stream, counts, seconds, in_dagster)
SELECT :batch_id, r.stage, :source, :stream, CAST(r.counts AS jsonb), :seconds, :in_dagster
FROM unnest(CAST(:stages AS text[]), CAST(:counts AS text[])) AS r(stage, counts)
WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
""")


def report_each(
    conn: Connection,
    counts: Mapping[str, Mapping[str, int]],
    *,
    seconds: float,
    batch_id: int | None = None,
    source: str | None = None,
    stream: str | None = None,
    in_dagster: bool = False,
) -> None:
    """Store the reports of stages, in a transaction of its own that does not wait for the disk.

    Args:
        conn: an open transaction with nothing else in it.
        counts: counts by outcome, by stage.
        seconds: how long the stages took.
        batch_id: the batch, source and stream of a report, if it is not about all records.
        source: the same.
        stream: the same.
        in_dagster: the stages ran in Dagster.
    """
    args = {
        "batch_id": batch_id, "source": source, "stream": stream, "seconds": seconds,
        "in_dagster": in_dagster, "stages": [*counts], "counts": [write_json(dict(c)) for c in counts.values()],
    }  # fmt: skip
    conn.execute(_REPORT_EACH, args)


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


@dataclass(frozen=True, slots=True)
class Mark:
    """How far reports were read.

    Args:
        id: of the last report that was read.
        before: a transaction number: the reports of all earlier transactions were read; 0 before the first look.
    """

    id: int
    before: int = 0

    @classmethod
    def of_text(cls, written: str | None) -> "Mark | None":
        """Return a mark as `to_text` wrote it; None before the first."""
        if not written:
            return None
        id_, _, before = written.partition(":")
        return cls(int(id_), int(before or 0))

    def to_text(self) -> str:
        """Return the mark as a text."""
        return f"{self.id}:{self.before}"


_LOOK_BACK = 1000
"""How many ids below the last one are looked at for reports that were committed late."""
_HORIZON = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
# `age` counts back from the present, so it orders transactions: a larger one is earlier.
_SEEN = """
SELECT id, stage, source, stream, counts, in_dagster, batch_id, seconds FROM ops.stage_report
WHERE age(xmin) > age(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS xid)) AND {which}
ORDER BY id LIMIT :most
"""
_FIRST = text(
    _SEEN.format(which="id > (SELECT max(id) FROM ops.stage_report) - CAST(:most AS bigint)")
)
_LATER = text(
    _SEEN.format(
        which="""(id > :after OR id > :after - CAST(:back AS bigint)
     AND age(xmin) <= age(CAST(CAST(:before AS text) AS xid)))"""
    )
)
_XIDS = 2**32


def reports_after(
    conn: Connection, mark: Mark | None, most: int
) -> tuple[list[StageReport], Mark | None]:
    """Return reports of stages that were not read before, oldest first, and how far they go.

    A report gets its id before it is committed, so one with a lower id may appear later. Only reports of
    transactions before the oldest one under way are returned, and each look begins with the
    transactions of which the last one saw none. So none is missed. After a restore, some may come twice.

    Args:
        conn: an open transaction.
        mark: of the last look; None: begin with the latest reports.
        most: how many reports to return; the next look goes on with the rest.
    """
    horizon: int = conn.execute(text(_HORIZON)).scalar_one()
    if mark is None:
        rows = conn.execute(_FIRST, {"most": most})
    else:
        is_of_here = (
            0 < mark.before <= horizon
        )  # else of another server, from which this one was restored
        rows = conn.execute(
            _LATER,
            {
                "after": mark.id,
                "back": _LOOK_BACK if is_of_here else 0,
                "before": str((mark.before if is_of_here else horizon) % _XIDS),
                "most": most,
            },
        )
    found = [StageReport(*row) for row in rows]
    if mark is None and not found:
        return [], None
    last = max([report.id for report in found] + ([mark.id] if mark else []))
    is_rest = mark is not None and len(found) == most
    return found, Mark(last, 0 if is_rest else horizon)


_OLD = text("""
DELETE FROM ops.stage_report WHERE id IN (
    SELECT id FROM ops.stage_report WHERE at < :before ORDER BY id LIMIT :most)
""")


def delete_old_reports(conn: Connection, *, before: datetime, most: int) -> int:
    """Delete reports from before a moment, at most so many, oldest first; returns how many."""
    return conn.execute(_OLD, {"before": before, "most": most}).rowcount
