"""How fast, and how much: what an account may still ask of its vendor.

Every request takes from a budget first. Here is one process's view; the shared one (PostgreSQL,
for several processes on one account) is another implementation of `Budget`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hub.clock import Clock
from hub.errors import BudgetError

_USAGE_GOES_STALE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a vendor says of its own quota: requests used, and the most there are."""

    used: int
    limit: int


class Budget(Protocol):
    """Asked before every request.

    `take` blocks (through the clock) until `n` requests may go, or raises `BudgetError` when
    waiting would not help; the caller then stops politely. `observe` tells it what the vendor
    reported with an answer.
    """

    def take(self, n: int = 1) -> None:
        """Wait until `n` requests may go."""
        ...

    def observe(self, usage: Usage) -> None:
        """Learn what the vendor reported."""
        ...


class RateBudget:
    """A token bucket: `rate_per_s` on average (vendor seconds), `burst` at once.

    Args:
        rate_per_s: requests a second, by the vendor's clock.
        burst: requests that may go without a wait after a pause.
        clock: waits.
        time_scale: how many times faster the vendor's clock runs than ours.
    """

    def __init__(
        self, rate_per_s: float, burst: int, clock: Clock, *, time_scale: float = 1.0
    ) -> None:
        self._rate = rate_per_s * time_scale
        self._burst = float(burst)
        self._tokens = float(burst)
        self._clock = clock
        self._at = clock.now()

    def take(self, n: int = 1) -> None:
        """Wait until `n` requests may go; more than the burst is owed by those who come after."""
        self._refill()
        self._tokens -= n
        if self._tokens < 0:
            self._clock.sleep(-self._tokens / self._rate)

    def observe(self, usage: Usage) -> None:
        """Stop bursting when the vendor says that nothing is left of the present interval."""
        if usage.used >= usage.limit:
            self._tokens = min(self._tokens, 0.0)

    def _refill(self) -> None:
        now = self._clock.now()
        gone_s = max((now - self._at).total_seconds(), 0.0)
        self._at = now
        self._tokens = min(self._burst, self._tokens + gone_s * self._rate)


class DailyBudget:
    """A quota a day that others use too: a share of it is left to them.

    What the vendor reported is believed for a quarter of an hour; then one request may go to
    learn how it stands.

    Args:
        reserve: the share of the limit to leave, 0 to 1.
        clock: tells how old the vendor's word is.
        subject: whose quota, for the message.
    """

    def __init__(self, reserve: float, clock: Clock, *, subject: str) -> None:
        self._reserve = reserve
        self._clock = clock
        self._subject = subject
        self._usage: Usage | None = None
        self._at: datetime | None = None

    def take(self, n: int = 1) -> None:
        """Raise `BudgetError` if `n` more requests would reach into the reserve."""
        usage = self._usage
        if usage is None or self._is_stale():
            return
        most = int(usage.limit * (1 - self._reserve))
        if usage.used + n > most:
            raise BudgetError(
                f"{self._subject}: {usage.used} of {usage.limit} daily requests are used,"
                f" {usage.limit - most} are kept for other applications",
                hint="the next run goes on from the cursor; or lower the source's daily_reserve",
            )
        self._usage = Usage(usage.used + n, usage.limit)

    def observe(self, usage: Usage) -> None:
        """Learn how much of the day's quota is used, by everyone."""
        self._usage = usage
        self._at = self._clock.now()

    def _is_stale(self) -> bool:
        return self._at is None or self._clock.now() - self._at > _USAGE_GOES_STALE


class Budgets:
    """Several budgets that must all agree."""

    def __init__(self, budgets: Sequence[Budget]) -> None:
        self._budgets = tuple(budgets)

    def take(self, n: int = 1) -> None:
        """Take from each."""
        for budget in self._budgets:
            budget.take(n)

    def observe(self, usage: Usage) -> None:
        """Tell each."""
        for budget in self._budgets:
            budget.observe(usage)
