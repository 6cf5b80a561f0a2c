"""The sensors that start syncs: `poll_<source>` for news, `reconcile` for what no question shows.

In: the looks of `hub.etl.polling`. Out: requests for runs, and a sentence for each tick. One poller a process
keeps its connections, so a tick neither assembles the hub nor reads its mappings. A run has the tags
`hub/reason` and `hub/why`. Not here: when to ask, and when to sync (`hub.etl.polling`).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as AssetJob,  # what `define_asset_job` returns has no public name
)

from hub.clock import SystemClock
from hub.etl.poller import Poller
from hub.etl.polling import Memory, Runs, due_together, look

REASON, WHY = "hub/reason", "hub/why"
"""Tags of a run: the kind of reason, and the sentence."""
SOURCE = "source"
"""Tag of a run that is of one source alone."""
_EVERY_S = 300
_WHOLE = frozenset({"sync", "sync_now"})
_MOST_FAILURES = 6
_LONGEST_TAG = 250
UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@cache
def shared_poller() -> Poller:
    """Return the poller of this process."""
    return Poller(SystemClock())


def poll_sensor(
    source: str,
    job: AssetJob,
    *,
    every_s: int = 60,
    is_running: bool,
    poller: Callable[[], Poller] = shared_poller,
) -> dg.SensorDefinition:
    """Return the sensor of one source.

    Args:
        source: the source.
        job: the job that syncs it.
        every_s: seconds between two looks.
        is_running: whether it runs unless a user stops it.
        poller: returns the poller of the process.
    """

    @dg.sensor(
        name=f"poll_{source}",
        job=job,
        minimum_interval_seconds=every_s,
        description=f"Asks {source.title()} whether anything changed, and syncs it only then.",
        default_status=_status(is_running=is_running),
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        seen = look(
            poller(),
            source,
            Memory.of_text(context.cursor),
            lambda: runs_of(context.instance, source),
        )
        if not seen.reason:
            return dg.SensorResult(skip_reason=seen.says, cursor=seen.memory.to_text())
        tags = {SOURCE: source, **_tags(seen.reason, seen.says)}
        return dg.SensorResult([dg.RunRequest(tags=tags)], cursor=seen.memory.to_text())

    return sensor


def reconcile_sensor(
    job: AssetJob,
    own: Mapping[str, Sequence[dg.AssetKey]],
    shared: Sequence[dg.AssetKey],
    *,
    reconcile_every_s: int,
    is_running: bool,
    poller: Callable[[], Poller] = shared_poller,
) -> dg.SensorDefinition:
    """Return the sensor that reads again, in one run, the sources whose last read is old.

    Args:
        job: the job of all sources.
        own: the assets of each source.
        shared: the assets of all sources together.
        reconcile_every_s: seconds between two reads of a source.
        is_running: whether it runs unless a user stops it.
        poller: returns the poller of the process.
    """

    @dg.sensor(
        name="reconcile",
        job=job,
        minimum_interval_seconds=min(_EVERY_S, reconcile_every_s),
        description="Reads again what no question shows, and compares the counts with the sources.",
        default_status=_status(is_running=is_running),
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        asking = poller()
        at = {name: asking.standing(name) for name in own}
        # The poll of a source that failed, or was never read, starts its sync itself.
        waiting = {
            name: one.read_at
            for name, one in at.items()
            if not one.is_at_work and not one.has_failed and one.cursors
        }
        due = due_together(waiting, asking.now(), reconcile_every_s)
        due = [name for name in due if not runs_of(context.instance, name).active]
        if not due:
            return dg.SensorResult(skip_reason="every source was read a short while ago")
        keys = [*(key for name in due for key in own[name]), *shared]
        tags = _tags("reconcile", f"the last read is old: {', '.join(due)}")
        return dg.SensorResult([dg.RunRequest(asset_selection=keys, tags=tags)])

    return sensor


def runs_of(instance: dg.DagsterInstance, source: str) -> Runs:
    """Return the job of a source that is under way, and how many of its syncs failed in a row."""
    under_way = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))
    active = next((run.job_name for run in under_way if _reads(run, source)), "")
    failed_n, failed_at = 0, None
    ended = instance.get_run_records(dg.RunsFilter(tags={SOURCE: source}), limit=_MOST_FAILURES)
    for record in ended:
        if record.dagster_run.status is not dg.DagsterRunStatus.FAILURE:
            break
        failed_n += 1
        if failed_at is None and record.end_time is not None:
            failed_at = datetime.fromtimestamp(record.end_time, UTC)
    return Runs(active, failed_n, failed_at)


def _reads(run: dg.DagsterRun, source: str) -> bool:
    if SOURCE in run.tags:
        return run.tags[SOURCE] == source
    if run.asset_selection:
        return any(source in key.path for key in run.asset_selection)
    return run.job_name in _WHOLE


def _tags(reason: str, why: str) -> dict[str, str]:
    return {REASON: reason, WHY: why[:_LONGEST_TAG]}


def _status(*, is_running: bool) -> dg.DefaultSensorStatus:
    status = dg.DefaultSensorStatus
    return status.RUNNING if is_running else status.STOPPED
