"""One budget per vendor account, shared by all runs and processes through `ops.budget`.

No request books a time ahead. A request that may not go yet releases the rows, sleeps, and asks again.
So a pause also holds back waiting requests, and interactive work need not wait for bulk work.

A vendor counts arrivals. The log has for each request the latest moment at which it may have arrived: a
little after it was sent, or the moment of its answer if that came earlier. The next request is sent one
window after that moment, so it cannot arrive within the same window, and little of the rate is lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from math import ceil
from threading import local

from sqlalchemy import Connection, Engine

from hub.clock import Clock
from hub.connectors.governor import (
    USAGE_GOES_STALE,
    Limits,
    Rate,
    Usage,
    check_day,
    next_send_time,
)
from hub.db.locks import queue_lock, slot_lock
from hub.records import budgets

# how long a request may be on its way, if its answer does not show that it took less
_JITTER_S = 0.06
_DRIFT = 0.002  # how much faster than the vendor's the hub's clock may run
_SHORT = 100  # a window of fewer jitters is short: the moments of its answers are worth a statement
_IDENTIFYING = ("base_url", "domain", "subdomain")


def account_of(source: str, block: object) -> str:
    """Return the name of a source's account: the source, and a digest of its address."""
    where = "|".join(str(getattr(block, name, None) or "") for name in _IDENTIFYING)
    return f"{source}:{blake2b(where.encode(), digest_size=4).hexdigest()}"


class SharedBudget:
    """A view of an account's budget; any number of them, anywhere, spend it together.

    `spent_n` counts the requests of this view.

    Args:
        engine: of the database that holds it; only `slot` holds a connection for longer.
        account: name by `account_of`.
        limits: the vendor's.
        clock: waits. Processes on several machines must agree on the time.
        time_scale: how many times faster the vendor's clock runs than the hub's.
        reserve: the share of the day's requests to leave to others, 0 to 1.
        is_bulk: whether to leave a share of every rate to interactive work.
        jitter_s: how long a request may be on its way to the vendor.
    """

    def __init__(
        self,
        engine: Engine,
        account: str,
        limits: Limits,
        clock: Clock,
        *,
        time_scale: float = 1.0,
        reserve: float = 0.0,
        is_bulk: bool = False,
        jitter_s: float = _JITTER_S,
    ) -> None:
        self._engine = engine
        self._account = account
        self._limits = limits
        self._clock = clock
        self._scale = time_scale
        self._reserve = reserve
        self._is_bulk = is_bulk
        self._jitter = timedelta(seconds=jitter_s)
        self._mine = _Mine()
        self.spent_n = 0

    def take(self, n: int = 1, *, kind: str = "") -> None:
        """Wait until `n` requests of a kind may go; `BudgetError` if the day's share is used."""
        rates = [rate for rate in self._limits.rates if rate.counts(kind)]
        for _ in range(n):
            if self._try(rates) > timedelta():
                self._wait(rates)
            self.spent_n += 1

    def _wait(self, rates: list[Rate]) -> None:
        """Wait and take one request; one after the other, so that not all wake for the same request."""
        with queue_lock(self._engine, f"{self._account}:{','.join(rate.name for rate in rates)}"):
            while (wait := self._try(rates)) > timedelta():
                self._clock.sleep(wait.total_seconds())

    def observe(self, usage: Usage) -> None:
        """Store how much of the day's quota is used, by all applications."""
        with self._engine.begin() as conn:
            budgets.write_usage(conn, self._account, usage.used, usage.limit, self._clock.now())

    def pause(self, seconds: float) -> None:
        """Hold all requests back for so many vendor seconds."""
        until = self._clock.now() + timedelta(seconds=seconds / self._scale)
        with self._engine.begin() as conn:
            budgets.pause(conn, self._account, until)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the account's connections during a request."""
        try:
            with self._connection():
                yield
        finally:
            self._note_answer()

    def _connection(self) -> AbstractContextManager[None]:
        if not self._limits.connections:
            return nullcontext()
        return slot_lock(self._engine, self._account, self._limits.connections, self._clock)

    def _note_answer(self) -> None:
        """Store that the thread's last request has arrived by now, where that is news."""
        names, latest = self._mine.names, self._mine.latest
        self._mine.names = ()
        if latest is None or not names or (now := self._clock.now()) >= latest:
            return
        with self._engine.begin() as conn:
            budgets.note_arrival(conn, self._account, names, latest, now)

    def _try(self, rates: list[Rate]) -> timedelta:
        """Take one request from the budget, or return how long to wait before the next try."""
        with self._engine.begin() as conn:
            rows = budgets.lock(conn, self._account, [rate.name for rate in rates])
            now = self._clock.now()  # read while the lock is held, so the logs are in order
            day = rows[budgets.DAY]
            self._check_day(day, now)
            go = max(now, day.not_before or now)
            for rate in rates:
                at = next_send_time(
                    sorted(rows[rate.name].log),
                    now,
                    allowed=rate.allowed(is_bulk=self._is_bulk),
                    per=self._per(rate) * (1 + _DRIFT),
                )
                go = max(go, at)
            if go > now:
                return go - now
            self._write(conn, rates, rows, day, now)
            return timedelta()

    def _check_day(self, day: budgets.Row, now: datetime) -> None:
        if day.used is None or day.day_limit is None or day.observed_at is None:
            return
        if now - day.observed_at <= USAGE_GOES_STALE / self._scale:
            check_day(
                Usage(day.used, day.day_limit), 1, reserve=self._reserve, subject=self._account
            )

    def _write(
        self,
        conn: Connection,
        rates: list[Rate],
        rows: Mapping[str, budgets.Row],
        day: budgets.Row,
        now: datetime,
    ) -> None:
        latest = now + self._jitter
        short = [r.name for r in rates if self._per(r) < self._jitter * _SHORT]
        self._mine.names, self._mine.latest = short, latest
        for rate in rates:
            budgets.write_log(
                conn,
                self._account,
                rate.name,
                sorted([*rows[rate.name].log, latest])[-rate.requests :],
                requests=rate.requests,
                per_s=self._per(rate).total_seconds(),
            )
        if day.used is not None and day.day_limit is not None and day.observed_at is not None:
            budgets.write_usage(conn, self._account, day.used + 1, day.day_limit, day.observed_at)

    def _per(self, rate: Rate) -> timedelta:
        return timedelta(seconds=rate.per_s / self._scale)


class _Mine(local):
    """The last request of a thread: the rates whose logs want its arrival, and what they have of it."""

    names: Sequence[str] = ()
    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many requests a run will need, of how many; None if the vendor does not say."""

    needs: int
    of: int | None

    @property
    def fits(self) -> bool:
        """Whether the day's quota is enough."""
        return self.of is None or self.needs <= self.of

    def __str__(self) -> str:
        return f"needs {self.needs} of {'unknown' if self.of is None else self.of} requests"


def forecast(
    engine: Engine, account: str, counted: int, page_size: int, *, reserve: float = 0.0
) -> Forecast:
    """Return how many requests so many records need, and how many are left today.

    Args:
        engine: of the database.
        account: by `account_of`.
        counted: records, as the vendor counts them.
        page_size: records a request.
        reserve: the share of the day's requests to leave to others.
    """
    with engine.begin() as conn:
        day = budgets.day_of(conn, account)
    left = None if day is None else max(0, int(day[1] * (1 - reserve)) - day[0])
    return Forecast(max(1, ceil(counted / max(1, page_size))), left)
