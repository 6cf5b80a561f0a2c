"""Each way to start a run, over each state of a source: what is green, what is red, which checks fail.

The expected states are the table in docs/dagster.md. Runs are in this process, over the emulated vendors.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.execution.api import execute_run
from sqlalchemy import text

from hub.clock import SystemClock
from hub.db.engine import Database, open_database
from hub.etl import flow
from hub.etl.assemble import assemble
from hub.etl.completeness import unproved
from hub.etl.context import Hub
from hub.mappings import loader
from hub.settings import load
from tests.cli.test_red_runs import LOSE
from tests.processes import House, SandboxProcess, house, sandbox_process

DOCS = Path(__file__).parents[2] / "docs/dagster.md"
SOURCES = ("hubspot", "mailchimp", "salesforce", "typeform", "zendesk")
SELECTION = ("land/salesforce/leads", "land/salesforce/users", "normalize/salesforce/leads")
LEADS = "land/salesforce/leads"
EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION
OPS = "ops@acme.example.com"


def table() -> dict[str, dict[str, str]]:
    """The table of the docs: state → way → what is said."""
    lines = [line for line in DOCS.read_text().splitlines() if line.startswith("| ")]
    start = next(i for i, line in enumerate(lines) if line.startswith("| State of the source"))
    head, *rows = [[c.strip() for c in line.strip("| ").split(" | ")] for line in lines[start:]]
    found = {}
    for row in rows:
        if len(row) != len(head):
            break
        found[row[0]] = dict(zip(head[1:], row[1:], strict=True))
    return found


@dataclass
class Home:
    """A loaded home, its vendors, and Dagster over it."""

    made: House
    vendors: SandboxProcess
    database: Database
    defs: dg.Definitions
    instance: dg.DagsterInstance
    planted: int = 0
    mails_n: int = 0
    runs: list[str] = field(default_factory=list)

    def faults(self, names: str) -> None:
        self.vendors.ask("PUT", "/faults", {"faults": names})

    def plant(self, source: str = "salesforce", **values: Any) -> None:
        """Let a new lead come to a source."""
        self.planted += 1
        name = f"Planted{self.planted}"
        stream, own = ("leads", {"LastName": name, "Company": name, "Email": f"{name}@p.example"})
        if source == "hubspot":
            stream, own = "contacts", {"lastname": name, "email": f"{name}@p.example"}
        event = {"op": "create", "source": source, "stream": stream, "values": own | values}
        self.vendors.ask("POST", "/events", event)
        SystemClock().sleep(0.4)  # the connectors stay behind the vendor's clock

    def sql(self, *statements: str) -> None:
        with self.database.owner_engine().begin() as conn:
            for statement in statements:
                conn.execute(text(statement))

    def alerts(self) -> list[tuple[str, str]]:
        """The alerts by mail since the last look: event and first line."""
        mails = [mail for mail in self.vendors.mails() if mail["to"] == [OPS]]
        new, self.mails_n = mails[self.mails_n :], len(mails)
        return [(m["headers"]["X-Hub-Event"], m["text"].splitlines()[0]) for m in new]

    def status(self) -> list[str]:
        """Return the lines of `hub status` about Salesforce."""
        with self.database.engine.begin() as conn:
            return unproved(conn, "salesforce")

    def run(self, job: str, *keys: str, full: bool = False) -> dg.ExecuteInProcessResult:
        given = self.defs.resolve_implicit_global_asset_job_def()
        if job != given.name:
            given = self.defs.resolve_job_def(job)
        return given.execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(key.split("/")) for key in keys] or None,
            run_config={"resources": {"hub": {"config": {"full": full}}}},
        )

    def by_sensor(self, job: str, *keys: str, full: bool) -> tuple[bool, set[str]]:
        """Run a job as Dagster's daemon does, whose runs do not name their steps; returns success, failed checks."""
        given = ReconstructableRepository.for_module(
            "hub.assets.definitions", "defs"
        ).get_reconstructable_job(job)
        selected = frozenset(dg.AssetKey(key.split("/")) for key in keys) or None
        config = {"resources": {"hub": {"config": {"full": full}}}}
        run = self.instance.create_run_for_job(
            given.get_subset(asset_selection=selected).get_definition(),
            run_config=config,
            asset_selection=selected,
        )
        done = execute_run(given, run._replace(step_keys_to_execute=None), self.instance)
        evaluations = [
            one.dagster_event.asset_check_evaluation_data
            for one in self.instance.all_logs(run.run_id)
            if one.dagster_event and one.dagster_event.event_type is EVALUATED
        ]
        return done.success, {
            f"{one.asset_key.to_user_string()}:{one.check_name}"
            for one in evaluations
            if not one.passed
        }

    def again(self, run_id: str, *, from_failure: bool) -> bool:
        """Execute a run of `sync_salesforce` again."""
        place = ReconstructableRepository.for_module("hub.assets.definitions", "defs")
        options = (
            dg.ReexecutionOptions.from_failure(run_id, self.instance)
            if from_failure
            else dg.ReexecutionOptions(parent_run_id=run_id)
        )
        job = place.get_reconstructable_job("sync_salesforce")
        with dg.execute_job(job, instance=self.instance, reexecution_options=options) as result:
            return result.success

    def sync(self, *sources: str, full: bool = False) -> None:
        """Sync as the command `hub sync` does."""
        flow.sync(self.hub(), sources, full=full)

    def hub(self) -> Hub:
        return assemble(load(self.made.config), self.database, SystemClock())

    def outside(self, *, full: bool) -> set[str]:
        """Sync outside Dagster; return the failed checks that `what_happened_outside` reports."""
        sensor = self.defs.get_repository_def().get_sensor_def("what_happened_outside")
        with dg.build_sensor_context(instance=self.instance) as context:
            before = sensor(context)
        assert isinstance(before, dg.SensorResult)
        self.sync("salesforce", full=full)
        with dg.build_sensor_context(instance=self.instance, cursor=before.cursor) as context:
            told = sensor(context)
        assert isinstance(told, dg.SensorResult)
        return {
            f"{event.asset_key.to_user_string()}:{event.check_name}"
            for event in told.asset_events
            if isinstance(event, dg.AssetCheckEvaluation) and not event.passed
        }

    def requested(self) -> list[str]:
        """The assets that the sensor `reconcile` asks for when the last read of Salesforce is old."""
        self.sql("UPDATE ops.batch SET finished_at = now() WHERE state = 'done'")
        self.sql(
            "UPDATE ops.batch SET finished_at = now() - interval '1 day' "
            "WHERE source = 'salesforce' AND state = 'done'"
        )
        sensor = self.defs.get_repository_def().get_sensor_def("reconcile")
        with dg.build_sensor_context(instance=self.instance) as context:
            told = sensor(context)
        assert isinstance(told, dg.SensorResult)
        (request,) = told.run_requests or []
        return [key.to_user_string() for key in request.asset_selection or []]


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """Vendors and a home, loaded once; a lead without an address is refused."""
    with (
        sandbox_process("--people", "12", "--seed", "3", "--time-scale", "600") as vendors,
        house(migrated=True) as made,
    ):
        vendors.furnish(made)
        _refuse_without_address(made)
        with made.served(), _environment(made):
            from hub.assets.definitions import build_defs

            settings = load(made.config)
            assert made.run("sync").returncode in {0, 1, 3}
            with (
                open_database(settings, SystemClock()) as database,
                dg.DagsterInstance.ephemeral() as instance,
            ):
                one = Home(made, vendors, database, build_defs(SOURCES), instance)
                # the first load refuses too many
                one.sql("DELETE FROM ops.drift", "UPDATE ops.alert_state SET state = 'ok'")
                yield one


def _refuse_without_address(made: House) -> None:
    shipped = Path(loader.__file__).parent / "salesforce/leads.yaml"
    own = made.root / "mappings/salesforce"
    own.mkdir(parents=True)
    document = shipped.read_text().replace(
        "      email: Email\n", "      email: {path: Email, required: true}\n"
    )
    assert "required: true" in document
    (own / "leads.yaml").write_text(document)
    more = f"mappings_dir: {made.root / 'mappings'}\nalerts: [{{to: [{OPS}]}}]\n"
    made.config.write_text(f"{made.config.read_text()}\n{more}")


@contextmanager
def _environment(made: House) -> Iterator[None]:
    known = dict(os.environ)
    os.environ.update({"HUB_HOME": str(made.home), "HUB_CONFIG": str(made.config)} | made.env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(known)


def _nothing(_: Home) -> None: ...


def _lose(home: Home) -> None:
    home.sql(*LOSE)
    home.sql("DROP TRIGGER lose ON ops.pending")
    home.sql(
        "CREATE OR REPLACE FUNCTION ops.lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.stage = 'match' AND EXISTS (SELECT 1 FROM ops.source_record WHERE id = NEW.ref "
        "AND source = 'salesforce') THEN RETURN NULL; END IF; RETURN NEW; END $$",
        LOSE[1],
    )


def _half_read(home: Home) -> None:
    """Leave records of another source in the queue, as a run that is at work on them does."""
    hub = home.hub()
    home.plant("hubspot")
    batch = flow.begin(hub, "hubspot")
    for stream in hub.connector("hubspot").streams():
        flow.land_stream(hub, batch, stream)
    assert any(flow.waiting(hub).values())


@dataclass(frozen=True)
class State:
    """How a state is made, and what comes in before each run.

    `is_reconciled` runs also what the sensor `reconcile` asks for: the job of all sources, for one of them.
    """

    before: Callable[[Home], None] = _nothing
    faults: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    each: Callable[[Home], None] = _nothing
    full: bool = False
    is_reconciled: bool = False


STATES = {
    "nothing is wrong": State(is_reconciled=True),
    "a record is hidden": State(faults="hide_one:salesforce/leads", full=True, is_reconciled=True),
    "a record is lost": State(_lose),
    "too many are refused": State(values={"Email": None}),
    "the mapping drifts": State(values={"Status": "Never seen"}),
    "a part is forbidden": State(faults="forbidden:salesforce/users"),
    "the vendor is down": State(faults="down:salesforce", is_reconciled=True),
    "another source is under way": State(each=_half_read, is_reconciled=True),
}


def failed_in(result: dg.ExecuteInProcessResult) -> set[str]:
    return {
        f"{one.asset_key.to_user_string()}:{one.check_name}"
        for one in result.get_asset_check_evaluations()
        if not one.passed
    }


def test_the_docs_and_the_test_have_the_same_states() -> None:
    assert list(table()) == list(STATES)


@pytest.mark.parametrize("name", STATES)
def test_a_run_is_red_where_the_docs_say_so(home: Home, name: str) -> None:  # noqa: PLR0915
    state, said = STATES[name], table()[name]
    reconciled = home.requested()
    checks = set(re.findall(r"`([^`]+)`", said["Failed checks"]))
    state.before(home)
    home.faults(state.faults)
    home.alerts()

    def ready() -> None:
        home.plant(**state.values)
        state.each(home)

    got: dict[str, str] = {}

    def note(way: str, *, ok: bool) -> None:
        got[way] = "green" if ok else "red"

    try:
        ready()
        first = home.run("sync_salesforce", full=state.full)
        note("Job, schedule, sensor", ok=first.success)
        assert failed_in(first) == checks
        if first.success:
            got["Again from failure"] = "–"
        else:
            _says_one_sentence(home, first)
            note("Again from failure", ok=home.again(first.run_id, from_failure=True))
        ready()
        if state.is_reconciled:
            by_sensor = home.by_sensor("sync", *reconciled, full=state.full)
            assert by_sensor == (first.success, checks)
            ready()
        note("Again, all steps", ok=home.again(first.run_id, from_failure=False))
        ready()
        whole = home.run("__ASSET_JOB", full=state.full)
        note("Materialize all", ok=whole.success)
        assert failed_in(whole) == checks
        red = {e.step_key for e in whole.all_events if e.is_step_failure}
        assert red <= {"proof__salesforce"}, "the other sources are proved"
        ready()
        failed = home.outside(full=state.full)
        assert failed == checks
        note("hub sync", ok=not {c for c in failed if not c.endswith(":drift")})
        ready()
        note("Some assets", ok=home.run("__ASSET_JOB", *SELECTION, full=state.full).success)
        ready()
        note("One asset", ok=home.run("__ASSET_JOB", LEADS, full=state.full).success)
        with home.database.engine.begin() as conn:
            left = conn.execute(
                text("SELECT state FROM ops.batch WHERE source = 'salesforce' ORDER BY id DESC")
            ).first()
        assert left == ("partial",), "the next sync goes on with it"
    finally:
        home.faults("")
        home.sql("DROP TRIGGER IF EXISTS lose ON ops.pending", "DROP FUNCTION IF EXISTS ops.lose")
        home.sync(*SOURCES)
        if home.status():  # it has closed the batch that a run by hand left partial
            assert home.run("sync_salesforce").success
        home.sql("DELETE FROM ops.drift")
    over = [] if first.success else ["source_recovered"]
    assert [event for event, _ in home.alerts()] == over, "no other red run was a change"
    assert got == {way: what for way, what in said.items() if way != "Failed checks"}


def _says_one_sentence(home: Home, run: dg.ExecuteInProcessResult) -> None:
    """The failed run, the e-mail and `hub status` say the same."""
    failed = next(e for e in run.all_events if e.is_step_failure).step_failure_data
    said = failed.user_failure_data.description.splitlines()
    assert said[0].startswith("salesforce")
    first_error = next(
        one.user_message for one in home.instance.all_logs(run.run_id) if one.level == logging.ERROR
    )
    assert first_error == said[0]
    assert home.status() == said
    assert home.alerts() == [("source_failed", said[0])]


def test_a_sensor_asks_for_the_job_of_its_source(home: Home) -> None:
    repository = home.defs.get_repository_def()
    sensor, requests = repository.get_sensor_def("poll"), []
    assert {job.name for job in sensor.jobs} == {f"sync_{source}" for source in SOURCES}
    home.plant()
    for _ in range(20):
        with dg.build_sensor_context(instance=home.instance) as context:
            told = sensor(context)
        assert isinstance(told, dg.SensorResult)
        requests = list(told.run_requests or [])
        if requests:
            break
        SystemClock().sleep(0.2)
    assert [(one.job_name, one.asset_selection) for one in requests] == [("sync_salesforce", None)]


def test_the_tick_of_a_nightly_schedule_asks_for_its_job(home: Home) -> None:
    schedules = home.defs.get_repository_def().schedule_defs
    assert {one.job_name for one in schedules} == {"refresh_rollups", "prune_old_history"}
    for one in schedules:
        with dg.build_schedule_context(instance=home.instance) as context:
            (request,) = one.evaluate_tick(context).run_requests or []
        assert request.job_name in {None, one.job_name}
    assert home.run("refresh_rollups").success  # tests/flow/test_prune.py runs the other one


def test_every_way_runs_in_one_process_and_everything_is_described(home: Home) -> None:
    repository = home.defs.get_repository_def()
    for job in repository.get_all_jobs():
        assert job.executor_def.name == "in_process", job.name
        assert job.name == "__ASSET_JOB" or job.description, job.name
    for node in home.defs.resolve_asset_graph().asset_nodes:
        assert node.description, node.key
        assert (
            node.key.path[0] not in {"land", "normalize"} or node.tags["source"] == node.key.path[1]
        )
    checks = home.defs.resolve_asset_graph().asset_check_keys
    graph = home.defs.resolve_asset_graph()
    assert all(graph.get_check_spec(key).description for key in checks)


def test_one_load_step_fills_every_table_and_takes_no_part_of_it(home: Home) -> None:
    graph = home.defs.resolve_asset_graph()
    keys = {key for key in graph.materializable_asset_keys if key.path[0] == "load"}
    assert {key.path[1] for key in keys} == {"leads", "contacts", "companies", "deals", "tickets"}
    with pytest.raises(dg.DagsterInvalidSubsetError):
        home.run("__ASSET_JOB", "load/leads")


def test_sync_now_takes_sources_and_full(home: Home) -> None:
    job = home.defs.resolve_job_def("sync_now")
    for wanted, ok in ((["salesforce"], True), (["nobody"], False)):
        config = {"ops": {"sync_some": {"config": {"sources": wanted, "full": True}}}}
        done = job.execute_in_process(
            instance=home.instance, run_config=config, raise_on_error=False
        )
        assert done.success is ok
    (failed,) = [e.step_failure_data for e in done.all_events if e.is_step_failure]
    told = failed.user_failure_data.description
    assert told.startswith("sync_now: source 'nobody' is not configured; next: configured: hubspot")
