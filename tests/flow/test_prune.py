"""The nightly prune: old runs go with all that belongs to them; what the UI shows of an asset stays."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.scheduler.instigation import TickData, TickStatus
from dagster._utils.error import SerializableErrorInfo
from sqlalchemy import text

from hub.assets.prune import Limits, limits, prune_history
from hub.clock import SystemClock
from hub.db.engine import Database
from hub.settings import DagsterSettings
from tests.flow.test_dagster_storage import STATE
from tests.flow.test_run_watch import instance

__all__ = ["instance"]
NOW = SystemClock().now()
OLD = limits(DagsterSettings(), NOW)
_TABLES = ("runs", "run_tags", "event_logs", "asset_check_executions", "asset_event_tags")
_AGE = (
    "UPDATE dagster.runs SET create_timestamp = create_timestamp - :age WHERE run_id = ANY(:runs)",
    "UPDATE dagster.event_logs SET timestamp = timestamp - :age WHERE run_id = ANY(:runs)",
    """UPDATE dagster.asset_check_executions SET create_timestamp = create_timestamp - :age
       WHERE run_id = ANY(:runs)""",
)


@dg.asset(check_specs=[dg.AssetCheckSpec("full", asset="figures")])
def figures() -> dg.MaterializeResult:  # type: ignore[type-arg]
    """An asset with a check."""
    return dg.MaterializeResult(
        tags={"of": "a-run"}, check_results=[dg.AssetCheckResult(passed=True, check_name="full")]
    )


@dg.op
def fail() -> None:
    """Fail."""
    raise dg.Failure("no")


@dg.job
def failing() -> None:
    """A red run."""
    fail()


def _age(db: Database, runs: list[str], days: float) -> None:
    with db.engine.begin() as conn:
        for statement in _AGE:
            conn.execute(text(statement), {"age": timedelta(days=days), "runs": runs})


def _counts(db: Database) -> dict[str, int]:
    with db.engine.connect() as conn:
        return {
            name: conn.execute(text(f"SELECT count(*) FROM dagster.{name}")).scalar_one()
            for name in _TABLES
        }


def _materialize(instance: dg.DagsterInstance) -> str:
    return dg.materialize([figures], instance=instance).run_id


def _prune(instance: dg.DagsterInstance, db: Database, old: Limits = OLD) -> dict[str, int]:
    return prune_history(instance, db.engine, old, in_time=lambda: True)


def test_old_runs_go_and_the_newest_state_stays(instance: dg.DagsterInstance, db: Database) -> None:
    first = _materialize(instance)
    red = failing.execute_in_process(instance=instance, raise_on_error=False).run_id
    red_of_old = failing.execute_in_process(instance=instance, raise_on_error=False).run_id
    one = _counts(db)
    second = _materialize(instance)
    newest = _materialize(instance)
    for _ in range(3):  # a sensor's, without a run
        instance.report_runless_asset_event(dg.AssetMaterialization("elsewhere"))
    folder = Path(instance.storage_directory()) / first / "compute_logs"
    folder.mkdir(parents=True, exist_ok=True)
    assert _prune(instance, db)["runs"] == 0, "nothing is old"
    _age(db, [first, red, newest, ""], 31)
    _age(db, [red_of_old], 91)
    with db.engine.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO ops.stage_report (stage, counts, seconds, at) VALUES "
            "('land', '{}', 1, now() - interval '31 days'), ('land', '{}', 1, now())"
        )
        conn.exec_driver_sql(
            "INSERT INTO landing.seen_delivery (source, hash, at) VALUES "
            "('typeform', 'old', now() - interval '31 days'), ('typeform', 'new', now())"
        )
        conn.exec_driver_sql(
            "INSERT INTO landing.arrival (raw_id, correlation_id, received_at) VALUES "
            "(1, 'old', now() - interval '31 days'), (2, 'new', now())"
        )
    deleted = _prune(instance, db)
    assert deleted["runs"] == 2
    left = {run.run_id for run in instance.get_runs()}
    assert left == {red, second, newest}, "a red run for 90 days; the newest state for ever"
    assert deleted["events_without_run"] == 2
    assert deleted["check_evaluations"] == 1
    assert deleted["stage_reports"] == 1
    assert (deleted["seen_deliveries"], deleted["arrivals"]) == (1, 1)
    assert not instance.all_logs(first)
    record = instance.get_latest_materialization_event(dg.AssetKey("figures"))
    assert record is not None
    assert record.run_id == newest
    assert instance.get_latest_materialization_event(dg.AssetKey("elsewhere")) is not None
    key = dg.AssetCheckKey(dg.AssetKey("figures"), "full")
    (shown,) = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).values()
    assert shown.run_id == newest
    assert _counts(db)["run_tags"] <= one["run_tags"] + 10
    assert _prune(instance, db) == dict.fromkeys(deleted, 0), "a second night finds nothing"


def test_old_backfills_go_unless_they_are_under_way(
    instance: dg.DagsterInstance, db: Database
) -> None:
    def add(name: str, status: BulkActionStatus, days: float) -> None:
        at = (NOW - timedelta(days=days)).timestamp()
        one = PartitionBackfill(
            name, status, from_failure=False, tags={"a": "b"}, backfill_timestamp=at
        )
        instance.add_backfill(one)

    add("old", BulkActionStatus.COMPLETED_SUCCESS, 91)
    add("failed", BulkActionStatus.COMPLETED_FAILED, 91)
    add("under way", BulkActionStatus.REQUESTED, 91)
    add("young", BulkActionStatus.COMPLETED_FAILED, 89)
    assert _prune(instance, db)["backfills"] == 2
    assert {one.backfill_id for one in instance.get_backfills()} == {"under way", "young"}
    tags = "SELECT DISTINCT backfill_id FROM dagster.backfill_tags"
    with db.engine.connect() as conn:
        assert set(conn.execute(text(tags)).scalars()) == {"under way", "young"}


def test_ticks_go_by_what_they_did(instance: dg.DagsterInstance, db: Database) -> None:
    instance.add_instigator_state(STATE)
    ids = STATE.instigator_origin_id, STATE.selector_id
    kinds = (TickStatus.SKIPPED, TickStatus.SUCCESS, TickStatus.FAILURE)
    for status in kinds:
        for days in (0.5, 2, 8, 31):
            at = NOW.timestamp() - days * 86_400
            error = SerializableErrorInfo("no", [], None) if status is TickStatus.FAILURE else None
            instance.create_tick(
                TickData(
                    ids[0], "poll_it", STATE.instigator_type, status, at, run_ids=[], error=error,
                    selector_id=ids[1],
                )
            )  # fmt: skip
    _prune(instance, db)
    left = {status: len(instance.get_ticks(*ids, statuses=[status])) for status in kinds}
    assert left == dict(zip(kinds, (1, 2, 3), strict=True)), "one day, seven days, thirty"


def test_a_prune_that_runs_out_of_time_goes_on_the_next_night(
    instance: dg.DagsterInstance, db: Database
) -> None:
    runs = [
        failing.execute_in_process(instance=instance, raise_on_error=False).run_id for _ in range(3)
    ]
    _age(db, runs, 91)
    steps = iter((True, False))
    assert prune_history(instance, db.engine, OLD, in_time=lambda: next(steps)) == {"runs": 1}
    assert [run.run_id for run in instance.get_runs()] == runs[:0:-1], "the oldest first"
    assert _prune(instance, db)["runs"] == 2


def test_folders_of_runs_that_are_gone_are_deleted(
    instance: dg.DagsterInstance, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    run_id = _materialize(instance)
    root = Path(instance.storage_directory())
    for name in (run_id, "of-no-run", "of-today"):
        (root / name).mkdir(parents=True, exist_ok=True)
        if name != "of-today":
            os.utime(root / name, (0, 0))
    assert _prune(instance, db)["folders"] == 1
    assert sorted(p.name for p in root.iterdir()) == sorted([run_id, "of-today"])
