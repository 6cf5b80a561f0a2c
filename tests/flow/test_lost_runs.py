"""A run that failed before it could close a batch is told by a sensor, and no other run is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import dagster as dg
import pytest

from hub.assets.definitions import build_defs
from hub.assets.lost_runs import lost_run_sensor
from hub.assets.nightly import ended_well
from hub.clock import SystemClock
from hub.etl import flow
from hub.etl.completeness import unproved
from hub.etl.context import Core
from hub.sandbox.smtp import Mailbox
from hub.settings import AlertSettings, SalesforceSettings, SourceSettings, ZendeskSettings
from tests.flow.conftest import World, salesforce_lead
from tests.mailbox import mail_server, mailing_to

OPS = "ops@acme.example.com"
KILLED = "Run execution process was terminated by signal 9"


@dataclass
class Watch:
    """The sensor over a world, and the mail server of its alerts."""

    world: World
    box: Mailbox
    instance: dg.DagsterInstance
    core: Core
    sensor: dg.SensorDefinition
    defs: dg.Definitions
    cursor: str | None = None

    def tick(self) -> list[str]:
        """Let the sensor look; return the first line of each alert since the last look."""
        with dg.build_sensor_context(
            self.instance, cursor=self.cursor, repository_def=self.defs.get_repository_def()
        ) as context:
            told = self.sensor.evaluate_tick(context)
        self.cursor = told.cursor
        mails = [m for m in self.box.mail() if m["to"] == [OPS]]
        said = [mail["text"].splitlines()[0] for mail in mails]
        self.box.clear()
        return said

    def failed(self, job: str, message: str = KILLED, **tags: str) -> dg.DagsterRun:
        """A run whose process was killed."""
        run = self.instance.create_run_for_job(
            self.defs.resolve_job_def(job), tags=tags, status=dg.DagsterRunStatus.STARTED
        )
        self.instance.report_run_failed(run, message)
        return run

    def status(self, source: str = "salesforce") -> list[str]:
        with self.world.db.engine.begin() as conn:
            return unproved(conn, source)


@pytest.fixture
def watch(world: World) -> Iterator[Watch]:
    sources = SourceSettings(
        salesforce=SalesforceSettings.model_construct(), zendesk=ZendeskSettings.model_construct()
    )
    with mail_server() as (box, port), dg.DagsterInstance.ephemeral() as instance:
        hub = mailing_to(world.hub, port)
        more = {"alerts": [AlertSettings(to=[OPS])], "sources": sources}
        world.hub = replace(hub, settings=hub.settings.model_copy(update=more))
        core = Core(world.db.engine, SystemClock(), world.hub.settings)
        sensor = lost_run_sensor(is_running=True, core=lambda: core)
        made = Watch(world, box, instance, core, sensor, build_defs(["salesforce", "zendesk"]))
        assert made.tick() == [], "the first tick only notes where to begin"
        yield made


def test_a_lost_run_is_told_once_and_a_judged_one_is_not(watch: Watch) -> None:
    run = watch.failed("sync_salesforce", source="salesforce")
    said = f"sync_salesforce (run {run.run_id[:8]}): {KILLED}"
    assert watch.tick() == [said]
    assert watch.status() == [said]
    watch.failed("sync_salesforce", source="salesforce")
    assert watch.tick() == [], "it is the same state"
    _sync(watch, 1)
    assert watch.status() == []
    assert watch.tick() == ["salesforce works again: its last run ended well."]
    late = watch.failed("sync_salesforce", source="salesforce")
    _sync(watch, 2)
    assert watch.tick() == [], f"{late.run_id}: a later read has ended well"
    judged = watch.failed("sync_salesforce", source="salesforce")
    watch.world.rows("UPDATE ops.batch SET runs = ARRAY[:run] RETURNING 1", run=judged.run_id)
    assert watch.tick() == [], "the hub has judged what it read"


def test_a_run_of_several_sources_is_one_message_and_names_the_error_of_its_step(
    watch: Watch,
) -> None:
    defs = watch.defs.resolve_implicit_global_asset_job_def()
    done = defs.execute_in_process(
        instance=watch.instance,
        raise_on_error=False,
        asset_selection=[dg.AssetKey(["proof", "salesforce"]), dg.AssetKey(["proof", "zendesk"])],
        run_config={"resources": {"hub": {"config": {"config": "/nowhere/hub.yaml"}}}},
    )
    assert not done.success
    (said,) = watch.tick()
    failed = next(e for e in done.all_events if e.is_step_failure).step_failure_data
    assert said == failed.user_failure_data.description.splitlines()[0]
    assert "/nowhere/hub.yaml" in said
    assert watch.status("salesforce") == watch.status("zendesk") == [said]


def test_nightly_jobs_are_told_and_a_job_without_a_source_is_not(watch: Watch) -> None:
    run = watch.failed("prune_old_history")
    assert watch.tick() == [f"prune_old_history (run {run.run_id[:8]}): {KILLED}"]
    ended_well(watch.core, "prune_old_history")
    ended_well(watch.core, "prune_old_history")
    assert watch.tick() == ["prune_old_history works again: its last run ended well."]

    @dg.job
    def of_a_user() -> None: ...

    run = watch.instance.create_run_for_job(of_a_user, status=dg.DagsterRunStatus.STARTED)
    watch.instance.report_run_failed(run, KILLED)
    assert watch.tick() == []
    watch.failed("sync_now")
    assert len(watch.tick()) == 1
    assert watch.status("zendesk")


def _sync(watch: Watch, number: int) -> None:
    watch.world.add("salesforce", "leads", salesforce_lead(number, LastName=f"N{number}"))
    flow.sync(watch.world.hub, ["salesforce"])
