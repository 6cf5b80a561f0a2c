"""Clients that mean harm are bounded, and the others are served meanwhile: real sockets, loopback alone."""

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from hub.clock import SystemClock
from hub.db.engine import Database
from tests.gateways import SECRETS, Running, running, settings_of
from tests.unit.connectors import hook_requests

MOST, REQUEST_S = 30, 0.6


@pytest.fixture
def gateway(db: Database, tmp_path: Path) -> Iterator[Running]:
    bounds = {"max_connections": MOST, "request_s": REQUEST_S, "max_body": 100_000}
    with running(settings_of(tmp_path, **bounds), db) as one:
        yield one


def deliver(gateway: Running, n: int) -> int:
    """A vendor's honest delivery; its status."""
    secret = SECRETS["typeform"]["webhook_secret"]
    body = hook_requests.BODIES["typeform"].replace(b"E1", f"N{n}".encode())
    delivery = hook_requests.sent("typeform", body, SystemClock().now(), secret=secret, url="")
    return requests.post(
        gateway.public + "/hooks/typeform", data=body, headers=dict(delivery.headers), timeout=5
    ).status_code


def connect(gateway: Running, stack: ExitStack, said: bytes = b"") -> socket.socket:
    found = urlsplit(gateway.public)
    made = stack.enter_context(socket.create_connection((found.hostname, found.port), timeout=5))
    if said:
        made.sendall(said)
    return made


def is_closed(made: socket.socket, within_s: float) -> bool:
    made.settimeout(within_s)
    try:
        while made.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def head(length: str) -> bytes:
    return f"POST /hooks/typeform HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n".encode()


def test_a_body_without_end_is_refused_however_it_is_sent(gateway: Running) -> None:
    def zeros(n: int) -> Iterator[bytes]:
        for _ in range(n):
            yield bytes(1 << 20)

    stated = requests.post(gateway.public + "/hooks/typeform", data=bytes(50 << 20), timeout=10)
    assert (stated.status_code, stated.json()["error"]) == (413, "too_large")
    with contextlib.suppress(requests.ConnectionError):  # the answer is there before the end
        assert (
            requests.post(gateway.public + "/leads", data=zeros(50), timeout=10).status_code == 413
        )
    with ExitStack() as stack:
        endless = connect(gateway, stack, head("Transfer-Encoding: chunked"))
        with contextlib.suppress(OSError):
            for _ in range(400):
                endless.sendall(b"10000\r\n" + bytes(65_536) + b"\r\n")
        assert is_closed(endless, 5)
        lying = connect(gateway, stack, head("Content-Length: 999999999999999999"))
        assert b" 413 " in lying.recv(1000)
        headers = connect(gateway, stack, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000)
        assert b" 4" in headers.recv(1000)
    assert deliver(gateway, 1) == 200
    assert len(gateway.rows()) == 1


def test_a_request_that_dawdles_is_cut_off_wherever_it_stops(gateway: Running) -> None:
    with ExitStack() as stack:
        silent = connect(gateway, stack)
        in_headers = connect(gateway, stack, b"POST /hooks/typeform HTTP/1.1\r\nHost: a\r\nX: ")
        in_body = connect(gateway, stack, head("Content-Length: 1000") + b"{")
        second = connect(gateway, stack, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 404 " in second.recv(1000)
        unread = connect(gateway, stack, head("Content-Length: 100").replace(b"hooks", b"none"))
        began = time.monotonic()
        while time.monotonic() < began + REQUEST_S + 0.6:  # a byte now and then wins no time
            for drip in (in_headers, in_body, second, unread):
                with contextlib.suppress(OSError):
                    drip.sendall(b"x")
            time.sleep(0.1)
        for one in (silent, in_headers, second, unread):
            assert is_closed(one, 4.0)  # an answer lingers for two seconds
        assert b" 408 " in in_body.recv(1000)
    assert deliver(gateway, 2) == 200


def test_a_thousand_idle_connections_leave_room_for_others(gateway: Running) -> None:
    with ExitStack() as stack:
        many = [connect(gateway, stack, b"POST /hooks/t" if n % 2 else b"") for n in range(300)]
        began = time.monotonic()
        assert [deliver(gateway, n) for n in range(3)] == [200, 200, 200]
        assert time.monotonic() - began < 5
        many += [connect(gateway, stack) for _ in range(700)]
        assert deliver(gateway, 9) == 200
        (server, _) = gateway.gateway._servers
        assert len(server.server_state.connections) <= MOST + 1
        assert all(is_closed(one, 2.0) for one in many)
    assert len(gateway.rows()) == 4
