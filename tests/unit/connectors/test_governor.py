"""Budgets keep to their rate and leave their reserve, by the clock they are given."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import FixedClock
from hub.connectors.governor import Budgets, DailyBudget, RateBudget, Usage
from hub.errors import BudgetError

T0 = datetime(2026, 11, 24, tzinfo=UTC)


@given(
    st.floats(0.5, 20),
    st.integers(1, 10),
    st.lists(st.floats(0, 3), min_size=1, max_size=60),
    st.sampled_from([1.0, 60.0]),
)
def test_never_more_than_burst_plus_rate(rate, burst, pauses, scale):
    clock = FixedClock(T0)
    budget = RateBudget(rate, burst, clock, time_scale=scale)
    times = []
    for pause in pauses:
        clock.at += timedelta(seconds=pause)
        budget.take()
        times.append((clock.now() - T0).total_seconds() * scale)
    for start in range(len(times)):
        for end in range(start, len(times)):
            allowed = burst + rate * (times[end] - times[start]) + 0.01
            assert end - start + 1 <= allowed + 1


def test_burst_is_free_and_the_next_waits():
    clock = FixedClock(T0)
    budget = RateBudget(2, 2, clock)
    budget.take()
    budget.take()
    assert clock.slept_s == 0
    budget.take()
    assert clock.slept_s == pytest.approx(0.5)


def test_an_exhausted_interval_ends_the_burst():
    clock = FixedClock(T0)
    budget = RateBudget(2, 10, clock)
    budget.observe(Usage(100, 100))
    budget.take()
    assert clock.slept_s == pytest.approx(0.5)


def test_reserve_is_left_to_others():
    budget = DailyBudget(0.2, FixedClock(T0), subject="salesforce")
    budget.take()  # nothing known yet
    budget.observe(Usage(79, 100))
    budget.take()
    with pytest.raises(BudgetError, match="80 of 100"):
        budget.take()


def test_old_news_lets_one_through_to_learn():
    clock = FixedClock(T0)
    budget = DailyBudget(0.2, clock, subject="salesforce")
    budget.observe(Usage(100, 100))
    with pytest.raises(BudgetError):
        budget.take()
    clock.at += timedelta(minutes=16)
    budget.take()


def test_all_budgets_must_agree():
    clock = FixedClock(T0)
    both = Budgets([RateBudget(1, 1, clock), DailyBudget(0, clock, subject="x")])
    both.observe(Usage(5, 5))
    with pytest.raises(BudgetError):
        both.take()
