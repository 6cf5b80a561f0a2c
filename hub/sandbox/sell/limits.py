"""The limits of one token: ten requests in any second and 36,000 in any hour of the vendor's clock."""

from collections import deque
from datetime import datetime, timedelta

from hub.sandbox.clock import VendorClock
from hub.sandbox.sell.errors import too_many

A_SECOND, AN_HOUR = 10, 36_000


class TokenLimits:
    """Counts the requests of each token.

    Args:
        clock: the vendor's clock.
    """

    def __init__(self, clock: VendorClock) -> None:
        self._clock = clock
        self._calls: dict[str, deque[datetime]] = {}

    def take(self, token: str) -> None:
        """Count a request of a token, or raise 429. A refused request counts for nothing."""
        now = self._clock.now()
        calls = self._calls.setdefault(token, deque())
        while calls and now - calls[0] >= timedelta(hours=1):
            calls.popleft()
        tenth = calls[-A_SECOND] if len(calls) >= A_SECOND else None
        is_fast = tenth is not None and now - tenth < timedelta(seconds=1)
        if is_fast or len(calls) >= AN_HOUR:
            raise too_many()
        calls.append(now)
