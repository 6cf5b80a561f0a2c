"""The sensors that start syncs: `poll` for news, `reconcile` for what no question shows.

In: the looks of `hub.etl.rounds`. Out: requests for runs, and a sentence for each source and tick. One poller a
process keeps its connections, so a tick neither assembles the hub nor reads its mappings. All sources share
the ticks of one sensor: a tick costs Dagster and PostgreSQL more CPU than the question itself. A run has the
tags `hub/reason` and `hub/why`. Not here: when to ask, and when to sync (`hub.etl.polling`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as AssetJob,  # what `define_asset_job` returns has no public name
)

from hub.clock import SystemClock
from hub.etl.poller import Poller
from hub.etl.polling import Memory, Runs, due_together
from hub.etl.rounds import Rounds

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


@cache
def shared_rounds() -> Rounds:
    """Return the rounds of this process."""
    return Rounds(shared_poller())


def poll_sensor(
    jobs: Mapping[str, AssetJob],
    *,
    every_s: int = 60,
    is_running: bool,
    rounds: Callable[[], Rounds] = shared_rounds,
) -> dg.SensorDefinition:
    """Return the sensor that asks all sources for news.

    Args:
        jobs: the job that syncs a source, by source.
        every_s: seconds between two looks.
        is_running: whether it runs unless a user stops it.
        rounds: returns the rounds of the process.
    """

    @dg.sensor(
        name="poll",
        jobs=list(jobs.values()),
        minimum_interval_seconds=every_s,
        description="Asks each source whether anything changed, and syncs it only then.",
        default_status=_status(is_running=is_running),
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        kept = _memories(context.cursor)
        known = {source: Memory.of_text(kept.get(source)) for source in jobs}
        done = rounds().look(known, lambda source: runs_of(context.instance, source))
        requests = [
            dg.RunRequest(
                job_name=jobs[source].name, tags={SOURCE: source, **_tags(seen.reason, seen.says)}
            )
            for source, seen in done.looks.items()
            if seen.reason
        ]
        for error in () if requests else done.errors.values():
            raise error
        left = {source: seen.memory.to_text() for source, seen in done.looks.items()}
        told = "\n".join(f"{source}: {seen.says}" for source, seen in done.looks.items())
        return dg.SensorResult(
            requests, cursor=json.dumps(kept | left), skip_reason=None if requests else told
        )

    return sensor


def _memories(cursor: str | None) -> dict[str, str]:
    """Return what the last tick kept, by source; nothing of a cursor of another form."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


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
        at = asking.standings(list(own))
        # The poll of a source that failed, or was never read, starts its sync itself.
        waiting = {
            name: one.read_at
            for name, one in at.items()
            if one.is_followed and not one.is_at_work and not one.has_failed and one.cursors
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
