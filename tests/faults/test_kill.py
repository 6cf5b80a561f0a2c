"""kill -9 anywhere, then a restart: the state is that of the undisturbed run, and no notification is sent twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import NEWS, copy_of, mails_of, state_of
from tests.processes import Done, House, SandboxProcess, is_calm

CRASHING = (sys.executable, str(Path(__file__).with_name("crashing.py")))
ALONE = (
    "after land, before normalize",
    "inside the transaction of load",
    "between route and SMTP",
)
IN_A_ROW = (
    "inside the transaction of a page",
    "after the last page, before its proof",
    "inside normalize",
    "between two chunks of match",
    "between two chunks of load",
    "inside the transaction of route",
    "before the third mail",
    "after SMTP's 250, before the commit",
    "before the books are closed",
)
AT_RANDOM_N = 6


@dataclass(frozen=True)
class Ended:
    """The rows and mails of a home at the end, and the states seen before."""

    state: dict[str, Any]
    mails: list[tuple[str, str, str]]
    served_on: bool = True
    broken: Done | None = None
    moments: tuple[float, ...] = ()


def _crash(made: House, point: str, command: str = "sync") -> None:
    killed = made.run(point, command, entry=CRASHING)
    assert killed.returncode == -signal.SIGKILL, f"{point}: {killed.stderr}"


def _sync(made: House) -> None:
    done = made.run("sync")
    assert done.returncode in {0, 3}, done.stderr
    assert made.processes() == [], "nobody is left, whoever was killed before"


def _in_peace(made: House, sandbox: SandboxProcess) -> Ended:
    _sync(made)
    return Ended(state_of(made), mails_of(made, sandbox))


def _first_load(made: House, sandbox: SandboxProcess) -> Ended:
    return _in_peace(made.with_database(), sandbox)


def _killed(made: House, sandbox: SandboxProcess, points: tuple[str, ...]) -> Ended:
    served_on = True
    for point in points:
        _crash(made, point)
        served_on = served_on and made.postmaster() is not None
    _sync(made)
    return Ended(state_of(made), mails_of(made, sandbox), served_on)


def _without_server(made: House, sandbox: SandboxProcess) -> Ended:
    broken = made.run("server: inside the transaction of load", "sync", entry=CRASHING)
    assert made.processes() == []
    _sync(made)
    return Ended(state_of(made), mails_of(made, sandbox), broken=broken)


def _at_random(made: House, sandbox: SandboxProcess, takes_s: float) -> Ended:
    moments = tuple(random.Random().uniform(0.1, 1.0) * takes_s for _ in range(AT_RANDOM_N))
    for moment in moments:
        process = made.start("sync")
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    _sync(made)
    return Ended(state_of(made), mails_of(made, sandbox), moments=moments)


@pytest.fixture(scope="module")
def ended(
    still_sandbox: SandboxProcess, empty_house: House, undisturbed_load: House, news: None
) -> Iterator[Mapping[str, Future[Ended]]]:
    """Every way to the end, in a house of its own; a few at a time, for they wait a lot."""
    loaded, empty = undisturbed_load, empty_house
    scenarios: dict[str, tuple[House, Callable[..., Ended]]] = {
        "in peace": (loaded, _in_peace),
        "in a row": (loaded, partial(_killed, points=IN_A_ROW)),
        "at random": (empty, partial(_at_random, takes_s=3.5)),
        **{point: (loaded, partial(_killed, points=(point,))) for point in ALONE},
        "first load in peace": (empty, _first_load),
        "without server": (loaded, _without_server),
    }
    houses = {name: copy_of(made) for name, (made, _) in scenarios.items()}
    with ThreadPoolExecutor(3) as pool:
        yield {
            name: pool.submit(run, houses[name], still_sandbox)
            for name, (_, run) in scenarios.items()
        }


def _assert_same(here: Ended, there: Ended, *, but: tuple[str, ...] = ()) -> None:
    for part, value in there.state.items():
        if part not in but:
            assert here.state[part] == value, part


def _letters(ended: Ended) -> list[tuple[str, str]]:
    return sorted((to, subject) for _, to, subject in set(ended.mails))


def test_the_undisturbed_sync_rings(ended: Mapping[str, Future[Ended]]) -> None:
    calm = ended["in peace"].result()
    rung = [alert for alert in calm.state["alerts"] if alert[2] != "leads_digest"]
    assert len(rung) == len(calm.mails) > NEWS / 2, "else the kills prove nothing"


@pytest.mark.parametrize("point", ALONE)
def test_a_killed_sync_started_again_ends_as_if_nothing_had_been(
    ended: Mapping[str, Future[Ended]], point: str
) -> None:
    calm, killed = ended["in peace"].result(), ended[point].result()
    assert killed.served_on, "the server outlives the command that was killed"
    _assert_same(killed, calm)
    assert killed.mails == calm.mails


def test_a_sync_killed_in_every_stage_ends_as_if_nothing_had_been(
    ended: Mapping[str, Future[Ended]],
) -> None:
    calm, killed = ended["in peace"].result(), ended["in a row"].result()
    _assert_same(killed, calm)
    assert sorted(set(killed.mails)) == calm.mails
    assert len(killed.mails) == len(calm.mails) + 1, "the one whose 250 was not kept, and no other"


def test_a_first_load_killed_at_random_moments_ends_as_the_one_in_peace(
    ended: Mapping[str, Future[Ended]],
) -> None:
    calm, killed = ended["first load in peace"].result(), ended["at random"].result()
    print("killed after", killed.moments)
    # a batch that was done before the kill is not the one that went on: there may be more of them
    _assert_same(killed, calm, but=("batches",))
    assert {(batch[1], batch[2]) for batch in killed.state["batches"]} <= {
        ("bulk", "done"),
        ("live", "done"),
    }
    # a batch whose opening was killed has used a number up, and the Message-ID of a digest is made of its batch
    assert _letters(calm) == _letters(killed) != [], "the digests"


def test_a_server_killed_during_a_sync_is_told_in_one_line_and_loses_nothing(
    ended: Mapping[str, Future[Ended]],
) -> None:
    calm, killed = ended["in peace"].result(), ended["without server"].result()
    assert killed.broken is not None
    assert killed.broken.returncode == 1
    assert is_calm(killed.broken), killed.broken.stderr
    assert "database" in killed.broken.stderr
    assert len(killed.broken.stderr.strip().splitlines()) <= 2
    _assert_same(killed, calm)
    assert killed.mails == calm.mails


def test_a_server_killed_between_two_commands_is_started_again(undisturbed_load: House) -> None:
    made = copy_of(undisturbed_load)
    _crash(made, "before the books are closed")
    left = made.postmaster()
    assert left is not None
    os.kill(left, signal.SIGKILL)
    files = [made.home / "pg/data/postmaster.pid", *made.home.glob("pg/s/.s.PGSQL.*.lock")]
    assert len(files) == 2
    user = (made.home / "pg/data").stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=user if os.geteuid() == 0 else None) as other:
        for file in files:  # as after a power cut: another process has the id
            first, *rest = file.read_text().splitlines()
            assert first == str(left)
            file.write_text("\n".join([str(other.pid), *rest]) + "\n")
        try:
            done = made.run("status")
        finally:
            other.kill()
    assert done.returncode == 0, done.stderr
    assert made.processes() == []


def test_a_home_whose_making_was_killed_is_made_by_the_next_command(empty_house: House) -> None:
    made = copy_of(empty_house)
    process = made.start("status")
    deadline = time.monotonic() + 20
    while not list(made.home.glob("pg/*/PG_VERSION")) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    process.communicate()
    _crash(made, "before the database has its rights", "status")
    _crash(made, "before the tables have their rights", "status")
    rights = made.document(
        "sql",
        "SELECT has_database_privilege('hub_app', 'hub', 'CREATE') AS c, "
        "(SELECT count(*) FROM pg_extension) AS n, "
        "(SELECT count(*) FROM reporting.leads) AS leads",
    )
    assert rights == [{"c": False, "n": 5, "leads": 0}]
    assert made.processes() == []
