"""An account's budget in the database: all who share it keep to the vendor's limits together."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from hub.cli.status_tables import show_status
from hub.clock import FixedClock, SystemClock
from hub.connectors.governor import Limits, Rate, Usage
from hub.connectors.registry import KNOWN, limits_of
from hub.db.engine import Database
from hub.errors import BudgetError
from hub.etl.budget import SharedBudget, account_of, forecast
from hub.settings import Settings
from hub.views.status import read_status
from tests.db.conftest import at_once
from tests.db.spending import ACCOUNT

START = datetime(2026, 1, 1, tzinfo=UTC)
RATE = Limits((Rate("account", 100, 10.0),))


def _url(db: Database) -> str:
    return db.engine.url.render_as_string(hide_password=False)


def _shared(db: Database, clock: FixedClock, limits: Limits = RATE, **rest) -> SharedBudget:
    return SharedBudget(db.engine, ACCOUNT, limits, clock, **rest)


def test_the_vendors_time_scale_narrows_the_window(db: Database) -> None:
    clock = FixedClock(START)
    budget = _shared(db, clock, time_scale=10)
    budget.take(101)
    assert 1.0 < clock.slept_s < 1.1


def test_an_answer_shows_when_a_request_had_arrived(db: Database) -> None:
    """The next one waits a window from the answer on, or from the longest way where none came."""
    limits = Limits((Rate("search", 1, 1.0),))
    for answered_after_s, next_after_s in ((0.01, 1.01), (5.0, 5.0), (None, 1.06)):
        clock = FixedClock(START)
        account = f"{ACCOUNT}:{answered_after_s}"
        one, other = (SharedBudget(db.engine, account, limits, clock) for _ in range(2))
        one.take()
        if answered_after_s is not None:
            with one.slot():
                clock.at += timedelta(seconds=answered_after_s)
        other.take()
        went = (clock.at - START).total_seconds()
        assert next_after_s <= went <= next_after_s + 0.01


def test_a_pause_holds_back_all_who_share_the_account_and_only_them(db: Database) -> None:
    clock, other = FixedClock(START), FixedClock(START)
    _shared(db, clock).pause(30)
    _shared(db, clock).pause(10)
    _shared(db, clock).take()
    assert clock.slept_s == pytest.approx(30)
    SharedBudget(db.engine, "other:1", RATE, other).take()
    assert other.slept_s == 0


def test_a_pause_holds_back_who_was_waiting_already(db: Database) -> None:
    limits = Limits((Rate("account", 1, 0.5),))
    one, other = (SharedBudget(db.engine, ACCOUNT, limits, SystemClock()) for _ in range(2))
    one.take()
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(one.take)
        other.pause(1.5)
        waiting.result()
    assert time.monotonic() - started > 1.4


def test_bulk_work_leaves_a_share_to_the_others(db: Database) -> None:
    clock = FixedClock(START)
    bulk, interactive = _shared(db, clock, is_bulk=True), _shared(db, clock)
    bulk.take(95)
    interactive.take(5)
    assert clock.slept_s == 0
    bulk.take()
    assert clock.slept_s > 10


def test_kinds_take_from_their_own_rates(db: Database) -> None:
    limits = Limits((*RATE.rates, Rate("search", 5, 1.0, frozenset({"search"}))))
    clock = FixedClock(START)
    budget = _shared(db, clock, limits)
    budget.take(5, kind="search")
    budget.take(50)
    assert clock.slept_s == 0
    budget.take(kind="search")
    assert 1.0 < clock.slept_s < 1.1


def test_the_days_reserve_is_left_to_others(db: Database) -> None:
    clock = FixedClock(START)
    one, other = (_shared(db, clock, reserve=0.2) for _ in range(2))
    one.observe(Usage(78, 100))
    one.take()
    other.take()
    for budget in (one, other):
        with pytest.raises(BudgetError, match="80 of 100"):
            budget.take()
    clock.at += timedelta(minutes=16)
    one.take()  # to learn how it stands


def test_slots_never_exceed_the_connections(db: Database) -> None:
    limits, lock, open_now, most = Limits(connections=3), Lock(), 0, 0

    def hold() -> None:
        nonlocal open_now, most
        engine = create_engine(_url(db), pool_size=1, poolclass=QueuePool)
        budget = SharedBudget(engine, ACCOUNT, limits, SystemClock())
        for _ in range(3):
            with suppress(KeyError), budget.slot():
                with lock:
                    open_now += 1
                    most = max(most, open_now)
                time.sleep(0.02)
                with lock:
                    open_now -= 1
                raise KeyError  # a slot is let go whatever happens to the request
        engine.dispose()

    at_once([hold] * 10)
    assert (most, open_now) == (3, 0)


def test_a_slot_of_a_connection_that_died_is_free(db: Database) -> None:
    budget = _shared(db, FixedClock(START), Limits(connections=1))
    engine = create_engine(_url(db))
    lost = SharedBudget(engine, ACCOUNT, Limits(connections=1), SystemClock()).slot()
    lost.__enter__()
    with db.owner_engine().connect() as conn:
        conn.exec_driver_sql("SELECT 1")
    admin = engine.connect()
    admin.exec_driver_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks"
        " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    admin.close()
    with budget.slot():
        pass
    with suppress(Exception):
        lost.__exit__(None, None, None)
    engine.dispose()


def test_a_forecast_counts_pages_against_what_is_left_of_the_day(db: Database) -> None:
    assert str(forecast(db.engine, ACCOUNT, 1001, 100)) == "needs 11 of unknown requests"
    _shared(db, FixedClock(START)).observe(Usage(75, 100))
    foreseen = forecast(db.engine, ACCOUNT, 1001, 100, reserve=0.2)
    assert str(foreseen) == "needs 11 of 5 requests"
    assert not foreseen.fits


def test_an_account_is_a_source_at_an_address_and_no_secret() -> None:
    one = SimpleNamespace(base_url="https://a.example", token="t-1")
    same = SimpleNamespace(base_url="https://a.example", token="t-2")
    other = SimpleNamespace(base_url="https://b.example", token="t-1")
    assert account_of("acme", one) == account_of("acme", same) != account_of("acme", other)


@pytest.mark.parametrize("source", KNOWN)
def test_no_rate_has_the_name_of_the_day(source: str) -> None:
    assert "day" not in {rate.name for rate in limits_of(source).rates}


def test_status_shows_what_is_used(
    db: Database, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    budget = SharedBudget(db.engine, ACCOUNT, RATE, SystemClock())
    budget.observe(Usage(10, 1000))
    budget.take(3)
    document = read_status(db, settings)
    account, day = document.budgets
    assert (account.name, account.in_window, account.requests) == ("account", 3, 100)
    assert (day.name, day.day_used, day.day_limit) == ("day", 13, 1000)
    show_status(document, SystemClock().now())
    assert "Budgets" in capsys.readouterr().out
