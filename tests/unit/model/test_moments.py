"""Moments as people write them, in their time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hub.model.moments import moment_of, zone_named

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 12, 2, 23, 30, tzinfo=UTC)  # Thursday the 3rd, 0:30, in Paris


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("2026-12-01 9:00", "2026-12-01T08:00"),
        ("2026-12-01 09:00:30", "2026-12-01T08:00:30"),
        ("2026-12-01T09:00", "2026-12-01T08:00"),
        ("2026-12-01T09:00+05:00", "2026-12-01T04:00"),
        ("2026-12-01T09:00Z", "2026-12-01T09:00"),
        ("2026-12-01", "2026-11-30T23:00"),
        ("now", "2026-12-02T23:30"),
        ("9:00", "2026-12-03T08:00"),
        ("today 9am", "2026-12-03T08:00"),
        ("Tomorrow at 2:30 pm", "2026-12-04T13:30"),
        ("tomorrow", "2026-12-03T23:00"),
        ("yesterday 12am", "2026-12-01T23:00"),
        ("thursday 8:15", "2026-12-10T07:15"),
        ("friday 12pm", "2026-12-04T11:00"),
        ("in 2 hours", "2026-12-03T01:30"),
        ("30 minutes ago", "2026-12-02T23:00"),
        ("in 2 weeks 9:00", "2026-12-17T08:00"),
        ("2027-03-28 2:30", "2027-03-28T01:30"),  # does not exist: 3:30 of summer
        ("2026-10-25 2:30", "2026-10-25T00:30"),  # twice: the first
    ],
)
def test_a_moment_is_of_the_person_s_zone(words: str, meant: str) -> None:
    found = moment_of(words, NOW, PARIS)
    assert found is not None
    assert found.tzinfo is UTC
    assert found == datetime.fromisoformat(meant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "words",
    ["", "9", "soon", "25:00", "13pm", "0am", "2026-02-30 9:00", "2026-13-01", "tomorrow 9",
     "9999-12-31T23:59-10:00", "in 99999 years", "9:00 tomorrow morning"],
)  # fmt: skip
def test_other_words_are_no_moment(words: str) -> None:
    assert moment_of(words, NOW, PARIS) is None


def test_an_unknown_zone_is_utc() -> None:
    assert [zone_named(name).key for name in ("Asia/Tokyo", "Nowhere", "", "../x")] == [
        "Asia/Tokyo", "UTC", "UTC", "UTC",
    ]  # fmt: skip
