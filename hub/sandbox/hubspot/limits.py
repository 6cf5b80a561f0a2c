"""The account's limits: calls in ten seconds, searches in a second, calls in a day."""

from collections import deque
from datetime import datetime, timedelta

from hub.sandbox.clock import VendorClock
from hub.sandbox.hubspot.errors import too_many

BURST, BURST_S = 100, 10
SEARCHES, SEARCH_S = 5, 1
DAILY = 250_000
DAILY_NAME = "private-apps-api-calls-daily"


class Quota:
    """Counts the calls of one account.

    Args:
        clock: the vendor's clock.
    """

    def __init__(self, clock: VendorClock) -> None:
        self._clock = clock
        self._calls: deque[datetime] = deque()
        self._searches: deque[datetime] = deque()
        self._day = clock.now().date()
        self.used_today = 0

    def take(self, *, is_search: bool) -> None:
        """Count a call, or raise 429."""
        now = self._clock.now()
        if now.date() != self._day:
            self._day, self.used_today = now.date(), 0
        _forget(self._calls, now - timedelta(seconds=BURST_S))
        _forget(self._searches, now - timedelta(seconds=SEARCH_S))
        if len(self._calls) >= BURST:
            raise too_many("TEN_SECONDLY_ROLLING")
        if is_search and len(self._searches) >= SEARCHES:
            raise too_many("SECONDLY")
        self._calls.append(now)
        if is_search:
            self._searches.append(now)
        self.used_today += 1

    def headers(self) -> dict[str, str]:
        """Return the headers of every answer, except for a search."""
        return {
            "X-HubSpot-RateLimit-Daily": str(DAILY),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(DAILY - self.used_today, 0)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(BURST_S * 1000),
            "X-HubSpot-RateLimit-Max": str(BURST),
            "X-HubSpot-RateLimit-Remaining": str(max(BURST - len(self._calls), 0)),
        }


def _forget(log: deque[datetime], before: datetime) -> None:
    while log and log[0] <= before:
        log.popleft()
