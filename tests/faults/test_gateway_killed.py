"""kill -9 of a gateway under load: what was acknowledged is in the inbox, once; SIGTERM ends it in order."""

import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import yaml
from sqlalchemy import text

from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.settings import Settings
from tests.processes import FREE_PORTS, House, house
from tests.unit.connectors import hook_requests

SECRET = "tf-secret"
SENDERS_N, DELIVERIES_N, KILLS_N = 4, 120, 2


@pytest.fixture
def made() -> Iterator[House]:
    with house(migrated=True) as one, one.served():
        sources = {"typeform": {"base_url": "http://127.0.0.1:9"}}
        (one.root / "hub.yaml").write_text(yaml.safe_dump({"sources": sources}))
        one.env.update({**FREE_PORTS, "HUB_SOURCES__TYPEFORM__WEBHOOK_SECRET": SECRET})
        yield one


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(made: House, port: int) -> "subprocess.Popen[str]":
    process = made.start("gateway", "--json", "--port", str(port))
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["ready"]
    return process


def deliver(port: int, name: str) -> None:
    """Send one delivery until it is acknowledged, as a vendor does."""
    body = hook_requests.BODIES["typeform"].replace(b"E1", name.encode())
    for _ in range(200):
        delivery = hook_requests.sent("typeform", body, SystemClock().now(), secret=SECRET, url="")
        try:
            answer = requests.post(
                f"http://127.0.0.1:{port}/hooks/typeform", data=body,
                headers=dict(delivery.headers), timeout=10,
            )  # fmt: skip
        except requests.RequestException:  # killed before, or in the middle of, its answer
            time.sleep(0.05)
            continue
        assert answer.status_code == 200
        return
    raise AssertionError(f"{name} was never acknowledged")


def test_a_killed_gateway_has_stored_what_it_acknowledged(made: House) -> None:
    port = free_port()
    process = started(made, port)
    names = [f"N{n}" for n in range(DELIVERIES_N)]
    moments = random.Random(7)
    with ThreadPoolExecutor(SENDERS_N) as pool:
        sent = pool.map(deliver, [port] * DELIVERIES_N, names)
        for _ in range(KILLS_N):
            time.sleep(moments.uniform(0.05, 0.2))
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
            process = started(made, port)
        assert len(list(sent)) == DELIVERIES_N
    with (
        open_database(Settings.model_validate({"home": str(made.home)}), SystemClock()) as database,
        database.engine.connect() as conn,
    ):
        rows = conn.execute(text("SELECT count(*), count(DISTINCT hash) FROM landing.inbox")).one()
        seen = conn.execute(text("SELECT count(*) FROM landing.seen_delivery")).scalar_one()
    assert (*rows, seen) == (DELIVERIES_N,) * 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, "a graceful end"
