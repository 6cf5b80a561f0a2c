"""The sensor `migrations`: goes on with each migration that runs by itself, as the database says.

`hub migrate SOURCE --at` and the job `plan_migration` let a migration run by itself. One question of the
database a tick; nothing more where no migration is due. Not here: what is due (`hub.migration.scheduling`).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as AssetJob,  # what `define_asset_job` returns has no public name
)
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from hub.assets.migrate_assets import RANGES_PER_RUN, key_of, read_job_name
from hub.assets.migration_jobs import (
    BATCH,
    KIND,
    LOAD,
    MIGRATION,
    PLAN,
    add_partitions,
    apply_migration,
    plan_migration,
)
from hub.assets.poll import UNDER_WAY, shared_poller
from hub.db.kept_lock import is_held
from hub.etl.poller import Poller
from hub.migration.partitions import name_of
from hub.migration.scheduling import Launched, Step, is_due, launch
from hub.records import migrations
from hub.records.migrations import MigrationStatus, RangeState

_EVERY_S = 120
"""Where no migration is due, a tick costs one question; a migration takes hours, so two minutes are soon."""
_OPEN = ("open", "failed")
"""Ranges that are read by themselves; the source hides records of a short one, so a user must act."""


def migration_sensor(
    reads: Sequence[AssetJob],
    *,
    is_running: bool,
    poller: Callable[[], Poller] = shared_poller,
) -> dg.SensorDefinition:
    """Return the sensor.

    Args:
        reads: the jobs that read ranges, one an object.
        is_running: whether it runs unless a user stops it.
        poller: returns the poller of the process.
    """

    @dg.sensor(
        name="migrations",
        jobs=[plan_migration, apply_migration, *reads],
        minimum_interval_seconds=_EVERY_S,
        description="Starts migrations at their set time, reads their ranges, and loads them when all are proven.",
        default_status=(
            dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED
        ),
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        asking = poller()
        now = asking.now()
        with asking.database.engine.begin() as conn:
            due = [one for one in migrations.unfinished(conn) if is_due(one, now)]
            busy = {s.batch for s in due if is_held(conn, f"only:migration:{s.source}")}
            ranges = {one.batch: migrations.ranges(conn, one.batch) for one in due}
        memory, requests = _read(context.cursor), []
        for one in due:
            again = launch(one, memory.get(one.batch), now)
            if again and one.batch not in busy and not _is_active(context.instance, one.batch):
                requests += list(_requests(context.instance, one, ranges[one.batch], again))
                memory[one.batch] = again
        kept = {batch: last for batch, last in memory.items() if batch in ranges}
        skipped = None if requests else _says(due)
        return dg.SensorResult(requests, cursor=_write(kept), skip_reason=skipped)

    return sensor


def _is_active(instance: dg.DagsterInstance, batch: int) -> bool:
    """Tell whether a run of a migration is queued or under way."""
    wanted = dg.RunsFilter(tags={BATCH: str(batch)}, statuses=UNDER_WAY)
    return bool(instance.get_runs(wanted, limit=1))


def _requests(
    instance: dg.DagsterInstance, one: MigrationStatus, ranges: Sequence[RangeState], step: Launched
) -> Iterator[dg.RunRequest]:
    """Yield the runs that a migration needs next."""
    tags = {BATCH: str(one.batch), MIGRATION: one.source, **KIND}
    if step.step is Step.PLAN:
        config: dict[str, Any] = {"ops": {"plan_ranges": {"config": {"source": one.source}}}}
        yield dg.RunRequest(job_name=PLAN, tags=tags, run_config=config)
    elif step.step is Step.LOAD:
        config = {"ops": {"load_batch": {"config": {"batch": one.batch}}}}
        yield dg.RunRequest(job_name=LOAD, tags=tags, run_config=config)
    else:
        add_partitions(instance, one.source, one.batch, ranges)
        for run in runs_of_ranges(ranges):
            names = {
                ASSET_PARTITION_RANGE_START_TAG: name_of(one.batch, run[0].key),
                ASSET_PARTITION_RANGE_END_TAG: name_of(one.batch, run[-1].key),
            }
            yield dg.RunRequest(
                job_name=read_job_name(one.source, run[0].stream),
                asset_selection=[key_of(one.source, run[0].stream)],
                tags=tags | names,
            )


def runs_of_ranges(ranges: Sequence[RangeState]) -> list[list[RangeState]]:
    """Return the ranges that are to be read, as runs of neighbours of one stream, at most ten in each.

    Args:
        ranges: all of a migration, by stream and key.
    """
    runs: list[list[RangeState]] = []
    was_open = False
    for one in ranges:
        is_open = one.state in _OPEN
        if is_open and was_open and _takes(runs[-1], one):
            runs[-1].append(one)
        elif is_open:
            runs.append([one])
        was_open = is_open
    return runs


def _takes(run: Sequence[RangeState], one: RangeState) -> bool:
    return run[0].stream == one.stream and len(run) < RANGES_PER_RUN


def _says(due: Sequence[MigrationStatus]) -> str:
    if not due:
        return "no migration is to run by itself now"
    told = ", ".join(f"{one.source} (batch {one.batch})" for one in due)
    return f"under way, or waits for a user: {told}; hub status shows how far each is"


def _read(cursor: str | None) -> dict[int, Launched]:
    """Return what was started last, by batch."""
    known: Mapping[str, Any] = json.loads(cursor) if cursor else {}
    return {
        int(batch): Launched(
            Step(one["step"]), one["proven"], datetime.fromisoformat(one["at"]), one["tries"]
        )
        for batch, one in known.items()
    }


def _write(memory: Mapping[int, Launched]) -> str:
    return json.dumps(
        {
            str(batch): {
                "step": one.step.value,
                "proven": one.proven,
                "at": one.at.isoformat(),
                "tries": one.tries,
            }
            for batch, one in memory.items()
        }
    )
