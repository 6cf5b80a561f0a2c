"""Connections are bounded: their number, and the time until a request's headers have arrived.

uvicorn has no time-out for headers, and with its own limit of connections idle ones keep the others out. Here
the oldest connection without a request under way makes room for a new one. The time of a body is bounded in
`guard`.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

MOST_HEADERS = 32_768
"""Bytes of a request's line and headers."""


@dataclass(slots=True)
class Places:
    """The connections of a listener.

    Args:
        most: how many there may be at the same time.
        request_s: seconds until the headers of a request must have arrived.
        everyone: all connections.
        idle: those without a request under way, the oldest first.
    """

    most: int
    request_s: float
    everyone: "set[BoundedProtocol]" = field(default_factory=set)
    idle: "dict[BoundedProtocol, None]" = field(default_factory=dict)

    def make_room(self) -> bool:
        """Return whether there is room for another connection; the oldest idle one is ended for it."""
        if len(self.everyone) >= self.most and self.idle:
            next(iter(self.idle)).cut()
        return len(self.everyone) < self.most


class BoundedProtocol(H11Protocol):
    """One connection."""

    places: ClassVar[Places]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or end it where all others are at work."""
        super().connection_made(transport)
        if not self.places.make_room():
            self.cut()
            return
        self.places.everyone.add(self)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the time for the headers begins with the first of them."""
        if self.transport.is_closing():
            return
        self._wait()
        super().data_received(data)
        if self._is_at_work():
            self._waited()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.places.everyone.discard(self)
        self._waited()
        super().connection_lost(exc)

    def cut(self) -> None:
        """End the connection at once; no request of it is under way."""
        self.places.everyone.discard(self)
        self._waited()
        if not self.transport.is_closing():
            self.transport.abort()

    def _is_at_work(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        """Begin to wait for a request, unless one is under way or waited for."""
        if self._deadline is None and not self._is_at_work():
            self.places.idle[self] = None
            self._deadline = self.loop.call_later(self.places.request_s, self._too_late)

    def _waited(self) -> None:
        self.places.idle.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        if self._is_at_work():
            self._waited()
        else:
            self.cut()


def bounded_protocol(most: int, request_s: float) -> type[BoundedProtocol]:
    """Return the protocol of a listener with its own places; see `Places`."""
    return type("Bounded", (BoundedProtocol,), {"places": Places(most, request_s)})
