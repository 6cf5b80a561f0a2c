"""The middleware that breaks a vendor's answers, as the active fault profiles say.

It breaks reads only: the second read and then every k-th one, so that a retry succeeds. The profiles
that name a vendor (`revoked`, `forbidden`, `down`, `hostile`) break every request until they are off.
Not here: which profiles are active (`faults.py`), faults of rows (`world.py`).
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.sandbox.faults import IN_MIXED, Faults
from hub.sandbox.vendor import Asked, Refusal, Vendor

EVERY = {
    "rate_limit": 3,
    "server_errors": 3,
    "cut": 3,
    "truncated": 3,
    "token_expiry": 5,
    "duplicate_pages": 1,
}
EVERY_IN_MIXED = 4
FIRST = 2
_SERVER_ERRORS = (500, 502, 503)
_LISTS = ("records", "items", "results", "members", "tickets", "users")
_CURSORS = frozenset({"before", "after", "page", "offset", "cursor", "page[after]", "start_time"})
_LOCATOR = re.compile(r"/query(All)?/[^/]+-\d+/?$")
_OK = 200


def refusal(vendor: Vendor, kind: str, status: int) -> Refusal:
    """Return the vendor's answer for a rate limit or a server error."""
    if status == 502:  # noqa: PLR2004 - a proxy answers, so the page is the same for every vendor
        return 502, {"content-type": "text/html"}, b"<html><h1>502 Bad Gateway</h1></html>"
    return vendor.refuse(kind, status)


class FaultMiddleware:
    """ASGI middleware that changes nothing while no profile is active.

    Args:
        app: the vendor's app.
        vendor: the vendor that answers.
        faults: the active profiles.
        expire_tokens: ends all sessions of the vendor; None if it has no sessions.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        vendor: Vendor,
        faults: Faults,
        expire_tokens: Callable[[], object] | None = None,
    ) -> None:
        self.app = app
        self.vendor = vendor
        self.faults = faults
        self.expire_tokens = expire_tokens
        self._reads_n = 0
        self._errors_n = 0
        self._last_lists: dict[str, list[Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, with a fault if it is the turn of one."""
        standing = self._standing(scope) if scope["type"] == "http" else None
        if standing is not None:
            await _send(send, *standing)
            return
        if scope["type"] != "http" or not self.vendor.is_read(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        self._reads_n += 1
        kind = self._kind(self._reads_n)
        if kind in {"rate_limit", "server_errors"}:
            await _send(send, *self._refusal(kind))
            return
        if kind == "token_expiry" and self.expire_tokens is not None:
            self.expire_tokens()
        pages = self.faults.is_on("duplicate_pages")
        if kind not in {"cut", "truncated"} and not pages:
            await self.app(scope, receive, send)
            return
        answer, request = _Answer(), _Request(receive)
        await self.app(scope, request.take, answer.take)
        if pages:
            is_later = _is_later_page(scope) or self.vendor.is_later(request.body)
            self._repeat(scope, answer, is_later=is_later)
        await self._pass_on(kind, answer, send)

    def _standing(self, scope: Scope) -> Refusal | None:
        """Return the answer of a vendor or a part that stays refused, None for any other."""
        name = self.vendor.name
        query = unquote_plus(scope["query_string"].decode("latin-1"))
        asked = Asked(scope["method"], scope["path"], query)
        if self.faults.names("down", name):
            return refusal(self.vendor, "server_errors", 503)
        if self.faults.names("hostile", name):
            return 200, {"content-type": "text/html"}, b"<html><h1>It works!</h1></html>"
        if self.faults.names("revoked", name):
            return self.vendor.revoke(asked)
        found = (self.vendor.forbid(asked, part) for part in self.faults.forbidden(name))
        return next((one for one in found if one is not None), None)

    def _kind(self, n: int) -> str:
        """Return the fault of the n-th read, or an empty text."""
        for kind, every in EVERY.items():
            if self.faults.is_on_alone(kind) and kind != "duplicate_pages" and n % every == FIRST:
                return kind
        if self.faults.is_on_alone("mixed") and n % EVERY_IN_MIXED == FIRST:
            kinds = [kind for kind in IN_MIXED if kind != "duplicate_pages"]
            return kinds[n // EVERY_IN_MIXED % len(kinds)]
        return ""

    def _refusal(self, kind: str) -> Refusal:
        status = _SERVER_ERRORS[self._errors_n % len(_SERVER_ERRORS)]
        if kind == "server_errors":
            self._errors_n += 1
        return refusal(self.vendor, kind, 500 if kind == "rate_limit" else status)

    def _repeat(self, scope: Scope, answer: "_Answer", *, is_later: bool) -> None:
        """Put all records of the previous page at the start of a later page."""
        if answer.status != _OK:
            return
        try:
            body = json.loads(answer.body)
        except ValueError:
            return
        name = next((one for one in _LISTS if isinstance(body, dict) and one in body), None)
        if name is None or not isinstance(body[name], list):
            return
        path = _LOCATOR.sub("/query", scope["path"])
        page = body[name]
        if is_later:
            body[name] = [*self._last_lists.get(path, []), *page]
            answer.body = json.dumps(body).encode()
        self._last_lists[path] = page

    async def _pass_on(self, kind: str, answer: "_Answer", send: Send) -> None:
        whole = answer.body
        is_broken = kind in {"cut", "truncated"} and answer.status == _OK and len(whole) > 1
        sent = whole[: len(whole) // 2] if is_broken else whole
        said = len(whole) if kind == "cut" else len(sent)
        headers = [(k, v) for k, v in answer.headers if k.lower() != b"content-length"]
        if answer.status != 204:  # noqa: PLR2004
            headers.append((b"content-length", str(said).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        # uvicorn closes the connection when the body is shorter than its content-length
        is_cut = kind == "cut" and is_broken
        await send({"type": "http.response.body", "body": sent, "more_body": is_cut})


class _Request:
    """Passes a request on and keeps a copy of its body."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.body = b""

    async def take(self) -> Message:
        """Receive one message and return it."""
        message = await self._receive()
        if message["type"] == "http.request":
            self.body += message.get("body", b"")
        return message


class _Answer:
    """Collects an answer instead of sending it."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def take(self, message: Message) -> None:
        """Collect one message."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


def _is_later_page(scope: Scope) -> bool:
    names = parse_qs(scope["query_string"].decode("latin-1")).keys()
    return bool(_LOCATOR.search(scope["path"])) or bool(_CURSORS & names)


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
