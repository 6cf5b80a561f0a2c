"""kill -9 anywhere, start again: the state of the undisturbed run, and nobody is told twice."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import NEWS, copy_of, state_of
from tests.processes import House, SandboxProcess, is_calm

CRASHING = (sys.executable, str(Path(__file__).with_name("crashing.py")))
Undisturbed = tuple[dict[str, Any], list[str]]


def _crash(made: House, point: str) -> None:
    killed = made.run(point, "sync", entry=CRASHING)
    assert killed.returncode == -signal.SIGKILL, f"{point}: {killed.stderr}"


def _sync(made: House) -> None:
    done = made.run("sync")
    assert done.returncode in {0, 3}, done.stderr


def _assert_same(here: dict[str, Any], there: dict[str, Any]) -> None:
    for part, value in there.items():
        assert here[part] == value, part


def test_the_undisturbed_sync_rings(undisturbed: Undisturbed) -> None:
    state, mails = undisturbed
    assert len(state["alerts"]) == len(mails) > NEWS / 2, "else the kills below prove nothing"


@pytest.mark.parametrize(
    "point",
    [
        "after land, before normalize",
        "inside the transaction of load",
        "between two chunks of load",
        "between route and SMTP",
        "after SMTP's 250, before the commit",
    ],
)
def test_a_killed_sync_started_again_ends_as_if_nothing_had_been(
    still_sandbox: SandboxProcess, undisturbed_load: House, undisturbed: Undisturbed, point: str
) -> None:
    made = copy_of(undisturbed_load)
    still_sandbox.ask("DELETE", "/mail")
    _crash(made, point)
    _sync(made)
    state, mails = undisturbed
    _assert_same(state_of(made), state)
    arrived = [mail["message_id"] for mail in still_sandbox.mails()]
    assert sorted(set(arrived)) == mails
    told_again = 1 if point.startswith("after SMTP") else 0
    assert len(arrived) - len(mails) == told_again


def test_a_sync_killed_in_every_stage_ends_as_if_nothing_had_been(
    still_sandbox: SandboxProcess, undisturbed_load: House, undisturbed: Undisturbed
) -> None:
    made = copy_of(undisturbed_load)
    still_sandbox.ask("DELETE", "/mail")
    for point in (
        "inside the transaction of a page",
        "after the last page, before its proof",
        "inside normalize",
        "between two chunks of match",
        "inside the transaction of route",
        "before the third mail",
        "before the books are closed",
    ):
        _crash(made, point)
    _sync(made)
    state, mails = undisturbed
    _assert_same(state_of(made), state)
    assert sorted(mail["message_id"] for mail in still_sandbox.mails()) == mails


def test_a_first_load_killed_at_random_moments_ends_as_the_one_in_peace(
    empty_house: House, news: None
) -> None:
    in_peace, killed = copy_of(empty_house), copy_of(empty_house)
    began = time.monotonic()
    _sync(in_peace)
    took_s = time.monotonic() - began
    moments = [random.Random().uniform(0.1, 0.9) * took_s for _ in range(6)]
    for moment in moments:
        process = killed.start("sync")
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    _sync(killed)
    state = state_of(killed)
    print("killed after", moments)
    _assert_same(state, state_of(in_peace) | {"batches": state["batches"]})
    assert all(batch[2] == "done" for batch in state["batches"])


def test_a_home_whose_making_was_killed_is_made_by_the_next_command(empty_house: House) -> None:
    made = copy_of(empty_house)
    process = made.start("status")
    deadline = time.monotonic() + 20
    while not list(made.home.glob("pg/*/PG_VERSION")) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    process.communicate()
    for point in ("before the database has its rights", "before the tables have their rights"):
        killed = made.run(point, "status", entry=CRASHING)
        assert killed.returncode == -signal.SIGKILL, f"{point}: {killed.stderr}"
    assert made.document("status")["leads"] == 0
    rights = made.document("sql", "SELECT has_database_privilege('hub_app', 'hub', 'CREATE') AS c, "
                           "(SELECT count(*) FROM pg_extension) AS n, "
                           "(SELECT count(*) FROM reporting.leads) AS leads")  # fmt: skip
    assert rights == [{"c": False, "n": 5, "leads": 0}]
    assert made.processes() == []


def test_the_server_of_a_killed_command_is_taken_over_and_stopped(undisturbed_load: House) -> None:
    made = copy_of(undisturbed_load)
    _crash(made, "after land, before normalize")
    left = made.postmaster()
    assert left is not None, "the server outlives the command that was killed"
    done = made.run("status")
    assert done.returncode == 0, done.stderr
    assert made.processes() == [], "and nobody is left when the next command is done"


def test_a_killed_server_is_started_again_by_the_next_command(undisturbed_load: House) -> None:
    made = copy_of(undisturbed_load)
    _crash(made, "after land, before normalize")
    left = made.postmaster()
    assert left is not None
    os.kill(left, signal.SIGKILL)
    done = made.run("status")
    assert done.returncode == 0, done.stderr
    assert made.processes() == []


def test_a_server_killed_during_a_sync_is_told_in_one_line_and_loses_nothing(
    still_sandbox: SandboxProcess, undisturbed_load: House, undisturbed: Undisturbed
) -> None:
    made = copy_of(undisturbed_load)
    still_sandbox.ask("DELETE", "/mail")
    done = made.run("server: inside the transaction of load", "sync", entry=CRASHING)
    assert done.returncode == 1, done.stderr
    assert is_calm(done), done.stderr
    assert "database" in done.stderr
    assert made.processes() == []
    _sync(made)
    state, mails = undisturbed
    _assert_same(state_of(made), state)
    assert sorted(mail["message_id"] for mail in still_sandbox.mails()) == mails
