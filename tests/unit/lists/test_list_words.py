"""Dates and conditions as people write them."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ActionError
from hub.lists.dates import Moment, moment_of, span
from hub.lists.document import Op
from hub.lists.shorthand import condition
from hub.model.moments import day_of

TODAY = date(2026, 5, 31)  # a Sunday


@pytest.mark.parametrize(
    ("words", "first", "after"),
    [
        ("today", "2026-05-31", "2026-06-01"),
        ("Yesterday", "2026-05-30", "2026-05-31"),
        ("last 7 days", "2026-05-25", "2026-06-01"),
        ("next  7 days", "2026-05-31", "2026-06-07"),
        ("this week", "2026-05-25", "2026-06-01"),
        ("next week", "2026-06-01", "2026-06-08"),
        ("last month", "2026-04-01", "2026-05-01"),
        ("this quarter", "2026-04-01", "2026-07-01"),
        ("last quarter", "2026-01-01", "2026-04-01"),
        ("next year", "2027-01-01", "2028-01-01"),
        ("last 3 months", "2026-03-01", "2026-06-01"),
        ("1 month ago", "2026-04-30", "2026-05-01"),
        ("in 2 weeks", "2026-06-14", "2026-06-15"),
        ("2026-02", "2026-02-01", "2026-03-01"),
        ("2024", "2024-01-01", "2025-01-01"),
        ("2026-03-05", "2026-03-05", "2026-03-06"),
    ],
)
def test_a_period_is_the_days_that_people_mean(words: str, first: str, after: str) -> None:
    assert span(words, TODAY) == (date.fromisoformat(first), date.fromisoformat(after))


@pytest.mark.parametrize(
    "words",
    ["", "soon", "last days", "2026-13", "2026-02-30", "99999 years ago", "in 99999 years", "0000",
     "9999-12-31", "next 99999 months", "today; DROP TABLE"],
)  # fmt: skip
def test_other_words_are_no_period(words: str) -> None:
    assert span(words, TODAY) is None


@given(st.text())
def test_any_words_are_a_period_or_none(words: str) -> None:
    found = span(words, TODAY)
    assert found is None or found[0] < found[1]
    assert day_of(words, TODAY) is None or found is not None


def test_days_begin_in_the_zone_also_when_clocks_change() -> None:
    paris = ZoneInfo("Europe/Paris")
    moment = Moment(datetime(2026, 3, 28, 23, 30, tzinfo=UTC), paris)
    assert moment.today == date(2026, 3, 29)  # of 23 hours
    begun, over = (moment.start_of(day) for day in span("today", moment.today) or ())
    assert begun == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert over == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert moment_of("2026-03-29T12:00", moment) == datetime(2026, 3, 29, 10, tzinfo=UTC)
    assert moment_of("2026-03-29T12:00Z", moment) == datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert moment_of("2026-03-29", moment) is None


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("status is New", ("status", "is", "New")),
        ("status is not Not a lead", ("status", "is not", "Not a lead")),
        ("status = New", ("status", "is", "New")),
        ("status!=New", ("status", "is not", "New")),
        ("tags any of vip, fair", ("tags", "any of", ["vip", "fair"])),
        ("tags none vip", ("tags", "none of", ["vip"])),
        ("owner in me,nobody", ("owner", "any of", ["me", "nobody"])),
        ("next_task_at is empty", ("next_task_at", "is empty", None)),
        ("next_task_at not empty", ("next_task_at", "is not empty", None)),
        ("value >= 1000", ("value", ">=", "1000")),
        ("value>=1000", ("value", ">=", "1000")),
        ("value between 10 and 20", ("value", "between", ["10", "20"])),
        ("created_at within last 7 days", ("created_at", "within", "last 7 days")),
        ("last_activity_at more than 30 days ago", ("last_activity_at", "before", "30 days ago")),
        ("last_activity_at less than 2 weeks ago", ("last_activity_at", "after", "2 weeks ago")),
        ('"Date added" before 2026-01-01', ("Date added", "before", "2026-01-01")),
        ("custom_fields.tier is Gold", ("custom_fields.tier", "is", "Gold")),
        ("name contains is not", ("name", "contains", "is not")),
    ],
)
def test_a_line_is_a_condition(said: str, made: tuple[str, str, Any]) -> None:
    found = condition(said)
    assert (found["field"], found["op"], found.get("value")) == made


@pytest.mark.parametrize(
    "said", ["", "status", "status New", "status is", "next_task_at is empty x", "status island"]
)
def test_a_line_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(ActionError) as caught:
        condition(said)
    assert caught.value.field == "where"


@given(st.text())
def test_any_line_is_a_condition_or_refused(said: str) -> None:
    try:
        found = condition(said)
    except ActionError:
        return
    assert found["op"] in list(Op)
