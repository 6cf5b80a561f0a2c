"""Posting to a subscriber: pinned to what was resolved, never inside, never redirected, bounded in time and bytes."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.model.open_addresses import networks
from hub.notify.post import Poster
from tests.receivers import LOCAL, receiver

LOOPBACK = networks([LOCAL])
NAME = "hooks.example.com"


def poster(*found: str, timeout_s: float = 2.0, allowed=LOOPBACK, **more) -> Poster:
    return Poster(allowed, timeout_s, lambda _host, _port: found or ["127.0.0.1"], **more)


@contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that talks to each connection as a test says; yields its port."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def serve() -> None:
            while not stopped.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(5)
                    try:
                        talk(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stopped.set()
            thread.join(10)


def test_a_body_is_taken_under_the_name_and_at_the_resolved_address() -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with receiver(202) as mine:
        url = f"http://{NAME}:{mine.port}/a/b?c=d"
        answer = Poster(LOOPBACK, 2.0, resolve).post(url, {"webhook-id": "evt_1"}, b"{}")
    assert (answer.status, answer.is_taken, answer.why) == (202, True, "")
    assert asked == [(NAME, mine.port)], "resolved once"
    (got,) = mine.got
    assert (got.path, got.body) == ("/a/b?c=d", b"{}")
    assert got.headers["host"] == f"{NAME}:{mine.port}"
    assert got.headers["content-type"] == "application/json"


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with receiver(200) as inside, receiver((302, {"Location": inside.url})) as mine:
        answer = poster().post(mine.url, {}, b"{}")
        assert (answer.status, answer.is_taken) == (302, False)
        assert "redirects are not followed" in answer.why
        assert inside.got == []


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["::1"], ["fe80::1%eth0"],
        ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], [],
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_not_called(found: list[str]) -> None:
    with receiver() as mine:
        calls = Poster((), 2.0, lambda _host, _port: found)
        answer = calls.post(f"https://{NAME}:{mine.port}/", {}, b"{}")
        assert not answer.is_taken
        assert "private network" in answer.why or "no address" in answer.why
        assert mine.got == []


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "127.1", "0", "[::1]"])
def test_no_spelling_of_this_machine_is_called(host: str) -> None:
    """As the system itself resolves it."""
    with receiver() as mine:
        assert not Poster((), 2.0).post(f"https://{host}:{mine.port}/", {}, b"{}").is_taken
        assert mine.got == []


def test_plain_http_is_for_allowed_networks_alone() -> None:
    allowed = networks(["10.0.0.0/8"])
    calls = Poster(allowed, 0.2, lambda _host, _port: ["93.184.216.34"])
    assert calls.post(f"http://{NAME}/", {}, b"{}").why == "the address must begin with https://"


def test_a_name_that_cannot_be_resolved_is_an_answer() -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    assert (
        Poster((), 2.0, resolve).post(f"https://{NAME}/", {}, b"").why
        == "the name cannot be resolved"
    )


def test_a_closed_port_is_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert poster().post(f"http://{NAME}:{port}/", {}, b"").why.startswith("no connection")


def drips(connection: socket.socket) -> None:
    connection.recv(4096)
    for byte in b"HTTP/1.1 200 OK" + b"x" * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


def says(answer: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return talk


def test_a_receiver_that_drips_bytes_is_left_in_time() -> None:
    with serving(drips) as port:
        began = time.monotonic()
        answer = poster(timeout_s=0.5).post(f"http://{NAME}:{port}/", {}, b"")
        assert answer.why == "no answer within 0.5 seconds"
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n" + b"x" * 9000, 200, ""),
        (b"HTTP/1.0 500 Oops\r\n\r\nsecret", 500, "the receiver answered 500"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", 0, "the answer is no HTTP"),
        (b"x" * 40_000, 0, "the answer is no HTTP"),
        (b"HTTP/1.1 200 OK\r\n", 0, "the connection was closed without an answer"),
        (b"", 0, "the connection was closed without an answer"),
    ],
    ids=range(7),
)
def test_what_an_answer_means(answer: bytes, status: int, why: str) -> None:
    with serving(says(answer)) as port:
        found = poster().post(f"http://{NAME}:{port}/", {}, b"")
    assert (found.status, found.why) == (status, why)


def test_a_receiver_says_how_long_it_wants_to_wait() -> None:
    with receiver((429, {"Retry-After": "120"})) as mine:
        assert poster().post(mine.url, {}, b"").retry_after_s == 120
    with receiver((503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})) as mine:
        assert poster().post(mine.url, {}, b"").retry_after_s is None


def test_a_header_cannot_be_split() -> None:
    with receiver() as mine:
        assert not poster().post(mine.url, {"webhook-id": "a\r\nX: y"}, b"").is_taken
        assert mine.got == []


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of the name, signed by itself."""
    key, made = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", made, "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, made


def test_tls_keeps_the_name_though_the_connection_goes_to_the_address(
    certificate: tuple[Path, Path],
) -> None:
    key, made = certificate
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made, key)
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)

    def talk(connection: socket.socket) -> None:
        with server.wrap_socket(connection, server_side=True) as encrypted:
            says(b"HTTP/1.1 200 OK\r\n\r\n")(encrypted)

    with serving(talk) as port:
        trusting = poster(tls=lambda: ssl.create_default_context(cafile=made))
        assert trusting.post(f"https://{NAME}:{port}/", {}, b"{}").is_taken
        assert names == [NAME]
        other = trusting.post(f"https://other.example.com:{port}/", {}, b"{}")
        assert other.why == "the certificate is not trusted", "of another name"
        assert (
            poster().post(f"https://{NAME}:{port}/", {}, b"{}").why
            == "the certificate is not trusted"
        )
