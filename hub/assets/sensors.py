"""A sensor that reports to Dagster what happened outside its runs: syncs by hand, remaps, the demo.

One event an asset and tick, with the counts summed up. Not here: what the stages do.
"""

from collections.abc import Collection, Iterator, Sequence

import dagster as dg

from hub.assets.resources import HubResource
from hub.etl import flow
from hub.records.stage_reports import StageReport

_EVERY_S = 15
_TAILS = {
    "match": ("match", "people"),
    "load": ("load", "leads"),
    "route": ("route", "assignments"),
    "notify": ("notify", "deliveries"),
}


def stage_sensor(known: Collection[dg.AssetKey], *, is_running: bool) -> dg.SensorDefinition:
    """Return the sensor; it reports only `known` assets."""

    @dg.sensor(
        name="what_happened_outside",
        minimum_interval_seconds=_EVERY_S,
        description="Stages that ran outside Dagster, as events of their assets.",
        default_status=(
            dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED
        ),
    )
    def sensor(context: dg.SensorEvaluationContext, hub: HubResource) -> dg.SensorResult:
        after = int(context.cursor) if context.cursor else None
        reports = flow.reports_since(hub.hub, after)
        events = list(told(reports, known))
        return dg.SensorResult(
            asset_events=events,
            cursor=str(reports[-1].id) if reports else context.cursor,
            skip_reason=None if events else "nothing happened outside Dagster",
        )

    return sensor


def told(
    reports: Sequence[StageReport], known: Collection[dg.AssetKey]
) -> Iterator[dg.AssetMaterialization]:
    """Yield one event for each asset that was touched outside Dagster, with its counts summed up."""
    sums: dict[dg.AssetKey, dict[str, int]] = {}
    for report in reports:
        key = dg.AssetKey(_TAILS.get(report.stage) or (report.stage, *_stream(report)))
        # a land stage that landed nothing is no event
        is_news = report.stage != "land" or report.counts.get("landed")
        if key in known and is_news and not report.in_dagster:
            counts = sums.setdefault(key, {})
            for name, n in report.counts.items():
                counts[name] = counts.get(name, 0) + n
    for key, counts in sums.items():
        yield dg.AssetMaterialization(key, metadata=dict(counts))


def _stream(report: StageReport) -> tuple[str, ...]:
    return (report.source, report.stream) if report.source and report.stream else ()
