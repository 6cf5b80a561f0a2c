"""Ten connectors on one account of the emulated vendor: never refused, and hardly ever idle."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from hub.clock import SystemClock
from hub.connectors.registry import connect, limits_of
from hub.db.engine import Database
from hub.etl.budget import SharedBudget, account_of
from tests.conformance.conftest import read_window, records_of
from tests.db.conftest import at_once

TIME_SCALE = 20
STREAMS = {"hubspot": "contacts", "typeform": "responses"}
_PEOPLE = 60
_READERS = 10


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


@pytest.fixture(scope="module")
def slow_sandbox() -> Iterator[Mapping[str, Any]]:
    """A sandbox whose windows are long enough to be kept to by the millisecond."""
    with _sandbox(TIME_SCALE) as said:
        yield said


def _answers(said: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    counts: Mapping[str, Any] = requests.get(said["control"] + "/requests", timeout=10).json()
    return dict(counts[source])


@pytest.mark.alone
@pytest.mark.parametrize("source", STREAMS)
def test_ten_readers_of_one_account_are_never_refused(
    db: Database, slow_sandbox: Mapping[str, Any], source: str
) -> None:
    said = slow_sandbox["vendors"][source]
    block = SimpleNamespace(
        **said["credentials"], base_url=said["url"], time_scale=TIME_SCALE, lag_s=0, page_size=10
    )

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
    answers = _answers(slow_sandbox, source)
    assert answers["total"] > _READERS * 3
    assert "429" not in answers["status"], answers


@dataclass(frozen=True, slots=True)
class Backlog:
    """A vendor's narrowest rate, and a clock so slow that its window is seconds of ours."""

    source: str
    stream: str
    kind: str
    requests: int
    per_s: float
    time_scale: float
    seconds: float


BACKLOGS = (
    Backlog("hubspot", "contacts", "search", 5, 1.0, 0.5, 14),
    Backlog("typeform", "responses", "", 2, 1.0, 0.5, 14),
    Backlog("zendesk", "users", "incremental", 10, 60.0, 20, 14),
)


@pytest.mark.alone
@pytest.mark.parametrize("backlog", BACKLOGS, ids=lambda one: one.source)
def test_a_backlog_uses_nine_tenths_of_what_the_vendor_allows(
    db: Database, backlog: Backlog
) -> None:
    """Two processes with five readers each, each with a connector and a connection of its own."""
    with _sandbox(backlog.time_scale) as said:
        vendor = said["vendors"][backlog.source]
        block = {
            **vendor["credentials"],
            "base_url": vendor["url"],
            "time_scale": backlog.time_scale,
            "lag_s": 0,
            "page_size": 5,
        }
        went = sorted(_read_at_once(db, backlog, json.dumps(block)))
        answers = _answers(said, backlog.source)
    assert set(answers["status"]) == {"200"}, answers
    assert _used(went, backlog) >= 0.9


def _read_at_once(db: Database, backlog: Backlog, block: str) -> list[float]:
    url = db.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.conformance.backlog", url, backlog.source]
    command += [backlog.stream, backlog.kind, "5", str(backlog.seconds), block]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        said = [process.communicate("go\n", timeout=90)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait(10)
    times = [json.loads(one) for one in said]
    assert all(times), "a process was never let go"
    return [at for one in times for at in one]


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
