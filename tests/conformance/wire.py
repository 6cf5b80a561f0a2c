"""The wire between a connector and its vendor: a real proxy on loopback, which breaks on command.

It sees every call, from whatever SDK it comes, and what the vendor's own faults cannot do is done
here: a silence, a page that never changes, a page that holds less than was asked for, a record of
an odd shape. Not here: faults that the sandbox knows (`hub.sandbox.faults`).
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

_LISTS = ("records", "items", "results", "members", "tickets", "users", "organizations", "lists")
_HOW_MANY = frozenset({"limit", "count", "per_page", "page_size", "page[size]"})
_OURS = frozenset({"content-length", "transfer-encoding", "connection", "accept-encoding"})
_ANSWER_S = 30


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def page(self) -> tuple[dict[str, Any], str] | None:
        """Return the parsed body and the name of the list in it, None if there is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        names = (name for name in _LISTS if isinstance(found, dict) and name in found)
        name = next(names, None)
        return (found, name) if name and isinstance(found[name], list) else None

    def saying(self, body: object) -> "Answer":
        """Return the same answer with another JSON body."""
        return replace(self, body=json.dumps(body).encode())


Forward = Callable[[Call], Answer]
Tamper = Callable[[Call, Forward], Answer]


class Wire:
    """The proxy; one connector at a time. `calls` are those since the last `lead`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.quiet_is_over = threading.Event()
        self._target = ""
        self._tamper: Tamper = untouched
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.quiet_is_over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def lead(self, to: str, tamper: Tamper | None = None) -> None:
        """Lead to a vendor from now on, breaking its answers in this way."""
        self.quiet_is_over.set()
        self.quiet_is_over = threading.Event()
        self.calls = []
        self._target, self._tamper = to, tamper or untouched

    def _answer(self, call: Call) -> Answer:
        self.calls.append(call)
        return self._tamper(call, self._forward)

    def _forward(self, call: Call) -> Answer:
        there = urlsplit(self._target)
        line = HTTPConnection(there.hostname or "", there.port, timeout=_ANSWER_S)
        try:
            path = f"{call.path}?{call.query}" if call.query else call.path
            line.putrequest(call.method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in call.headers.items():
                if name.lower() not in _OURS:
                    line.putheader(name, value)
            line.putheader("Content-Length", str(len(call.body)))
            line.endheaders(call.body)
            response = line.getresponse()
            body = response.read()
            kept = {k: v for k, v in response.getheaders() if k.lower() not in _OURS}
            return Answer(response.status, kept, body)
        finally:
            line.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else head and body wait for each other

            def pass_on(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = Call(self.command, path, query, dict(self.headers.items()), body)
                with suppress(ConnectionError):  # the connector has given up on us
                    answer = wire._answer(call)
                    self.send_response_only(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)
                    return
                self.close_connection = True

            def __getattr__(self, name: str) -> object:
                if name.startswith("do_"):  # any method is passed on
                    return self.pass_on
                raise AttributeError(name)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
                """Say nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a connector that went away."""


# ways to break what passes


def untouched(call: Call, forward: Forward) -> Answer:
    """Pass on."""
    return forward(call)


def fewer_than_asked(call: Call, forward: Forward) -> Answer:
    """Answer with half of what was asked for, and say as the vendor would that it is not all."""
    query = [(k, _halved(v) if k in _HOW_MANY else v) for k, v in parse_qsl(call.query)]
    asked = replace(call, query=urlencode(query), body=_with_half_the_limit(call.body))
    answer = forward(asked)
    page = answer.page()
    if page is None or "totalSize" not in page[0]:
        return answer
    # where the question has no such number, a page names the one that goes on from it
    body, name = page
    rows = body[name]
    if len(rows) < 2:
        return answer
    left = {"done": False, "nextRecordsUrl": f"{call.path}/01g000000000000AAA-{len(rows) // 2}"}
    return answer.saying({**body, **left, name: rows[: len(rows) // 2]})


def _halved(number: str) -> str:
    return str(max(int(number) // 2, 1)) if number.isdigit() else number


def _with_half_the_limit(body: bytes) -> bytes:
    try:
        asked = json.loads(body)
        return json.dumps({**asked, "limit": max(asked["limit"] // 2, 1)}).encode()
    except (ValueError, TypeError, KeyError):
        return body


def same_page_for_ever() -> Tamper:
    """Answer with the first page that has records, whatever page is asked for."""
    first: dict[str, Answer] = {}

    def tamper(call: Call, forward: Forward) -> Answer:
        answer = first[call.path] if call.path in first else forward(call)
        page = answer.page()
        if page is not None and len(page[0][page[1]]) > 1:
            first[call.path] = answer
        return answer

    return tamper


def odd_record(source_id: str, shape: Callable[[Any], Any]) -> Tamper:
    """Give one record of the answers another shape, wherever it comes."""
    # a short number may also be part of a port or of a time
    names_it = re.compile(rf"(?<![0-9A-Za-z]){re.escape(source_id)}(?![0-9A-Za-z])").search

    def tamper(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        page = answer.page()
        if page is None or source_id.encode() not in answer.body:
            return answer
        body, name = page
        rows = [shape(row) if names_it(json.dumps(row)) else row for row in body[name]]
        return answer.saying({**body, name: rows})

    return tamper


class Refusing:
    """Answers in the vendor's stead: the second read, or `most_n` from there on."""

    def __init__(
        self, answer: Answer, is_read: Callable[[str, str], bool], *, most_n: int = 1
    ) -> None:
        self.answer = answer
        self.is_read = is_read
        self.most_n = most_n
        self.refused: list[int] = []
        self._calls_n = self._reads_n = 0

    def __call__(self, call: Call, forward: Forward) -> Answer:
        self._calls_n += 1
        if self.is_read(call.method, call.path):
            self._reads_n += 1
            if self._reads_n >= 2 and len(self.refused) < self.most_n:
                self.refused.append(self._calls_n - 1)
                return self.answer
        return forward(call)


class Silence:
    """Says nothing to the second read, until another one comes or some time has gone."""

    def __init__(self, wire: Wire, is_read: Callable[[str, str], bool], *, for_s: float) -> None:
        self.wire = wire
        self.is_read = is_read
        self.for_s = for_s
        self.was_given_up = False
        self._is_silent = False
        self._reads_n = 0

    def __call__(self, call: Call, forward: Forward) -> Answer:
        if self._is_silent:
            self.was_given_up = True
            self.wire.quiet_is_over.set()
        elif self.is_read(call.method, call.path):
            self._reads_n += 1
            if self._reads_n == 2:
                self._is_silent = True
                self.wire.quiet_is_over.wait(self.for_s)
                self._is_silent = False
                raise ConnectionAbortedError
        return forward(call)
