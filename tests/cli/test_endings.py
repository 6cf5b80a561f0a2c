"""Commands end with 0, 1, 3 or 130, print one document, and leave no process behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.clock import SystemClock
from hub.connectors.registry import KNOWN
from hub.db.engine import open_database
from hub.db.locks import source_locks
from hub.settings import Settings
from tests.processes import HUB, House, SandboxProcess, fits_demo_schema, house, is_calm

INTERRUPTING = (sys.executable, str(Path(__file__).with_name("interrupting.py")))
_copies = count(1)
_UNIVERSE = {
    "version": 1,
    "seed": 1,
    "people": [{"id": "p1"}],
    "records": [
        {
            "source": "hubspot", "stream": "contacts", "id": "28665240007", "person": "p1",
            "at": "2026-01-05T10:00:00Z",
            "values": {"firstname": "Alice", "lastname": "Lambert", "email": "alice@ajonc.example"},
        }
    ],
}  # fmt: skip


@pytest.fixture
def made(loaded: House) -> House:
    """A copy of the loaded house."""
    return loaded.copy_to(loaded.root.parent / f"c{next(_copies)}")


@pytest.fixture
def whole(vendors: SandboxProcess) -> Iterator[SandboxProcess]:
    """The vendors, whole again after the test."""
    yield vendors
    vendors.ask("PUT", "/faults", {"faults": ""})


def _new_lead(vendors: SandboxProcess, **values: str) -> None:
    event = {"op": "create", "source": "salesforce", "stream": "leads", "values": values}
    vendors.ask("POST", "/events", event)
    time.sleep(0.2)  # two vendor minutes: past the connector's lag


def _settings(made: House) -> Settings:
    return Settings.model_validate({"home": str(made.home)})


def _batches(made: House) -> list[Any]:
    statement = text("SELECT source, state, started_at, finished_at FROM ops.batch ORDER BY id")
    with open_database(_settings(made), SystemClock()) as database, database.engine.begin() as conn:
        return list(conn.execute(statement).all())


def _wait_for_server(made: House, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 30
    while made.postmaster() is None and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def _assert_interrupted(made: House, process: "subprocess.Popen[str]", timeout: float) -> None:
    _, said = process.communicate(timeout=timeout)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert made.processes() == []


def test_a_sync_says_by_its_exit_code_how_it_went(made: House, whole: SandboxProcess) -> None:
    _new_lead(whole, LastName="Broken", Company="Broken SA", Email="broken@@example")
    document = made.document("sync", code=3)
    assert document["quarantined"] == 1
    assert made.run("sync").returncode == 0, "nothing new"
    listed = made.document("quarantine", "list")
    (row,) = [r for r in listed if r["value"] == "broken@@example"]
    assert (row["field"], row["severity"], row["source"]) == ("email", "field", "salesforce")
    whole.ask("PUT", "/faults", {"faults": "hide_one:salesforce/leads"})
    document = made.document("sync", "--full", code=1)
    (leads,) = [
        e for e in document["ledgers"] if (e["source"], e["stream"]) == ("salesforce", "leads")
    ]
    assert not leads["holds"]
    assert leads["shortage"]["missing"] == 1
    assert ".." in leads["shortage"]["narrowest"]


@pytest.mark.parametrize("after_s", [0.0, 0.3])
def test_an_interrupted_sync_is_exit_code_130_and_leaves_no_process(
    made: House, after_s: float
) -> None:
    process = made.start("sync", "--full")
    _wait_for_server(made, process)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _assert_interrupted(made, process, 20)
    assert made.run("sync").returncode in {0, 3}


@pytest.mark.parametrize("after_s", ["0.001", "0.003"])
def test_a_command_interrupted_while_the_server_starts_stops_it(made: House, after_s: str) -> None:
    process = made.start(after_s, "status", entry=INTERRUPTING)
    _assert_interrupted(made, process, 20)
    time.sleep(0.5)
    assert made.processes() == [], "nor does one appear later"


def test_an_interrupted_demo_leaves_no_process() -> None:
    with house() as made:
        process = made.start("demo", "--once", "--json", "--people", "10")
        log = made.home / "dagster.log"
        deadline = time.monotonic() + 30
        while not log.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        while len(made.processes()) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)  # the demo, its sandbox, PostgreSQL and a Dagster run
        assert time.monotonic() < deadline
        os.kill(process.pid, signal.SIGINT)
        _assert_interrupted(made, process, 20)


def test_a_killed_demo_takes_its_children_with_it_and_is_started_again() -> None:
    with house() as made:
        process = made.start("demo", "--once", "--json", "--people", "10")
        log = made.home / "dagster.log"
        deadline = time.monotonic() + 30
        while not log.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.kill()
        process.communicate()
        deadline = time.monotonic() + 10
        while len(made.processes()) > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        left = made.processes()
        assert left in ([], [made.postmaster()]), "only the server, until the next command"


def test_a_second_sync_of_a_source_waits_for_the_first(made: House) -> None:
    with open_database(_settings(made), SystemClock()) as database:
        before = len(_batches(made))
        with source_locks(database.engine, ["salesforce"]):
            waiting, given_up = made.start("sync"), made.start("sync")
            time.sleep(3)
            assert waiting.poll() is None
            assert given_up.poll() is None
            assert len(_batches(made)) == before, "it has not begun"
            given_up.send_signal(signal.SIGINT)
            _, said = given_up.communicate(timeout=10)
            assert given_up.returncode == 130
            assert "Traceback" not in said
        _, said = waiting.communicate(timeout=30)
        assert waiting.returncode in {0, 3}, said
        assert len(_batches(made)) == before + len(KNOWN), "one of each source"
    assert made.processes() == []


def test_two_syncs_at_once_run_one_after_the_other(made: House) -> None:
    before = len(_batches(made))
    both = [made.start("sync", "--full") for _ in range(2)]
    for process in both:
        _, said = process.communicate(timeout=60)
        assert process.returncode in {0, 3}, said
    for source in ("salesforce", "typeform"):
        first, second = [b for b in _batches(made)[before:] if b.source == source]
        assert first.state == second.state == "done"
        assert second.started_at >= first.finished_at
    assert made.processes() == []


def test_two_hubs_with_homes_of_their_own_run_side_by_side(loaded: House) -> None:
    houses = [loaded.copy_to(loaded.root.parent / f"side{n}") for n in range(2)]
    running = [made.start("sync", "--full") for made in houses]
    for made, process in zip(houses, running, strict=True):
        _wait_for_server(made, process)
    servers = [made.postmaster() for made in houses]
    for process in running:
        _, said = process.communicate(timeout=60)
        assert process.returncode in {0, 3}, said
    assert None not in servers
    assert len(set(servers)) == 2
    assert [made.processes() for made in houses] == [[], []]


def test_two_commands_make_a_new_home_together(vendors: SandboxProcess) -> None:
    with house() as made:
        vendors.furnish(made)
        both = [made.start("status") for _ in range(2)]
        for process in both:
            _, said = process.communicate(timeout=60)
            assert process.returncode == 0, said
        assert made.processes() == []


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def test_any_value_is_one_json_document_and_a_readable_table(loaded: House) -> None:
    made = House(loaded.root, {**loaded.env, "PYTHONIOENCODING": "ascii"})
    statement = (
        "SELECT 'NaN'::float8 AS nan, '-Infinity'::float8 AS inf, 'NaN'::numeric AS decimal, "
        """'{"a": "\\ud800", "b": 1e999}'::json AS half, 'Zoé' AS name, now() AS at, """
        "'\\xff00'::bytea AS bytes, interval '1 day' AS span, ARRAY[1, NULL] AS list"
    )
    done = made.run("sql", statement, "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout, parse_constant=_refuse)
    assert row["name"] == "Zoé"
    assert row["bytes"] == "ff00"
    assert row["list"] == [1, None]
    table = made.run("sql", "SELECT '[/b]' AS a, '[red]x[/red]' AS b, '[/nope' AS c, 'Zoé' AS d")
    assert table.returncode == 0, table.stderr
    assert "[/b]" in table.stdout
    assert "[red]x[/red]" in table.stdout
    error = made.run("sql", """SELECT * FROM "[/b]" """)
    assert error.returncode == 2
    assert is_calm(error), error.stderr
    assert "[/b]" in error.stderr


@pytest.mark.parametrize("command", [("mappings", "list"), ("mappings", "test"), ("status",)])
def test_every_command_prints_one_document(loaded: House, command: tuple[str, ...]) -> None:
    assert loaded.document(*command)


def test_a_reader_that_goes_away_is_no_traceback(loaded: House) -> None:
    command = f"{HUB} mappings list --json | true; exit ${{PIPESTATUS[0]}}"
    done = loaded.run("-c", command, entry=("bash",))
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_finished_demo_is_shown_anew() -> None:
    """The universe is a file without users: the demo's team of one owns every lead."""
    with house() as made:
        made.root.joinpath("u.json").write_text(json.dumps(_UNIVERSE))

        def shown(*arguments: str) -> dict[str, Any]:
            done = made.run("demo", "--once", "--json", *arguments, timeout=200)
            assert done.returncode == 0, done.stderr
            document: dict[str, Any] = json.loads(done.stdout)
            fits_demo_schema(document)
            return document

        first = shown("--universe", "u.json")
        assert first["inbound"]["new"] > 0
        assert first["assigned"] == first["leads"] > 0
        assert first["crm"]["won"] > 0
        again = shown("--universe", "u.json")
        assert _counts(again) == _counts(first), "what a finished demo left is not in the way"


def test_a_demo_keeps_off_a_hub_that_is_no_demo(made: House) -> None:
    shutil.copy(made.config, made.home / "hub.yaml")
    done = made.run("demo", "--once")
    assert done.returncode == 2
    assert "not a demo" in done.stderr


def _counts(document: dict[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in ("leads", "contacts", "assigned", "inbound", "truth")}
