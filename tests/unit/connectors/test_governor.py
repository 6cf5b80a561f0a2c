"""Budgets keep to their rates and leave their reserve, by the clock they are given."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import FixedClock
from hub.connectors.governor import Limits, LocalBudget, Rate, Usage
from hub.errors import BudgetError

T0 = datetime(2026, 11, 24, tzinfo=UTC)
SEARCH = frozenset({"search"})
TWO = Limits((Rate("all", 20, 10), Rate("search", 5, 1, SEARCH)))


@given(
    st.integers(1, 10),
    st.floats(0.5, 20),
    st.lists(st.floats(0, 3), min_size=1, max_size=60),
    st.sampled_from([1.0, 60.0]),
)
def test_never_more_than_the_rate_in_any_window(requests, per_s, pauses, scale):
    clock = FixedClock(T0)
    budget = LocalBudget(Limits((Rate("all", requests, per_s),)), clock, time_scale=scale)
    times = []
    for pause in pauses:
        clock.at += timedelta(seconds=pause)
        budget.take()
        times.append((clock.now() - T0).total_seconds() * scale)
    for start in range(len(times)):
        assert sum(times[start] <= t < times[start] + per_s for t in times) <= requests


@given(st.integers(1, 10), st.floats(0.5, 20))
def test_a_backlog_uses_nearly_all_of_it(requests, per_s):
    clock = FixedClock(T0)
    budget = LocalBudget(Limits((Rate("all", requests, per_s),)), clock)
    for _ in range(requests * 20):
        budget.take()
    took = (clock.now() - T0).total_seconds()
    assert requests * 20 >= 0.9 * requests * took / per_s


def test_a_kind_of_its_own_has_a_rate_of_its_own():
    clock = FixedClock(T0)
    budget = LocalBudget(TWO, clock)
    for _ in range(6):
        budget.take(kind="search")
    assert 1 <= clock.slept_s < 1.1
    for _ in range(14):
        budget.take()
    assert clock.slept_s < 1.1
    budget.take()
    assert clock.slept_s >= 10 - 1.1


def test_retry_after_holds_everybody_back():
    clock = FixedClock(T0)
    budget = LocalBudget(TWO, clock, time_scale=10)
    budget.pause(30)
    budget.take()
    assert clock.slept_s == pytest.approx(3)


def test_bulk_work_leaves_some_to_the_others():
    assert Rate("all", 100, 10).allowed(is_bulk=True) == 95
    assert Rate("all", 100, 10).allowed(is_bulk=False) == 100
    assert Rate("few", 10, 60).allowed(is_bulk=True) == 10


def test_reserve_is_left_to_others():
    budget = LocalBudget(Limits(), FixedClock(T0), reserve=0.2, subject="salesforce")
    budget.take()  # nothing known yet
    budget.observe(Usage(79, 100))
    budget.take()
    with pytest.raises(BudgetError, match="80 of 100"):
        budget.take()


def test_old_news_lets_one_through_to_learn():
    clock = FixedClock(T0)
    budget = LocalBudget(Limits(), clock, reserve=0.2, subject="salesforce")
    budget.observe(Usage(100, 100))
    with pytest.raises(BudgetError):
        budget.take()
    clock.at += timedelta(minutes=16)
    budget.take()
