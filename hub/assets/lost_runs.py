"""The sensor `alert_lost_runs`: alerts to a failed run that could not close its batch.

A run that has judged its sources has alerted already, in the transaction that closed their batches. A
killed run, and a run that could not open the hub, have not. Not here: alerts themselves (`hub.etl.alerts`).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from sqlalchemy import Connection

from hub.assets.failures import VERDICT
from hub.assets.migrate_assets import read_job_name
from hub.assets.migration_jobs import LOAD, PLAN
from hub.assets.poll import SOURCE, shared_poller
from hub.clock import SystemClock
from hub.connectors.registry import KNOWN, objects_of
from hub.etl import alerts
from hub.etl.context import Core
from hub.etl.notify import deliver_alerts
from hub.records import batch_history, proofs

_EVERY_S = 300
"""A tick costs the same whether a run has failed or not; a failed run that is told says so itself."""
_OF_SOURCES = ("land", "normalize", "proof")
NIGHTLY = frozenset({"prune_old_history", "refresh_rollups"})
MIGRATIONS = frozenset(
    {PLAN, LOAD, *(read_job_name(s, stream.name) for s in KNOWN for stream in objects_of(s))}
)
"""Jobs whose failure is alerted to by their own name."""


def _core() -> Core:
    poller = shared_poller()
    return Core(poller.database.engine, SystemClock(), poller.settings)


def lost_run_sensor(*, is_running: bool, core: Callable[[], Core] = _core) -> dg.SensorDefinition:
    """Return the sensor.

    Args:
        is_running: whether it runs unless a user stops it.
        core: returns the hub's database and settings.
    """

    @dg.run_failure_sensor(
        name="alert_lost_runs",
        minimum_interval_seconds=_EVERY_S,
        description="Alerts to a failed run that could not close its batch, as alerts: in hub.yaml says.",
        default_status=(
            dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED
        ),
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        alert_lost_run(core(), context)

    return sensor


def alert_lost_run(core: Core, context: dg.RunFailureSensorContext) -> None:
    """Alert to a failed run, unless the hub has alerted to it, or its sources work again."""
    run, steps = context.dagster_run, context.get_step_failure_events()
    failures = [event for event in steps if not _is_verdict(event)]
    if steps and not failures:
        return
    record = context.instance.get_run_record_by_id(run.run_id)
    ended = datetime.fromtimestamp(record.end_time, UTC) if record and record.end_time else None
    sentence = _said(failures[0]) if failures else _ended(run, context.failure_event)
    with core.engine.begin() as conn:
        sources = [s for s in _sources(run, core) if _is_open(conn, s, run, ended)]
        subjects = sources or ([run.job_name] if run.job_name in NIGHTLY | MIGRATIONS else [])
        if not subjects:
            return
        alerts.unclosed(conn, core, subjects, alerts.LOST_RUN, [sentence])
    deliver_alerts(core)


def _is_verdict(event: dg.DagsterEvent) -> bool:
    told = event.step_failure_data.user_failure_data
    return told is not None and VERDICT in told.metadata


def _said(event: dg.DagsterEvent) -> str:
    """Return the first sentence of a failed step; of an unknown error only its type is told."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description.splitlines()[0]
    kind = data.error.cls_name if data.error else None
    return f"{event.step_key}: the step failed: {kind or 'unknown error'}; next: open its run in Dagster"


def _ended(run: dg.DagsterRun, event: dg.DagsterEvent) -> str:
    """Return the message with which Dagster failed a run that has no failed step."""
    message = (event.message or "the run failed").splitlines()[0]
    return f"{run.job_name} (run {run.run_id[:8]}): {message}"


def _sources(run: dg.DagsterRun, core: Core) -> list[str]:
    """Return the configured sources that a run reads or proves."""
    named: Any
    if SOURCE in run.tags:
        named = [run.tags[SOURCE]]
    elif run.job_name == "sync_now":
        ops: Any = run.run_config.get("ops", {})
        config = ops.get("sync_some", {}).get("config", {})
        named = config.get("sources") or core.settings.sources.followed()
    else:
        steps = [step.split("__") for step in _steps(run)]
        named = [parts[1] for parts in steps if parts[0] in _OF_SOURCES]
    return [name for name in core.settings.sources.configured() if name in named]


def _steps(run: dg.DagsterRun) -> Sequence[str]:
    selected = ["__".join(key.path) for key in run.asset_selection or ()]
    return [*(run.step_keys_to_execute or ()), *selected]


def _is_open(conn: Connection, source: str, run: dg.DagsterRun, ended: datetime | None) -> bool:
    """Tell whether the run has judged no batch of the source, and no later read was good."""
    judged = any(not one.is_open for one in proofs.of_run(conn, source, run.run_id))
    good_at = batch_history.last_read(conn, source).good_at
    return not judged and (good_at is None or ended is None or good_at < ended)
