"""How fast, and how much: what an account may still ask of its vendor.

Each client declares the vendor's `Limits` as data; every request takes from a `Budget` first. The
arithmetic is here as pure functions, with one process's view of it (`LocalBudget`); the shared one
(PostgreSQL, for all runs and processes on an account) is another implementation of `Budget`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from hub.clock import Clock
from hub.errors import BudgetError

USAGE_GOES_STALE = timedelta(minutes=15)
# a request may reach the vendor a little after it was let go; vendors count arrivals
_SAFETY = 0.02
_BIG_ENOUGH_TO_SHARE = 20


@dataclass(frozen=True, slots=True)
class Usage:
    """What a vendor says of its own quota: requests used, and the most there are."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in any `per_s` vendor seconds.

    Args:
        name: what `hub status` calls it.
        requests: the vendor's number.
        per_s: the vendor's window.
        kinds: the kinds of calls it counts; empty means every call.
    """

    name: str
    requests: int
    per_s: float
    kinds: frozenset[str] = frozenset()

    def counts(self, kind: str) -> bool:
        """Tell whether a call of that kind takes from this rate."""
        return not self.kinds or kind in self.kinds

    def allowed(self, *, is_bulk: bool) -> int:
        """Return what one caller may use of it: bulk work leaves one in twenty to the others."""
        if is_bulk and self.requests >= _BIG_ENOUGH_TO_SHARE:
            return self.requests - self.requests // _BIG_ENOUGH_TO_SHARE
        return self.requests


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor allows one account.

    Args:
        rates: requests per window.
        connections: requests under way at once, 0 if the vendor does not mind.
        daily: requests a day, 0 if unknown; what the vendor reports wins.
    """

    rates: Sequence[Rate] = field(default_factory=tuple)
    connections: int = 0
    daily: int = 0


class Budget(Protocol):
    """Asked before every request.

    `take` blocks (through the clock) until `n` requests may go, or raises `BudgetError` when
    waiting would not help; the caller then stops politely. `observe` tells it what the vendor
    reported with an answer; `pause` that the vendor refused. `slot` is held while a request is
    under way.
    """

    def take(self, n: int = 1, *, kind: str = "") -> None:
        """Wait until `n` requests of a kind may go."""
        ...

    def observe(self, usage: Usage) -> None:
        """Learn the day's quota, as the vendor reported it."""
        ...

    def pause(self, seconds: float) -> None:
        """Let nobody ask for so many vendor seconds: the vendor said `Retry-After`."""
        ...

    def slot(self) -> AbstractContextManager[None]:
        """Hold one of the account's connections."""
        ...


def next_go(
    past: Sequence[datetime], now: datetime, *, allowed: int, per: timedelta
) -> tuple[datetime, list[datetime]]:
    """Return when the next request may go, and the log with it.

    Args:
        past: when earlier requests went, oldest first.
        now: the present.
        allowed: requests in any window.
        per: the window, in real time.
    """
    width = per * (1 + _SAFETY)
    log = [at for at in past if at > now - width][-allowed:]
    at = now if len(log) < allowed else max(now, log[-allowed] + width)
    return at, [*log, at][-allowed:]


def check_day(usage: Usage, n: int, *, reserve: float, subject: str) -> None:
    """Raise `BudgetError` if `n` more requests would reach into the day's reserve."""
    most = int(usage.limit * (1 - reserve))
    if usage.limit and usage.used + n > most:
        raise BudgetError(
            f"{subject}: {usage.used} of {usage.limit} daily requests are used,"
            f" {usage.limit - most} are kept for other applications",
            hint="the next run goes on from the cursor; or lower the source's daily_reserve",
        )


class LocalBudget:
    """One process's budget.

    Args:
        limits: the vendor's.
        clock: waits.
        time_scale: how many times faster the vendor's clock runs than ours.
        reserve: the share of the day's requests to leave to others, 0 to 1.
        subject: whose budget, for messages.
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
        """Wait until `n` requests of a kind may go."""
        self._take_from_day(n)
        for _ in range(n):
            self._take_one(kind)

    def observe(self, usage: Usage) -> None:
        """Learn how much of the day's quota is used, by everyone."""
        self._usage, self._usage_at = usage, self._clock.now()

    def pause(self, seconds: float) -> None:
        """Let nothing go for so many vendor seconds."""
        until = self._clock.now() + timedelta(seconds=seconds / self._scale)
        self._not_before = max(until, self._not_before or until)

    def slot(self) -> AbstractContextManager[None]:
        """One process asks one thing at a time: nothing to hold."""
        return nullcontext()

    def usage(self) -> Mapping[str, int]:
        """Return the requests under each rate's present window."""
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
            return  # one request may go, to learn how it stands
        check_day(usage, n, reserve=self._reserve, subject=self._subject)
        self._usage = Usage(usage.used + n, usage.limit)

    def _take_one(self, kind: str) -> None:
        now = self._clock.now()
        go = max(now, self._not_before or now)
        rates = [rate for rate in self._limits.rates if rate.counts(kind)]
        for rate in rates:
            at, _ = next_go(
                self._logs.get(rate.name, ()), go, allowed=rate.requests, per=self._per(rate)
            )
            go = max(go, at)
        for rate in rates:
            log = [*self._logs.get(rate.name, ()), go]
            self._logs[rate.name] = log[-rate.requests :]
        self._clock.sleep((go - now).total_seconds())

    def _per(self, rate: Rate) -> timedelta:
        return timedelta(seconds=rate.per_s / self._scale)
