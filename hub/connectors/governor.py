"""Rate limits and daily quotas of a vendor's account, and how requests keep to them.

Each client declares the vendor's `Limits` as data, and takes from a `Budget` before each request.
Here: the arithmetic as pure functions, and `LocalBudget`, the budget of one process. The budget
that all processes on an account share is in PostgreSQL, another implementation of `Budget`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from hub.clock import Clock
from hub.errors import BudgetError

USAGE_GOES_STALE = timedelta(minutes=15)
# vendors count a request when it arrives, a little after the hub sends it
_SAFETY = 0.02  # of `LocalBudget`, which knows only when its requests were sent
_BIG_ENOUGH_TO_SHARE = 20


@dataclass(frozen=True, slots=True)
class Usage:
    """The daily quota as the vendor reports it: requests used, and requests allowed."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in any `per_s` vendor seconds.

    Args:
        name: its name in `hub status`.
        requests: how many are allowed in one window.
        per_s: length of the window in vendor seconds.
        kinds: the kinds of calls that count; empty means all calls.
    """

    name: str
    requests: int
    per_s: float
    kinds: frozenset[str] = frozenset()

    def counts(self, kind: str) -> bool:
        """Return whether a call of this kind counts against the rate."""
        return not self.kinds or kind in self.kinds

    def allowed(self, *, is_bulk: bool) -> int:
        """Return how many requests one caller may use: bulk work leaves 5 % to other callers."""
        if is_bulk and self.requests >= _BIG_ENOUGH_TO_SHARE:
            return self.requests - self.requests // _BIG_ENOUGH_TO_SHARE
        return self.requests


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that a vendor sets for one account.

    Args:
        rates: requests per window.
        connections: concurrent requests, 0 if the vendor sets no limit.
        daily: requests a day, 0 if unknown; a number that the vendor reports replaces it.
    """

    rates: Sequence[Rate] = field(default_factory=tuple)
    connections: int = 0
    daily: int = 0


class Budget(Protocol):
    """Limits the requests of one account.

    Call `take` before each request: it blocks (through the clock) until `n` requests may be sent,
    or raises `BudgetError` if waiting would not help; then end the run, the cursor stays. Call
    `observe` with the usage that an answer reports, and `pause` if the vendor sent `Retry-After`.
    Hold `slot` while a request is under way: its end tells when the request had arrived at the latest.
    """

    def take(self, n: int = 1, *, kind: str = "") -> None:
        """Wait until `n` requests of a kind may be sent."""
        ...

    def observe(self, usage: Usage) -> None:
        """Store the daily quota that the vendor reported."""
        ...

    def pause(self, seconds: float) -> None:
        """Stop all requests of the account for so many vendor seconds."""
        ...

    def slot(self) -> AbstractContextManager[None]:
        """Hold one of the account's connections."""
        ...


def next_send_time(
    past: Sequence[datetime], now: datetime, *, allowed: int, per: timedelta
) -> datetime:
    """Return when the next request may be sent.

    Args:
        past: when the vendor received earlier requests at the latest, oldest first.
        now: the present.
        allowed: requests in any window.
        per: the window, in real time.
    """
    log = [at for at in past if at > now - per]
    return now if len(log) < allowed else max(now, log[-allowed] + per)


def check_day(usage: Usage, n: int, *, reserve: float, subject: str) -> None:
    """Raise `BudgetError` if `n` more requests would use the reserve of the daily quota."""
    most = int(usage.limit * (1 - reserve))
    if usage.limit and usage.used + n > most:
        raise BudgetError(
            f"{subject}: {usage.used} of {usage.limit} daily requests are used,"
            f" {usage.limit - most} are kept for other applications",
            hint="the next run goes on from the cursor; or lower the source's daily_reserve",
        )


class LocalBudget:
    """The budget of one process.

    Args:
        limits: the vendor's limits.
        clock: for waits.
        time_scale: how many times faster the vendor's clock runs than the hub's.
        reserve: the share of the daily requests left to other applications, 0 to 1.
        subject: the source's name, for messages.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        *,
        time_scale: float = 1.0,
        reserve: float = 0.0,
        subject: str = "",
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._scale = time_scale
        self._reserve = reserve
        self._subject = subject
        self._logs: dict[str, list[datetime]] = {}
        self._not_before: datetime | None = None
        self._usage: Usage | None = None
        self._usage_at: datetime | None = None

    def take(self, n: int = 1, *, kind: str = "") -> None:
        """Wait until `n` requests of a kind may be sent."""
        self._take_from_day(n)
        for _ in range(n):
            self._take_one(kind)

    def observe(self, usage: Usage) -> None:
        """Store how much of the daily quota all applications together have used."""
        self._usage, self._usage_at = usage, self._clock.now()

    def pause(self, seconds: float) -> None:
        """Stop all requests for so many vendor seconds."""
        until = self._clock.now() + timedelta(seconds=seconds / self._scale)
        self._not_before = max(until, self._not_before or until)

    def slot(self) -> AbstractContextManager[None]:
        """Return a context that does nothing: one process sends one request at a time."""
        return nullcontext()

    def usage(self) -> Mapping[str, int]:
        """Return how many requests each rate's current window holds."""
        now = self._clock.now()
        return {
            rate.name: sum(at > now - self._per(rate) for at in self._logs.get(rate.name, ()))
            for rate in self._limits.rates
        }

    def _take_from_day(self, n: int) -> None:
        usage = self._usage
        if usage is None or self._usage_at is None:
            return
        if self._clock.now() - self._usage_at > USAGE_GOES_STALE:
            return  # the answer to the next request reports the present usage
        check_day(usage, n, reserve=self._reserve, subject=self._subject)
        self._usage = Usage(usage.used + n, usage.limit)

    def _take_one(self, kind: str) -> None:
        now = self._clock.now()
        go = max(now, self._not_before or now)
        rates = [rate for rate in self._limits.rates if rate.counts(kind)]
        for rate in rates:
            at = next_send_time(
                self._logs.get(rate.name, ()), go, allowed=rate.requests, per=self._per(rate)
            )
            go = max(go, at)
        for rate in rates:
            log = [*self._logs.get(rate.name, ()), go]
            self._logs[rate.name] = log[-rate.requests :]
        self._clock.sleep((go - now).total_seconds())

    def _per(self, rate: Rate) -> timedelta:
        return timedelta(seconds=rate.per_s / self._scale) * (1 + _SAFETY)
