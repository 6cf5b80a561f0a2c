"""A sensor that reports to Dagster what happened outside its runs: syncs by hand, remaps, the demo.

In: reports of stages, and closed batches. Out: one event an asset and tick, with the counts summed up, and
the results of the checks. So a check shows the state of the source, whichever process read it. Not here:
what the stages do, and what a check asks (`checks`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg
from sqlalchemy import Connection

from hub.assets import checks, figures
from hub.assets.crm_assets import LOAD
from hub.assets.poll import shared_poller
from hub.connectors.webhooks import HOOKED
from hub.etl.completeness import Proof, judge
from hub.etl.drifting import drift_of
from hub.etl.stage_reports import REPORTS
from hub.mappings.document import MappingDocument
from hub.records import proofs
from hub.records.proofs import Evidence
from hub.records.stage_reports import Mark, StageReport, reports_after

_EVERY_S = 120
_ONE = {
    "match": ("match", "people"),
    "route": ("route", "assignments"),
    "notify": ("notify", "deliveries"),
}
Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


def stage_sensor(
    known: Collection[dg.AssetKey], most_recovered: int, *, is_running: bool
) -> dg.SensorDefinition:
    """Return the sensor; it reports only `known` assets.

    Args:
        known: the assets that Dagster has.
        most_recovered: new objects that a read may find instead of a webhook, before a check warns.
        is_running: whether it runs unless a user stops it.
    """

    @dg.sensor(
        name="what_happened_outside",
        minimum_interval_seconds=_EVERY_S,
        description="Stages that ran outside Dagster, as events and checks of their assets.",
        default_status=(
            dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED
        ),
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        mark = Mark.of_text(context.cursor)
        poller = shared_poller()
        with poller.database.engine.begin() as conn:
            reports, mark = reports_after(conn, mark, REPORTS)
            events = (
                list(outside_events(conn, reports, known, poller.mappings, most_recovered))
                if reports
                else []
            )
        return dg.SensorResult(
            asset_events=events,
            cursor=mark.to_text() if mark else context.cursor,
            skip_reason=told(events),  # it starts no run, so Dagster shows the tick as skipped
        )

    return sensor


def told(events: Sequence[Event]) -> str:
    """Say what a tick has reported."""
    if not events:
        return "nothing happened outside Dagster"
    failed = [e for e in events if isinstance(e, dg.AssetCheckEvaluation) and not e.passed]
    checks_n = sum(isinstance(event, dg.AssetCheckEvaluation) for event in events)
    names = sorted({f"{e.asset_key.to_user_string()}:{e.check_name}" for e in failed})
    said = f"reported what ran outside Dagster: {len(events) - checks_n} events of assets"
    said += f", {checks_n} check results" if checks_n else ""
    return said + (f", of which failed: {', '.join(names)}" if names else "")


def outside_events(
    conn: Connection,
    reports: Sequence[StageReport],
    known: Collection[dg.AssetKey],
    mappings: Mapping[str, MappingDocument],
    most_recovered: int,
) -> Iterator[Event]:
    """Yield the events of what happened outside Dagster: stages first, then the proofs of batches.

    Args:
        conn: an open transaction.
        reports: of stages, oldest first.
        known: the assets that Dagster has.
        mappings: the hub's, by `source/stream`.
        most_recovered: see `checks.recovered`.
    """
    outside = [report for report in reports if not report.in_dagster]
    closed = [report for report in outside if report.stage == "proof" and report.batch_id]
    proved = [one for report in closed for one in proofs.of_batch(conn, report.batch_id or 0)]
    done = _summed([report for report in outside if report.stage != "proof"])
    for one in proved:  # a read without news is a read too
        for stream in one.windows:
            if stream and one.has_ended(stream):
                done.setdefault(dg.AssetKey(["land", one.batch.source, stream]), _Done("land"))
    for key, sums in done.items():
        if key in known:
            yield dg.AssetMaterialization(key, metadata=_numbers(key, sums))
            document = mappings.get("/".join(key.path[1:]))
            if sums.stage == "normalize" and document is not None:
                yield checks.drift(key, drift_of(conn, document.name, document.filled)).evaluation()
    for one in proved:
        yield from _of_batch(conn, one, known, most_recovered)


@dataclass(slots=True)
class _Done:
    """What one stage did to one asset, summed up."""

    stage: str
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def _summed(reports: Sequence[StageReport]) -> dict[dg.AssetKey, _Done]:
    sums: dict[dg.AssetKey, _Done] = {}
    for report in reports:
        for key in _keys(report):
            done = sums.setdefault(key, _Done(report.stage))
            done.seconds += report.seconds
            for name, n in report.counts.items():
                done.counts[name] = done.counts.get(name, 0) + n
    return sums


def _keys(report: StageReport) -> list[dg.AssetKey]:
    if report.stage == "load":
        return LOAD
    if report.stage in _ONE:
        return [dg.AssetKey(_ONE[report.stage])]
    is_stream = report.source and report.stream
    return (
        [dg.AssetKey([report.stage, report.source or "", report.stream or ""])] if is_stream else []
    )


def _numbers(key: dg.AssetKey, done: _Done) -> Mapping[str, int | float]:
    if done.stage == "load":
        return figures.written(key.path[1], done.counts, done.seconds)
    return figures.figures(done.stage, done.counts, done.seconds)


def _of_batch(
    conn: Connection, one: Evidence, known: Collection[dg.AssetKey], most_recovered: int
) -> Iterator[Event]:
    """Yield the checks of a closed batch; one that does not hold is an observation."""
    source = one.batch.source
    key = dg.AssetKey(["proof", source])
    if key not in known:
        return
    proof = judge(conn, source, [one])
    yield from _landed(proof, known, most_recovered)
    for checked in checks.proof_checks(key, proof):
        yield checked.evaluation()
    metadata = {"batch": one.batch.id, **figures.proved(proof)}
    if sentences := proof.sentences():
        yield dg.AssetObservation(key, description="\n".join(sentences), metadata=metadata)
    else:
        yield dg.AssetMaterialization(key, metadata=metadata)


def _landed(proof: Proof, known: Collection[dg.AssetKey], most_recovered: int) -> Iterator[Event]:
    entries = {entry.stream: entry for entry in proof.ledgers}
    for key in sorted(key for key in known if key.path[:2] == ["land", proof.source]):
        entry = entries.get(key.path[2])
        # a sync does not ask for the other streams of a source that does not answer
        unread = None if entry or not proof.faults else [proof.faults[0]]
        if entry or unread:
            checked = (
                checks.complete_of(key, entry)
                if entry
                else checks.complete(key, missing_n=0, narrowest="", faults=unread or ())
            )
            yield checked.evaluation()
            if not checked.passed:
                yield dg.AssetObservation(key, description=checked.description or None)
        if entry and entry.stream in HOOKED.get(entry.source, ()):
            yield checks.recovered(key, entry.recovered_n, most_recovered).evaluation()
