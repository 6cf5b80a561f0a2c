"""The account's limits: requests a minute, exports a minute, and the headers with them."""

from collections import deque
from datetime import datetime, timedelta

from hub.sandbox.clock import VendorClock
from hub.sandbox.zendesk.errors import ApiError

ACCOUNT, EXPORTS = 200, 10
_MINUTE = timedelta(seconds=60)


class Minute:
    """Limits the requests in any minute of the vendor's clock."""

    def __init__(self, clock: VendorClock, most: int) -> None:
        self.clock, self.most = clock, most
        self._recent: deque[datetime] = deque()

    def left(self) -> int:
        """Return the number of requests that are allowed now."""
        now = self.clock.now()
        while self._recent and now - self._recent[0] >= _MINUTE:
            self._recent.popleft()
        return self.most - len(self._recent)

    def wait_s(self) -> int:
        """Return the whole seconds until the next request is allowed."""
        if not self._recent:
            return 1
        left = (_MINUTE - (self.clock.now() - self._recent[0])).total_seconds()
        return max(int(left) + 1, 1)

    def take(self, text: str) -> None:
        """Count one request, or raise 429."""
        if self.left() <= 0:
            raise ApiError(
                429, "APIRateLimitExceeded", text, headers={"Retry-After": str(self.wait_s())}
            )
        self._recent.append(self.clock.now())


class AccountLimits:
    """The limits of one account."""

    def __init__(self, clock: VendorClock) -> None:
        self.account = Minute(clock, ACCOUNT)
        self.exports = Minute(clock, EXPORTS)

    def take(self, *, is_export: bool) -> None:
        """Count one request, or raise 429."""
        if is_export:
            self.exports.take(
                "Number of allowed incremental export API requests per minute exceeded"
            )
        self.account.take("Number of allowed API requests per minute exceeded")

    def headers(self, *, export: str = "") -> dict[str, str]:
        """Return the headers with the limits, spelled as in recorded answers.

        Args:
            export: `cursor` or `time` for an answer of an export.
        """
        most, left = str(self.account.most), str(max(self.account.left(), 0))
        headers = {
            "x-rate-limit": most,
            "ratelimit-limit": most,
            "x-rate-limit-remaining": left,
            "ratelimit-remaining": left,
            "ratelimit-reset": str(self.account.wait_s()),
        }
        if export:
            name = "zendesk-ratelimit-incremental-exports" + (
                "-cursor" if export == "cursor" else ""
            )
            headers[name] = (
                f"total={self.exports.most}; remaining={max(self.exports.left(), 0)};"
                f" resets={self.exports.wait_s()}"
            )
        return headers
