"""The vendors' clock. It may run faster than real time, so that limits and lags pass quickly.

Not here: waiting. A caller that waits for a vendor time converts it with `real_s`.
"""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime


class VendorClock:
    """Returns vendor time.

    Args:
        time_scale: vendor seconds per real second.
        start: what the clock shows first; the real present by default.
    """

    def __init__(self, time_scale: float = 1.0, start: datetime | None = None) -> None:
        self.time_scale = time_scale
        self.start = start or datetime.now(UTC)
        self._began = time.monotonic()
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the vendor's present, aware, in UTC."""
        elapsed = time.monotonic() - self._began
        return self.start + timedelta(seconds=elapsed * self.time_scale) + self._ahead

    def advance(self, vendor_s: float) -> None:
        """Move the present ahead at once, as if that many vendor seconds had passed."""
        self._ahead += timedelta(seconds=vendor_s)

    def real_s(self, vendor_s: float) -> float:
        """Return how many real seconds that many vendor seconds take."""
        return vendor_s / self.time_scale

    def http_date(self) -> str:
        """Return now as a `Date` header says it."""
        return format_datetime(self.now().replace(microsecond=0), usegmt=True)
