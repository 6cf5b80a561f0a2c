"""What Dagster keeps is bounded: each night old runs go, with their events, evaluations, ticks and logs.

Through Dagster's own functions where it has one. It works in small steps until its time is over,
and the next night continues. The newest state of every asset and check stays
(`hub.db.dagster_tables`).
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.scheduler.instigation import TickStatus  # has no public name
from sqlalchemy import Connection, Engine

from hub.assets.failures import clear_failures
from hub.assets.migrate_assets import partitions_of
from hub.assets.nightly import ended_well, nightly
from hub.assets.resources import HubResource
from hub.connectors.registry import KNOWN, objects_of
from hub.db.dagster_tables import (
    delete_old_backfills,
    delete_old_checks,
    delete_old_events,
    old_runs,
)
from hub.landing import arrivals, inbox
from hub.migration.partitions import batch_of
from hub.records import hook_deliveries, migrations
from hub.records.stage_reports import delete_old_reports
from hub.settings import DagsterSettings

_MOST_S = 600.0
"""How long one night works."""
_BATCH = 1000
_TICK_DAYS = {TickStatus.SKIPPED: 1, TickStatus.SUCCESS: 7}
"""For how many days a tick is kept, if not for thirty: one without a run, and one with a run."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Moments before which things are old: all things, failed runs, seen deliveries, ticks by their status."""

    before: datetime
    red_before: datetime
    seen_before: datetime
    ticks_before: Mapping[TickStatus, datetime] = field(default_factory=dict)


def limits(settings: DagsterSettings, now: datetime) -> Limits:
    """Return the age limits at a moment."""
    return Limits(
        now - timedelta(days=settings.keep_days),
        now - timedelta(days=settings.keep_red_days),
        now - inbox.KEPT,
        {status: now - timedelta(days=_TICK_DAYS.get(status, 30)) for status in TickStatus},
    )


def prune_history(
    instance: dg.DagsterInstance, engine: Engine, old: Limits, *, in_time: Callable[[], bool]
) -> dict[str, int]:
    """Delete what is old; returns how many of each kind.

    Args:
        instance: Dagster, its storage in the hub's database.
        engine: the hub's database.
        old: what is old.
        in_time: whether there is time for another step.
    """
    deleted = {"runs": 0}
    with engine.connect() as conn:
        found = old_runs(conn, before=old.before, red_before=old.red_before)
    for run_id in found:
        if not in_time():
            return deleted
        instance.delete_run(run_id)
        deleted["runs"] += 1
    for name, delete, before in (
        ("check_evaluations", delete_old_checks, old.before),
        ("events_without_run", delete_old_events, old.before),
        ("backfills", delete_old_backfills, old.red_before),  # as long as any of their runs
        ("stage_reports", delete_old_reports, old.before),
        ("seen_deliveries", inbox.delete_seen, old.seen_before),
        ("arrivals", arrivals.delete_old, old.seen_before),
        ("hook_deliveries", hook_deliveries.delete_old, old.seen_before),
    ):
        deleted[name] = sum(_steps(engine, delete, before, in_time))
    if in_time():
        deleted["partitions"] = delete_partitions(instance, engine, old.red_before)
        _purge_ticks(instance, old)
        deleted["folders"] = _sweep_folders(instance, old.before)
    return deleted


def _steps(
    engine: Engine, delete: Callable[..., int], before: datetime, in_time: Callable[[], bool]
) -> Iterator[int]:
    """Delete in transactions of their own, so that no writer waits long; yields the counts."""
    n = _BATCH
    while n == _BATCH and in_time():
        with engine.begin() as conn:
            n = _deleted(conn, delete, before)
        yield n


def _deleted(conn: Connection, delete: Callable[..., int], before: datetime) -> int:
    return delete(conn, before=before, most=_BATCH)


def delete_partitions(instance: dg.DagsterInstance, engine: Engine, before: datetime) -> int:
    """Delete the partitions of migrations that ended before a moment; returns how many."""
    with engine.connect() as conn:
        over = migrations.over_before(conn, before)
    names = [
        partitions_of(source, stream.name).name or ""
        for source in (KNOWN if over else ())
        for stream in objects_of(source)
    ]
    old = [
        (name, one)
        for name in names
        for one in instance.get_dynamic_partitions(name)
        if batch_of(one) in over
    ]
    for name, one in old:
        instance.delete_dynamic_partition(name, one)
    return len(old)


def _purge_ticks(instance: dg.DagsterInstance, old: Limits) -> None:
    """Delete old ticks, those of sensors and schedules that no longer exist too."""
    for state in instance.all_instigator_state():
        ids = state.instigator_origin_id, state.selector_id
        for status, before in old.ticks_before.items():
            instance.purge_ticks(*ids, before.timestamp(), [status])


def _sweep_folders(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete folders of runs that are gone: their output, and what their steps returned."""
    root = Path(instance.storage_directory())
    old = [
        folder
        for folder in (root.iterdir() if root.exists() else ())
        if folder.is_dir() and folder.stat().st_mtime < before.timestamp()
    ]
    gone = [folder for folder in old if not instance.has_run(folder.name)]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone)


@dg.op
def delete_old_history(context: dg.OpExecutionContext, hub: HubResource) -> dict[str, int]:
    """Delete what Dagster keeps of old runs; returns how many of each kind."""
    end = time.monotonic() + _MOST_S
    with clear_failures(context, "prune_old_history"):
        old = limits(hub.hub.settings.dagster, hub.hub.clock.now())
        deleted = prune_history(
            context.instance, hub.hub.engine, old, in_time=lambda: time.monotonic() < end
        )
        ended_well(hub.hub, "prune_old_history")
    context.add_output_metadata(dict(deleted))
    return deleted


@dg.job(
    executor_def=dg.in_process_executor,
    description="Delete old runs with their events, check evaluations, ticks and logs.",
)
def prune_old_history() -> None:
    """Bounds what Dagster keeps; `dagster:` in hub.yaml says for how many days."""
    delete_old_history()


def nightly_prune(*, is_running: bool) -> dg.ScheduleDefinition:
    """Return the schedule; with a configured source it runs, unless a user stops it."""
    return nightly(
        prune_old_history,
        name="nightly_prune",
        cron_schedule="40 3 * * *",
        description="Keeps Dagster's history bounded.",
        is_running=is_running,
    )
