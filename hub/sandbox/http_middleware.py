"""The middleware around every vendor's app: the `Date` header, https links, a count of the answers.

Not here: faults (`fault_middleware.py`).
"""

import threading
from collections import Counter
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.sandbox.clock import VendorClock

_LOOPBACK = ("127.", "localhost", "[::1]")


class RequestCounts:
    """Counts of requests by vendor and status. Status 0 means that the answer never began."""

    def __init__(self, *vendors: str) -> None:
        self._counts: dict[str, Counter[int]] = {vendor: Counter() for vendor in vendors}
        self._lock = threading.Lock()

    def add(self, vendor: str, status: int) -> None:
        """Count one answer."""
        with self._lock:
            self._counts.setdefault(vendor, Counter())[status] += 1

    def shown(self) -> dict[str, Any]:
        """Return the counts as the control server shows them."""
        with self._lock:
            return {
                vendor: {
                    "total": counts.total(),
                    "status": {str(status): n for status, n in sorted(counts.items())},
                }
                for vendor, counts in self._counts.items()
            }


class HttpMiddleware:
    """The outermost ASGI middleware."""

    def __init__(
        self, app: ASGIApp, *, vendor: str, clock: VendorClock, requests: RequestCounts
    ) -> None:
        self.app = app
        self.vendor = vendor
        self.clock = clock
        self.requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, set the `Date` of the answer and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0
        if not Headers(scope=scope).get("host", "127.").startswith(_LOOPBACK):
            # The client used the vendor's own host name, through TLS or an adapter.
            # Links in the answer must lead there again, so they need https.
            scope = {**scope, "scheme": "https"}

        async def dated(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                kept = [(k, v) for k, v in message.get("headers", ()) if k.lower() != b"date"]
                date = (b"date", self.clock.http_date().encode())
                message = {**message, "headers": [date, *kept]}
            await send(message)

        try:
            await self.app(scope, receive, dated)
        finally:
            self.requests.add(self.vendor, status)
