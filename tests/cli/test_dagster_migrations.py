"""A migration that runs by itself in Dagster, over the emulated Salesforce; runs are in this process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG as END
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_START_TAG as START
from sqlalchemy import text

from hub.assets.prune import delete_partitions
from hub.clock import SystemClock
from hub.connectors.salesforce.streams import OBJECTS, STREAMS, SalesforceConnector
from hub.db.engine import Database, open_database
from hub.errors import BudgetError
from hub.etl.poller import Poller
from hub.migration.scheduling import WAIT
from hub.settings import load
from tests.cli.test_dagster_states import _environment
from tests.processes import House, SandboxProcess, house, sandbox_process

NOW = SystemClock().now()


class ClockAt(SystemClock):
    """A clock that a test sets; it begins now."""

    def __init__(self) -> None:
        self.at = super().now()

    def now(self) -> datetime:
        """Return the moment that the test has set."""
        return self.at


@dataclass
class Home:
    """A home with a Salesforce whose leads lie in several ranges, and Dagster over it."""

    made: House
    vendors: SandboxProcess
    database: Database
    defs: dg.Definitions
    instance: dg.DagsterInstance
    clock: ClockAt = field(default_factory=ClockAt)
    cursor: str | None = None

    def tick(self, *, after_s: float = 0) -> list[dg.RunRequest]:
        """Evaluate the sensor, so many seconds later."""
        from hub.assets.migration_jobs import read_job
        from hub.assets.migration_sensor import migration_sensor

        self.clock.at += timedelta(seconds=after_s)
        poller = Poller(self.clock, self.made.config)
        reads = [read_job("salesforce", one.name) for one in OBJECTS]
        sensor = migration_sensor(reads, is_running=True, poller=lambda: poller)
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            told = sensor(context)
        poller.close()
        assert isinstance(told, dg.SensorResult)
        self.cursor = told.cursor
        return list(told.run_requests or [])

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Run what a sensor, or a backfill, asks for."""
        return self.defs.resolve_job_def(str(request.job_name)).execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            run_config=request.run_config,
            tags=dict(request.tags),
            asset_selection=request.asset_selection,
        )

    def rows(self, query: str) -> Sequence[Any]:
        with self.database.engine.begin() as conn:
            return conn.execute(text(query)).all()

    def states(self, stream: str = "leads") -> dict[str, str]:
        """The states of the newest migration's ranges."""
        query = "SELECT key, state FROM ops.migration_range WHERE batch_id = (SELECT max(batch_id) FROM ops.migration)"
        return dict(self.rows(f"{query} AND stream = '{stream}' ORDER BY key"))


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with (
        sandbox_process("--people", "30", "--seed", "3", "--time-scale", "600") as vendors,
        house(migrated=True) as made,
    ):
        vendors.furnish(made, sources=["salesforce"])
        config = made.config.read_text()
        assert "  salesforce:\n" in config
        skipped = ", ".join(one.name for one in OBJECTS if one not in STREAMS)
        own = f"  salesforce:\n    range_size: 3\n    skip: [{skipped}]\n"
        made.config.write_text(config.replace("  salesforce:\n", own))
        with made.served(), _environment(made):
            from hub.assets.definitions import build_defs

            with (
                open_database(load(made.config), SystemClock()) as database,
                dg.DagsterInstance.ephemeral() as instance,
            ):
                yield Home(made, vendors, database, build_defs(["salesforce"]), instance)


def materialized(result: dg.ExecuteInProcessResult) -> set[str | None]:
    return {e.partition for e in result.get_asset_materialization_events()}


def test_a_migration_at_a_set_time(home: Home) -> None:
    assert home.tick() == [], "nothing is planned"
    said = home.made.document("migrate", "salesforce", "--at", "in 2 hours")
    batch = said["batch"]
    assert said["starts_at"]
    assert home.tick() == [], "it is not time yet"

    (planned,) = home.tick(after_s=7300)
    assert planned.job_name == "plan_migration"
    home.vendors.ask("PUT", "/faults", {"faults": "hide_one:salesforce/leads"})
    assert home.run(planned).success
    asked = home.tick(after_s=120)
    assert {"migrate_salesforce_users", "migrate_salesforce_leads"} <= {r.job_name for r in asked}
    assert {r.tags["hub/batch"] for r in asked} == {str(batch)}
    assert all("source" not in r.tags for r in asked), "a sync does not wait for a migration"
    runs = [home.run(r) for r in asked]

    (red,) = [one for one in runs if not one.success]
    states = home.states()
    (bad,) = [key for key, state in states.items() if state == "short"]
    assert len(states) > 3
    assert {state for key, state in states.items() if key != bad} == {"proven"}
    assert f"{batch}-{bad}" not in materialized(red)
    assert len(materialized(red)) > 1, "a bad range fails no neighbour"
    (failed,) = [e.step_failure_data for e in red.all_events if e.is_step_failure]
    assert f"leads {batch}-{bad}: the source counted" in failed.user_failure_data.description
    checks = [c for c in red.get_asset_check_evaluations() if not c.passed]
    assert [(c.partition, c.blocking, c.metadata["missing"].value) for c in checks] == [
        (f"{batch}-{bad}", True, 1)
    ]
    evaluations = red.get_asset_check_evaluations()
    assert evaluations[-1].partition == f"{batch}-{bad}", "what Dagster shows as the latest"
    (observed,) = [
        e.event_specific_data.asset_observation for e in red.all_events if e.is_asset_observation
    ]
    assert (observed.partition, observed.metadata["missing"].value) == (f"{batch}-{bad}", 1)
    assert "the source counted" in observed.description
    assert home.tick(after_s=100_000) == [], "a user decides about a hidden record"
    _retried_alone_and_loaded(home, batch, bad)


def _retried_alone_and_loaded(home: Home, batch: int, bad: str) -> None:
    home.vendors.ask("PUT", "/faults", {"faults": ""})
    alone = dg.RunRequest(
        job_name="migrate_salesforce_leads",
        asset_selection=[dg.AssetKey(["migrate", "salesforce", "leads"])],
        tags={START: f"{batch}-{bad}", END: f"{batch}-{bad}"},
    )
    again = home.run(alone)
    assert again.success
    assert materialized(again) == {f"{batch}-{bad}"}, "retried alone"

    (loads,) = home.tick()
    assert loads.job_name == "apply_migration"
    assert home.tick() == [], "it starts once"
    done = home.run(loads)
    assert done.success
    (told,) = [e for e in done.all_events if e.is_step_success]
    assert told.step_key == "load_batch"
    assert home.rows(f"SELECT state FROM ops.batch WHERE id = {batch}") == [("done",)]
    assert home.rows("SELECT count(*) > 5 FROM crm.lead") == [(True,)]
    assert home.tick(after_s=100_000) == []
    refused = home.run(loads)
    assert not refused.success, "once only"


def test_a_used_up_quota_waits_and_goes_on(home: Home) -> None:
    planned = dg.RunRequest(
        job_name="plan_migration",
        run_config={"ops": {"plan_ranges": {"config": {"source": "salesforce"}}}},
    )
    assert home.run(planned).success
    home.clock.at = max(home.clock.at, SystemClock().now())
    first, *_ = home.tick()
    with pytest.MonkeyPatch.context() as patch:

        def spent(*_: object) -> Iterator[Any]:
            raise BudgetError("salesforce: 800 of 1000 daily requests are used")
            yield

        patch.setattr(SalesforceConnector, "read_range", spent)
        waits = home.run(first)
    assert waits.success
    assert materialized(waits) == set()
    assert home.tick(after_s=60) == []
    assert home.tick(after_s=WAIT.total_seconds() + 60), "it goes on by itself"
    (row,) = home.rows("SELECT max(batch_id) FROM ops.migration")
    said = home.made.document("migrate", "--discard", str(row[0]))
    assert said["state"] == "undone"
    assert home.tick(after_s=100_000) == []
    names = home.instance.get_dynamic_partitions("migrate/salesforce/leads")
    assert names
    later = SystemClock().now() + timedelta(days=1)
    for before, left in ((NOW, names), (later, [])):
        delete_partitions(home.instance, home.database.engine, before)
        assert home.instance.get_dynamic_partitions("migrate/salesforce/leads") == left
