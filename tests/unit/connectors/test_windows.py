"""Windows are frozen once and taken up where they were left."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors.windows import after, freeze, inside, iso, parse_time
from hub.errors import ConfigError

T0 = datetime(2026, 11, 24, 12, 0, 0, 987654, tzinfo=UTC)
moments = st.datetimes(  # naive bounds are how hypothesis wants them
    datetime(1990, 1, 1),  # noqa: DTZ001
    datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def frozen(cursor, now=T0):
    return freeze(cursor, vendor_now=lambda: now, lag_s=60, overlap_s=300)


def test_first_window_begins_at_the_beginning():
    window = frozen(None)
    assert window.since is None
    assert window.until == datetime(2026, 11, 24, 11, 59, tzinfo=UTC)


def test_next_window_overlaps():
    first = frozen(None)
    second = frozen(after(first), T0 + timedelta(hours=1))
    assert second.watermark == first.until
    assert second.since == first.until - timedelta(seconds=300)


def test_the_watermark_never_goes_back():
    first = frozen(None)
    again = frozen(after(first), T0 - timedelta(days=1))
    assert again.until == first.until


@given(moments, st.none() | moments, st.dictionaries(st.sampled_from(["t", "last"]), st.text()))
def test_an_unfinished_window_is_taken_up(now, mark, position):
    cursor = {"watermark": iso(mark)} if mark else None
    window = frozen(cursor, now)

    def not_asked():
        raise AssertionError("a frozen window needs no clock")

    again = freeze(inside(window, position), vendor_now=not_asked, lag_s=1, overlap_s=1)
    assert (again.until, again.resume) == (window.until, position)
    if window.since:
        assert again.since == parse_time(iso(window.since))


@given(moments)
def test_time_round_trip(moment):
    back = parse_time(iso(moment))
    assert back == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T21:00:00.000+0000",
        "2026-11-23T21:00:00Z",
        "2026-11-23T21:00:00.000000Z",
        "2026-11-23T21:00:00",
        "2026-11-23T22:00:00+01:00",
    ],
)
def test_vendor_formats(text):
    assert parse_time(text) == datetime(2026, 11, 23, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "cursor",
    [
        {"watermark": "yesterday"},
        {"watermark": 5},
        {"window": {}},
        {"window": {"since": None, "until": None}},
        {"window": {"since": "x", "until": "2026-01-01T00:00:00Z"}},
    ],
)
def test_a_broken_cursor_asks_for_the_operator(cursor):
    with pytest.raises(ConfigError, match="cursor"):
        frozen(cursor)
