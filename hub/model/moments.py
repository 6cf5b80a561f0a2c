"""Days and moments as people write them: `2026-12-01 9:00`, `tomorrow 9:00`, `in 2 hours`. Pure.

In: words, the present, and the time zone of the person who writes. Out: a day of that zone, or an
aware moment in UTC. A moment without an offset is of the zone. When clocks go forward, a time that
does not exist is as much later (2:30 is 3:30); when they go back, the first of two is meant.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

UNIT = r"(day|week|month|quarter|year)"
HINT = "as 2026-12-01 9:00, tomorrow 9:00, in 2 hours, or 2026-12-01T09:00+01:00"
_AGO = re.compile(rf"(\d{{1,5}}) {UNIT}s? ago")
_AHEAD = re.compile(rf"in (\d{{1,5}}) {UNIT}s?")
_WORDS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_TIME = re.compile(r"(\d{1,2})(?::(\d\d)(?::(\d\d)(?:\.\d+)?)?)? ?(am|pm)?")
_SPAN = re.compile(r"(?:in (\d{1,5}) (minute|min|hour|h)s?|(\d{1,5}) (minute|min|hour|h)s? ago)")
_NOON = 12


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; UTC where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


def day_of(words: str, today: date) -> date | None:
    """Return one day: `today`, `30 days ago`, `in 2 weeks`, `2026-03-01`; None for other words."""
    said = " ".join(words.lower().split())
    try:
        if said in _WORDS:
            return today + timedelta(days=_WORDS[said])
        if ago := _AGO.fullmatch(said):
            return moved(today, -int(ago[1]), ago[2])
        if ahead := _AHEAD.fullmatch(said):
            return moved(today, int(ahead[1]), ahead[2])
        return date.fromisoformat(said) if re.fullmatch(r"\d{4}-\d\d-\d\d", said) else None
    except (ValueError, OverflowError):
        return None


def moment_of(words: str, now: datetime, zone: tzinfo) -> datetime | None:
    """Return the moment, in UTC, that words mean; None for other words.

    Args:
        words: a moment with or without an offset, a day (its beginning), a day and a time, a time
            of today, `now`, or a span from now: `in 2 hours`, `30 minutes ago`. A weekday is the
            next one after today.
        now: aware.
        zone: of the person who writes.
    """
    said = " ".join(words.strip().lower().replace(" at ", " ").split())
    try:
        found = _from_now(said, now) or _written(words.strip()) or _day_and_time(said, now, zone)
        if found is None:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _from_now(said: str, now: datetime) -> datetime | None:
    if said == "now":
        return now
    found = _SPAN.fullmatch(said)
    if not found:
        return None
    n, unit = int(found[1] or found[3]), found[2] or found[4]
    span = timedelta(hours=n) if unit.startswith("h") else timedelta(minutes=n)
    return now + span if found[1] else now - span


def _written(words: str) -> datetime | None:
    """Return a moment of ISO 8601; one without an offset is naive."""
    if not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:?\d\d", words):
        return None
    return datetime.fromisoformat(words)


def _day_and_time(said: str, now: datetime, zone: tzinfo) -> datetime | None:
    """Return a day, a time, or both, as a naive moment of the zone."""
    today = now.astimezone(zone).date()
    if (at := _time(said)) is not None:
        return datetime.combine(today, at)
    if (day := _day(said, today)) is not None:
        return datetime.combine(day, time())
    parts = said.split(" ")
    for n in (1, 2):
        begun, at = _day(" ".join(parts[:-n]), today), _time(" ".join(parts[-n:]))
        if begun is not None and at is not None:
            return datetime.combine(begun, at)
    return None


def _day(said: str, today: date) -> date | None:
    if said in _WEEKDAYS:
        ahead = (_WEEKDAYS.index(said) - today.weekday() - 1) % 7 + 1
        return today + timedelta(days=ahead)
    return day_of(said, today)


def _time(said: str) -> time | None:
    """Return a time of day: `9:00`, `09:00:30`, `9am`, `2:30 pm`; a number alone is none."""
    found = _TIME.fullmatch(said)
    if not found or not (found[2] or found[4]):
        return None
    hour = int(found[1])
    if found[4]:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if found[4] == "pm" else 0)
    return time(hour, int(found[2] or 0), int(found[3] or 0))


def moved(day: date, n: int, unit: str) -> date:
    """Move a day; the 31st of a shorter month is its last day."""
    if unit not in _MONTHS:
        return day + timedelta(days=n * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 + n * _MONTHS[unit]
    first = date(months // 12, months % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))
