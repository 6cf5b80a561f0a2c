"""Ten connectors on one account of the emulated vendor: the vendor has no reason to refuse any."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from hub.clock import SystemClock
from hub.connectors.registry import connect, limits_of
from hub.db.engine import Database
from hub.pipeline.budget import SharedBudget, account_of
from tests.conformance.conftest import read_window, records_of
from tests.db.conftest import at_once

TIME_SCALE = 20
STREAMS = {"hubspot": "contacts", "typeform": "responses"}
_PEOPLE = 60
_READERS = 10


@pytest.fixture(scope="module")
def slow_sandbox() -> Iterator[Mapping[str, Any]]:
    """A sandbox whose windows are long enough to be kept to by the millisecond."""
    arguments = ["--json", "--people", str(_PEOPLE), "--time-scale", str(TIME_SCALE)]
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
    answers = requests.get(slow_sandbox["control"] + "/requests", timeout=10).json()[source]
    print(source, answers)
    assert answers["total"] > _READERS * 3
    assert "429" not in answers["status"], answers
