"""Many readers of one account of the emulated vendor: never refused, and hardly ever idle.

These tests count what goes through in a second, so no other test runs beside them. They sleep most of the
time, so the long ones run at once.
"""

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from hub.clock import SystemClock
from hub.connectors.registry import connect, limits_of
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.etl.budget import SharedBudget, account_of
from tests.conformance.conftest import read_window, records_of
from tests.db.conftest import at_once
from tests.prepared import fresh_database

pytestmark = pytest.mark.alone

TIME_SCALE = 20
STREAMS = {"hubspot": "contacts", "typeform": "responses"}
_PEOPLE = 60
_READERS = 10
_SECONDS = 12.0
_SPENT = (50, 1.0)  # requests, and the seconds of their window


@contextmanager
def _sandbox(time_scale: float) -> Iterator[Mapping[str, Any]]:
    arguments = ["--json", "--people", str(_PEOPLE), "--time-scale", str(time_scale)]
    process = subprocess.Popen(
        [sys.executable, "-m", "hub.sandbox", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        ready, _, _ = select.select([process.stdout], [], [], 40)
        assert ready, "the sandbox did not start"
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@dataclass(frozen=True, slots=True)
class Backlog:
    """A vendor's narrowest rate, and a clock so slow that its window is seconds of ours."""

    source: str
    stream: str
    kind: str
    requests: int
    per_s: float
    time_scale: float


BACKLOGS = (
    Backlog("hubspot", "contacts", "search", 5, 1.0, 0.5),
    Backlog("typeform", "responses", "", 2, 1.0, 0.5),
    Backlog("zendesk", "users", "incremental", 10, 60.0, TIME_SCALE),
)
Sandboxes = Mapping[float, Mapping[str, Any]]  # by time scale: what each announced


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[Sandboxes]:
    """A sandbox whose seconds are two of ours, and one that is twenty times as fast as we are."""
    with ExitStack() as stack:
        scales = {one.time_scale for one in BACKLOGS}
        yield {scale: stack.enter_context(_sandbox(scale)) for scale in scales}


@pytest.fixture(scope="module")
def accounts(server: Server) -> Iterator[Database]:
    """A database for the budgets of all accounts."""
    with fresh_database(server) as database:
        yield database


@pytest.fixture(scope="module")
def went(accounts: Database, sandboxes: Sandboxes) -> Mapping[str, list[float]]:
    """When each call went: of the backlog of each source, and of the account that is spent."""
    url = accounts.engine.url.render_as_string(hide_password=False)
    commands = {one.source: _backlog(url, one, sandboxes) for one in BACKLOGS} | {"": _spend(url)}
    running = {name: [_started(command) for _ in range(2)] for name, command in commands.items()}
    every = [process for both in running.values() for process in both]
    try:
        for process in every:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        with ThreadPoolExecutor(len(every)) as pool:
            said = list(pool.map(lambda one: one.communicate("go\n", timeout=90)[0], every))
    finally:
        for process in every:
            process.kill()
            process.wait(10)
    times = [json.loads(one.splitlines()[-1]) for one in said]
    assert all(times), "a process was never let go"
    pairs = zip(running, times[::2], times[1::2], strict=True)
    return {name: sorted(at for one in both for at in one) for name, *both in pairs}


def _started(command: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _backlog(url: str, one: Backlog, sandboxes: Sandboxes) -> Sequence[str]:
    block = json.dumps(
        {**_block(sandboxes[one.time_scale], one.source, 5), "time_scale": one.time_scale}
    )
    command = ["tests.conformance.backlog", url, one.source, one.stream, one.kind]
    return [*command, "5", str(_SECONDS), block]


def _spend(url: str) -> Sequence[str]:
    requests_n, per_s = _SPENT
    return ["tests.db.spending", url, "5", "4", str(requests_n), str(per_s)]


def _block(said: Mapping[str, Any], source: str, page_size: int) -> dict[str, Any]:
    vendor = said["vendors"][source]
    return {
        **vendor["credentials"], "base_url": vendor["url"], "lag_s": 0, "page_size": page_size
    }  # fmt: skip


def _answers(said: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    counts: Mapping[str, Any] = requests.get(said["control"] + "/requests", timeout=10).json()
    return dict(counts[source])


def test_two_processes_with_five_threads_each_keep_to_one_rate_and_use_it(
    went: Mapping[str, list[float]],
) -> None:
    requests_n, per_s = _SPENT
    spent = went[""]
    assert _most_in_a_window(spent, per_s) <= requests_n
    in_three = sum(at < spent[0] + 3 for at in spent)
    assert in_three >= 0.9 * requests_n * 3 / per_s


def _most_in_a_window(went: list[float], per_s: float) -> int:
    most, first = 0, 0
    for i, at in enumerate(went):
        while went[first] <= at - per_s:
            first += 1
        most = max(most, i - first + 1)
    return most


@pytest.mark.parametrize("backlog", BACKLOGS, ids=lambda one: one.source)
def test_a_backlog_uses_nine_tenths_of_what_the_vendor_allows(
    went: Mapping[str, list[float]], sandboxes: Sandboxes, backlog: Backlog
) -> None:
    """Two processes with five readers each, each with a connector and a connection of its own."""
    answers = _answers(sandboxes[backlog.time_scale], backlog.source)
    assert set(answers["status"]) == {"200"}, answers
    assert _used(went[backlog.source], backlog) >= 0.9


def _used(went: list[float], backlog: Backlog) -> float:
    """Return the share of the allowed rate: the time the vendor's limit takes, of the time taken.

    Whole windows only: the first call of the first window to the first call of the last.
    """
    windows = (len(went) - 1) // backlog.requests
    assert windows >= 3, went
    took = went[windows * backlog.requests] - went[0]
    used = windows * backlog.per_s / backlog.time_scale / took
    print(f"{backlog.source}: {used:.1%} of the rate, {len(went)} calls")
    return used


@pytest.mark.usefixtures("went")  # one after the other
@pytest.mark.parametrize("source", STREAMS)
def test_ten_readers_of_one_account_are_never_refused(
    db: Database, sandboxes: Sandboxes, source: str
) -> None:
    said = sandboxes[TIME_SCALE]
    block = SimpleNamespace(**_block(said, source, 10), time_scale=TIME_SCALE)

    def read() -> set[str]:
        budget = SharedBudget(
            db.engine,
            account_of(source, block),
            limits_of(source),
            SystemClock(),
            time_scale=TIME_SCALE,
        )
        connector = connect(source, block, SystemClock(), budget=budget)
        stream = next(one for one in connector.streams() if one.name == STREAMS[source])
        return {record.source_id for record in records_of(read_window(connector, stream))}

    brought = at_once([read] * _READERS)
    assert all(brought)
    answers = _answers(said, source)
    assert answers["total"] > _READERS * 3
    assert "429" not in answers["status"], answers
