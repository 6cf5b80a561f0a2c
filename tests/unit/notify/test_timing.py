"""When a notice is sent, over quiet hours, digest times, zones and changes of the clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.notify.preferences import Mode
from hub.notify.timing import NEVER_QUIET, Quiet, next_digest, send_at

PARIS, YORK, LORD_HOWE = (
    ZoneInfo("Europe/Paris"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Australia/Lord_Howe"),
)
NIGHT = Quiet(time(22), time(7))
LATE = Quiet(time(22), time(2, 30))
NOON = Quiet(time(12), time(14))
WEEKEND = Quiet(time(20), time(7), weekends=True)
EIGHT = [time(8)]


def at(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "zone", "now", "sent"),
    [
        (NEVER_QUIET, PARIS, "2026-06-01T23:00", None),
        (NIGHT, PARIS, "2026-06-01T19:59", None),  # 21:59
        (NIGHT, PARIS, "2026-06-01T20:00", "2026-06-02T05:00"),  # 22:00, to 07:00
        (NIGHT, PARIS, "2026-06-02T04:59", "2026-06-02T05:00"),
        (NIGHT, PARIS, "2026-06-02T05:00", None),  # 07:00 is free
        (NIGHT, YORK, "2026-06-01T20:00", None),  # 16:00 there
        (NIGHT, YORK, "2026-06-02T02:00", "2026-06-02T11:00"),
        (NOON, PARIS, "2026-06-01T10:00", "2026-06-01T12:00"),
        (NOON, PARIS, "2026-06-01T12:00", None),
        # clocks go forward: 2026-03-29 02:00 is 03:00 in Paris
        (NIGHT, PARIS, "2026-03-28T21:00", "2026-03-29T05:00"),  # an hour shorter
        (LATE, PARIS, "2026-03-29T00:30", "2026-03-29T01:00"),  # 02:30 does not exist: 03:00
        # clocks go back: 2026-10-25 03:00 is 02:00 in Paris
        (NIGHT, PARIS, "2026-10-24T20:00", "2026-10-25T06:00"),  # an hour longer
        (LATE, PARIS, "2026-10-25T00:10", "2026-10-25T00:30"),  # the first 02:30
        (LATE, PARIS, "2026-10-25T01:10", "2026-10-25T01:30"),  # 02:10 for the second time
        (NIGHT, YORK, "2026-03-08T03:00", "2026-03-08T11:00"),
        (NIGHT, YORK, "2026-11-01T02:00", "2026-11-01T12:00"),
        # half an hour of summer time
        (NIGHT, LORD_HOWE, "2026-04-04T12:00", "2026-04-04T20:30"),
        (WEEKEND, PARIS, "2026-06-05T17:00", None),  # Friday 19:00
        (WEEKEND, PARIS, "2026-06-05T18:00", "2026-06-08T05:00"),  # Friday 20:00, to Monday
        (WEEKEND, PARIS, "2026-06-07T10:00", "2026-06-08T05:00"),
        (Quiet(weekends=True), PARIS, "2026-06-07T10:00", "2026-06-07T22:00"),  # Monday 00:00
        (Quiet(weekends=True), PARIS, "2026-06-08T02:00", None),
    ],
)  # fmt: skip
def test_an_instant_notice_waits_for_the_end_of_the_quiet_hours(quiet, zone, now, sent):
    found = send_at(Mode.INSTANT, at(now), zone, quiet=quiet, times=EIGHT, is_silent=False)
    assert found == (sent and at(sent))
    silent = send_at(Mode.INSTANT, at(now), zone, quiet=quiet, times=EIGHT, is_silent=True)
    assert silent is None


@pytest.mark.parametrize(
    ("times", "zone", "now", "sent"),
    [
        (EIGHT, PARIS, "2026-06-01T05:59", "2026-06-01T06:00"),
        (EIGHT, PARIS, "2026-06-01T06:00", "2026-06-02T06:00"),  # exactly then: the next one
        (EIGHT, YORK, "2026-06-01T06:00", "2026-06-01T12:00"),
        ([time(8), time(14)], PARIS, "2026-06-01T06:00", "2026-06-01T12:00"),
        (EIGHT, PARIS, "2026-03-28T12:00", "2026-03-29T06:00"),
        (EIGHT, PARIS, "2026-03-27T12:00", "2026-03-28T07:00"),
        ([time(2, 30)], PARIS, "2026-03-29T00:00", "2026-03-29T01:30"),  # is 03:30
        ([time(2, 30)], PARIS, "2026-10-25T00:00", "2026-10-25T00:30"),  # the first one
        ([time(2, 30)], PARIS, "2026-10-25T00:30", "2026-10-26T01:30"),  # and not the second
    ],
)
def test_a_digest_is_sent_at_its_time_on_the_clock_of_the_person(times, zone, now, sent):
    assert next_digest(at(now), zone, times) == at(sent)


def test_a_digest_time_in_quiet_hours_waits_for_their_end():
    now = at("2026-06-01T18:00")
    found = send_at(Mode.DIGEST, now, PARIS, quiet=NIGHT, times=[time(6)], is_silent=False)
    assert found == at("2026-06-02T05:00")
    web = send_at(Mode.DIGEST, now, PARIS, quiet=NIGHT, times=[time(6)], is_silent=True)
    assert web == at("2026-06-02T04:00")


MOMENTS = st.integers(0, 730 * 24 * 60 - 1).map(
    lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n, seconds=n % 60)
)
ZONES = st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
                         "America/St_Johns", "Pacific/Apia"]).map(ZoneInfo)  # fmt: skip
TIMES = st.times(datetime.min.time(), time(23, 59)).map(
    lambda t: t.replace(second=0, microsecond=0)
)


@given(MOMENTS, ZONES, TIMES, TIMES, st.booleans())
def test_nothing_is_sent_in_quiet_hours_and_nothing_waits_longer_than_they_last(
    now, zone, since, until, weekends
):
    quiet = Quiet(since, until, weekends) if since != until else Quiet(weekends=weekends)
    end = quiet.end(now, zone)
    assert not quiet.holds(end, zone)
    assert end >= now
    if end > now:
        assert quiet.holds(end - timedelta(minutes=1), zone)


@given(MOMENTS, ZONES, st.lists(TIMES, min_size=1, max_size=3))
def test_a_digest_is_never_more_than_a_day_and_an_hour_away(now, zone, times):
    found = next_digest(now, zone, times)
    assert timedelta(0) < found - now <= timedelta(hours=25, minutes=1)
