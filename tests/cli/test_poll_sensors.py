"""The sensors that start syncs, over real vendors and the hub's own database; runs by Dagster's API."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest
from dagster._core.utils import make_new_run_id

from hub.assets.poll import REASON, WHY, poll_sensor, reconcile_sensor
from hub.clock import SystemClock
from hub.db.locks import source_locks
from hub.etl.poller import Poller
from hub.etl.rounds import Rounds
from tests.processes import House, SandboxProcess, house

SOURCES = ("salesforce", "typeform")
_PERSON = {"first_name": "Person", "last_name": "Poll", "email": "poll@b.example"}


@dataclass
class Ticking:
    """A house that was synced, its poller, and Dagster's records."""

    made: House
    poller: Poller
    instance: dg.DagsterInstance

    def tick(self, source: str, cursor: str | None = None) -> dg.SensorResult:
        jobs = {source: dg.define_asset_job(f"sync_{source}")}
        sensor = poll_sensor(jobs, is_running=True, rounds=lambda: Rounds(self.poller))
        with dg.build_sensor_context(self.instance, cursor=cursor) as context:
            told = sensor(context)
        assert isinstance(told, dg.SensorResult)
        return told

    def says(self, source: str, cursor: str | None = None) -> str:
        """The reason of a run that starts, or why none does."""
        told = self.tick(source, cursor)
        if not told.run_requests:
            skipped = told.skip_reason
            return str(skipped.skip_message if skipped else "").removeprefix(f"{source}: ")
        (request,) = told.run_requests
        assert request.run_key is None, "a failed run's key is never launched again"
        assert (request.job_name, request.tags["source"]) == (f"sync_{source}", source)
        return f"{request.tags[REASON]}: {request.tags[WHY]}"

    def until(self, source: str, reason: str) -> str:
        """Tick until a run starts for this reason; vendors tell of a change a little later."""
        for _ in range(40):
            said = self.says(source)
            if said.startswith(reason):
                return said
            time.sleep(0.1)
        return said

    def add_run(self, status: dg.DagsterRunStatus, source: str) -> dg.DagsterRun:
        run = dg.DagsterRun(
            f"sync_{source}", make_new_run_id(), status=status, tags={"source": source}
        )
        return self.instance.add_run(run)


@pytest.fixture(scope="module")
def synced(vendors: SandboxProcess) -> Iterator[House]:
    with house(migrated=True) as made:
        vendors.furnish(made, sources=SOURCES)
        with made.served():
            done = made.run("sync", "--json")
            assert done.returncode in {0, 3}, done.stderr
            yield made


@pytest.fixture
def ticking(
    synced: House, vendors: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ticking]:
    for name, value in {**synced.env, "HUB_HOME": str(synced.home)}.items():
        monkeypatch.setenv(name, value)
    poller = Poller(SystemClock(), synced.config)
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            yield Ticking(synced, poller, instance)
    finally:
        poller.close()
        vendors.ask("PUT", "/faults", {"faults": ""})


def test_a_source_is_synced_when_it_has_news_and_only_then(
    ticking: Ticking, vendors: SandboxProcess
) -> None:
    for source in SOURCES:
        assert ticking.says(source).startswith("nothing new since ")
    event = {"op": "create", "source": "typeform", "stream": "responses", "values": _PERSON}
    vendors.ask("POST", "/events", event)
    assert ticking.until("typeform", "news") == "news: 1 stream has news: responses"
    assert ticking.says("salesforce").startswith("nothing new since ")
    with source_locks(ticking.poller.database.engine, ["typeform"]):
        assert ticking.says("typeform") == "waits: typeform is being synced"
    waiting = ticking.add_run(dg.DagsterRunStatus.STARTED, "typeform")
    assert ticking.says("typeform").endswith("waits: sync_typeform is running")
    ticking.instance.report_run_canceled(waiting)
    assert ticking.made.run("sync", "typeform", "--json").returncode in {0, 3}
    assert ticking.says("typeform").startswith("nothing new since ")


def test_a_tick_asks_no_more_than_it_must(ticking: Ticking, vendors: SandboxProcess) -> None:
    def asked() -> int:
        return sum(int(vendors.ask("GET", "/requests")[source]["total"]) for source in SOURCES)

    cursor = ticking.tick("salesforce").cursor  # logs in, and learns what the objects have
    before = asked()
    assert "due at" in ticking.says("salesforce", cursor)
    assert asked() == before, "the interval has not passed"
    ticking.says("salesforce")
    assert asked() == before + 1, "one composite request for all objects"


def test_refused_credentials_are_told_by_a_run_that_fails_and_then_waited_out(
    ticking: Ticking, vendors: SandboxProcess
) -> None:
    vendors.ask("PUT", "/faults", {"faults": "revoked:typeform"})
    assert ticking.says("typeform").startswith("refused: typeform refuses the question: ")
    run = ticking.add_run(dg.DagsterRunStatus.STARTED, "typeform")
    ticking.instance.report_run_failed(run)
    assert "1 sync in a row failed: next try at " in ticking.says("typeform")
    assert ticking.says("salesforce").startswith("nothing new"), "no other source is held up"
    vendors.ask("PUT", "/faults", {"faults": "down:typeform"})
    assert ticking.says("typeform").startswith("no answer from typeform: ")


def test_old_reads_are_reconciled_in_one_run(ticking: Ticking) -> None:
    own = {source: [dg.AssetKey(["proof", source])] for source in SOURCES}
    shared = [dg.AssetKey(["match", "people"])]

    def tick(every_s: int) -> dg.SensorResult:
        sensor = reconcile_sensor(
            dg.define_asset_job("sync"), own, shared, reconcile_every_s=every_s, is_running=True,
            poller=lambda: ticking.poller,
        )  # fmt: skip
        with dg.build_sensor_context(ticking.instance) as context:
            told = sensor(context)
        assert isinstance(told, dg.SensorResult)
        return told

    assert not tick(3600).run_requests
    (request,) = tick(0).run_requests or []
    assert request.tags[REASON] == "reconcile"
    assert set(request.asset_selection or []) == {*own["salesforce"], *own["typeform"], *shared}
    run = ticking.add_run(dg.DagsterRunStatus.STARTED, "salesforce")
    (request,) = tick(0).run_requests or []
    assert set(request.asset_selection or []) == {*own["typeform"], *shared}
    ticking.instance.report_run_canceled(run)


def test_settings_are_read_again_when_the_file_changes(ticking: Ticking) -> None:
    config = ticking.made.config
    before = config.read_text()
    assert ticking.poller.interval_s("salesforce", 1) == 60
    try:
        config.write_text(before.replace("  salesforce:\n", "  salesforce:\n    poll_s: 600\n"))
        assert ticking.poller.interval_s("salesforce", 1) == 600
    finally:
        config.write_text(before)
    (status,) = [
        one for one in ticking.made.document("status")["promises"] if one["source"] == "salesforce"
    ]
    assert status["promise_s"] == pytest.approx(60 / 600 + status["every_s"] + 30)


def test_a_retired_source_is_read_by_nothing_until_it_is_followed_again(ticking: Ticking) -> None:
    made, before = ticking.made, ticking.made.config.read_text()
    kept = {
        (one["source"], one["stream"]): one["landed"] for one in made.document("status")["streams"]
    }
    try:
        said = made.run("source", "retire", "salesforce")
        objects = sum(n for (source, _), n in kept.items() if source == "salesforce")
        assert said.returncode == 0, said.stderr
        assert "Nothing reads it any more" in said.stdout
        assert f"its {objects} objects stay" in said.stdout
        assert made.document("source", "retire", "salesforce")["role"] == "retired", "twice is once"
        edited = made.config.read_text()
        assert edited.replace("    role: retired\n", "") == before
        assert ticking.says("salesforce") == "hub.yaml says that salesforce is not followed"
        assert ticking.says("typeform").startswith("nothing new since "), "no other source ends"
        refused = made.run("sync", "salesforce")
        assert (refused.returncode, "is retired" in refused.stderr) == (2, True)
        assert "hub source follow salesforce" in refused.stderr
        refused = made.run("migrate", "salesforce", "--delta")
        assert (refused.returncode, "is retired" in refused.stderr) == (2, True)
        status = made.document("status")
        assert status["roles"] == {"salesforce": "retired", "typeform": "follow"}
        assert {(s["source"], s["stream"]): s["landed"] for s in status["streams"]} == kept
        shown = made.run("status").stdout
        assert "Retired: salesforce" in shown
        assert {one["source"]: one["role"] for one in made.document("source", "list")} == (
            status["roles"]
        )
        assert made.document("source", "follow", "salesforce")["role"] == "follow"
        assert made.run("sync", "salesforce", "--json").returncode in {0, 3}
    finally:
        made.config.write_text(before)
    unknown = made.run("source", "retire", "salesforc")
    assert (unknown.returncode, "did you mean 'salesforce'" in unknown.stderr) == (2, True)
