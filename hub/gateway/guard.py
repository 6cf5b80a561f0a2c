"""What every request passes first: the bounds of its body, its correlation id, the log line, the metrics.

The body is read here as a whole, within its bounds, and handed to the application. A path may contain a
secret, so no path is logged; the log has the route's first word.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import msgspec

from hub.gateway.metrics import Metrics
from hub.logs import get_logger

log = get_logger()

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_DOORS = {
    "hooks": "hook", "leads": "lead", "forms": "form", "confirm": "form",
    "subscriptions": "subscription", "samples": "subscription",
}  # fmt: skip
_LINGER_S = 2.0
_DRAINED = 64 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of requests.

    Args:
        body: bytes of one body.
        bodies: bytes of all bodies that are held at the same time.
        request_s: seconds until a body must have arrived.
    """

    body: int
    bodies: int
    request_s: float


class _RefusedError(Exception):
    """The body is not taken; the answer has this status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class _GoneError(Exception):
    """The client has gone."""


class Guard:
    """An application that passes bounded requests on to another one."""

    def __init__(self, app: App, bounds: Bounds, metrics: Metrics) -> None:
        self._app, self._bounds, self._metrics = app, bounds, metrics
        self._held = 0  # bytes of all bodies at this moment

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id)
        door = door_of(scope["path"])
        began, size = perf_counter(), 0
        try:
            body = await self._read(scope, receive)
            size = len(body)
            await self._app(scope, _given(body, receive), answer.send)
        except _RefusedError as refused:
            await answer.refuse(refused.status, refused.code, refused.message, receive)
        except _GoneError:
            return
        except Exception as exc:  # noqa: BLE001 the outer edge: logged, and answered without a word of it
            log.error(  # noqa: TRY400  # a trace may show values
                "request_failed", request_id=request_id, door=door, error=type(exc).__name__
            )
            if not answer.status:
                await answer.refuse(500, "internal", "the hub could not serve the request", receive)
        finally:
            self._held -= size
        seconds = perf_counter() - began
        self._metrics.requests.labels(door, str(answer.status)).inc()
        self._metrics.seconds.labels(door).observe(seconds)
        log.info(
            "request_served",
            request_id=request_id,
            door=door,
            method=scope["method"],
            status=answer.status,
            bytes=size,
            ms=round(seconds * 1000, 1),
        )

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole body; what it takes is given back by the caller."""
        if (stated := _stated_length(scope)) is not None:
            self._check(stated)
        parts: list[bytes] = []
        size, is_whole = 0, False
        try:
            async with asyncio.timeout(self._bounds.request_s):
                while not is_whole:
                    message = await receive()
                    part = _part(message)
                    size += len(part)
                    self._held += len(part)
                    self._check(size)
                    parts.append(part)
                    is_whole = not message.get("more_body", False)
        except TimeoutError:
            self._held -= size
            raise _RefusedError(408, "slow", "the request did not arrive in time") from None
        except BaseException:
            self._held -= size
            raise
        return b"".join(parts)

    def _check(self, size: int) -> None:
        if size > self._bounds.body:
            message = f"a body has at most {self._bounds.body:,} bytes here"
            raise _RefusedError(413, "too_large", message)
        if self._held > self._bounds.bodies:
            raise _RefusedError(503, "busy", "too many requests at once; try again soon")


def _part(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise _GoneError
    part: bytes = message.get("body", b"")
    return part


class _Answer:
    """The answer of a request, with its correlation id."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._request_id = send, request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [
                *message.get("headers", []), (b"x-request-id", self._request_id.encode()),
            ]  # fmt: skip
        await self._send(message)

    async def refuse(self, status: int, code: str, message: str, receive: Receive) -> None:
        """Answer a request whose body was not read to its end, and close the connection.

        What still arrives is read and dropped for a moment: a connection that is closed while data comes
        in is reset, and the client would not see the answer.
        """
        body = problem(code, message, self._request_id)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        if status == 503:  # noqa: PLR2004 busy
            headers.append((b"retry-after", b"5"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        await _drop_rest(receive)
        await self._send({"type": "http.response.body", "body": b""})


async def _drop_rest(receive: Receive) -> None:
    left = _DRAINED
    try:
        async with asyncio.timeout(_LINGER_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _given(body: bytes, receive: Receive) -> Receive:
    """Return what hands the body over once, and then says what the connection says."""
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


def _stated_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


def door_of(path: str) -> str:
    """Return the label of a path in logs and metrics, without any of its parts."""
    return _DOORS.get(path.lstrip("/").partition("/")[0], "other")


def problem(code: str, message: str, request_id: str) -> bytes:
    """Return the body of an answer that is no success."""
    return msgspec.json.encode({"error": code, "message": message, "request_id": request_id})
