"""Write and read the reports of stages: what each did, and for how long.

In: counts by outcome. Out: rows of `ops.stage_report`. Not here: how Dagster shows them (`hub.assets`).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from hub.etl.context import Hub
from hub.records import stage_reports
from hub.records.stage_reports import StageReport

REPORTS = 500  # reported in one tick of a sensor


@dataclass(frozen=True, slots=True)
class Subject:
    """The batch, source and stream of a report, if it is not about all records."""

    batch_id: int | None = None
    source: str | None = None
    stream: str | None = None


_ALL = Subject()


def report_each(
    hub: Hub, counts: Mapping[str, Mapping[str, int]], started: float, subject: Subject = _ALL
) -> None:
    """Store what stages did, in one transaction; a stage that did nothing has no report.

    Args:
        hub: the hub.
        counts: counts by outcome, by stage.
        started: when the stages began, by `time.monotonic`.
        subject: of what they are.
    """
    done = {stage: own for stage, own in counts.items() if any(own.values())}
    if not done:
        return
    with hub.engine.begin() as conn:
        stage_reports.report_each(
            conn,
            done,
            seconds=time.monotonic() - started,
            batch_id=subject.batch_id,
            source=subject.source,
            stream=subject.stream,
            in_dagster=hub.in_dagster,
        )


def reports_since(hub: Hub, after: int | None) -> list[StageReport]:
    """Return reports of stages after a given one, oldest first; None begins with the latest."""
    mark = None if after is None else stage_reports.Mark(after)
    with hub.engine.begin() as conn:
        return stage_reports.reports_after(conn, mark, REPORTS)[0]
