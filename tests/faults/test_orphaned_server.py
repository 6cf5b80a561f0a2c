"""A server whose starter or stopper was killed goes on alone; the next process waits for it."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from hub.clock import SystemClock
from hub.db.embedded import EmbeddedServer, Server
from hub.errors import HubError
from tests.clusters import FleetingServer, copy_cluster
from tests.folders import new_folder

_HELD_S = 1.5
_STATUS_LINE = 7


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with new_folder() as folder:
        home = folder / "h"
        copy_cluster(home)
        made = FleetingServer(home, SystemClock())
        yield made
        made.detach()


def _pg_ctl(server: EmbeddedServer, *words: str) -> None:
    """Run pg_ctl as a process of the hub does that is killed then: nothing waits for the server."""
    server._postmaster.run(["pg_ctl", "-D", str(server._data), "-W", *words])


def _promote(server: EmbeddedServer) -> None:
    """Let a standby go on; pg_ctl refuses until the server has begun to read its log."""
    for _ in range(200):
        try:
            _pg_ctl(server, "promote")
        except HubError:
            time.sleep(0.1)
        else:
            return


def _status(data: Path) -> str:
    lines = (data / "postmaster.pid").read_text().splitlines()
    return lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else ""


def _soon(action: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(_HELD_S, action)
    timer.start()
    return timer


def _answers(made: Server) -> bool:
    with psycopg.connect(host=str(made.socket_dir), user="hub_app", dbname="hub") as conn:
        return conn.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_is_still_starting_is_waited_for(server: EmbeddedServer) -> None:
    server.attach()
    server.detach()
    (server._data / "standby.signal").touch()  # it reads the log until it is promoted
    _pg_ctl(server, "-l", str(server._data / "server.log"), "-o", "-c hot_standby=off", "start")
    while server.pid() is None or _status(server._data) not in {"starting", "standby"}:
        time.sleep(0.01)
    ready = _soon(lambda: _promote(server))
    began = server.pid()
    assert _answers(server.attach())
    assert not ready.is_alive()
    assert server.pid() == began


def test_a_server_that_is_still_stopping_is_waited_for(server: EmbeddedServer) -> None:
    made = server.attach()
    last = psycopg.connect(host=str(made.socket_dir), user="hub_app", dbname="hub")
    before = server.pid()
    _pg_ctl(server, "-m", "smart", "stop")  # it stops when the last client has left
    while _status(server._data) != "stopping":
        time.sleep(0.01)
    left = _soon(last.close)
    assert _answers(server.attach())
    assert not left.is_alive()
    assert server.pid() != before


def test_a_server_that_cannot_start_says_why(server: EmbeddedServer) -> None:
    (server._data / "PG_VERSION").write_text("9\n")
    with pytest.raises(HubError, match="does not start: database files are incompatible"):
        server.attach()
