"""Dates as people say them: `today`, `last 7 days`, `this month`, `30 days ago`, `2026-03`.

In: words, the moment, and the time zone of the asking user. Out: days of that zone, as a half-open
span or as one day. `last 7 days` ends with today, `next 7 days` begins with it; weeks begin on
Monday. Pure.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.frozen import dataclass
from hub.model import moments
from hub.model.moments import UNIT, day_of, moved

_ROLLING = re.compile(rf"(last|next) (\d{{1,5}}) {UNIT}s?")
_CALENDAR = re.compile(rf"(this|last|next) {UNIT}")


@dataclass(frozen=True, slots=True)
class Moment:
    """When is asked, and where.

    Args:
        now: an aware moment.
        zone: the time zone of the asking user.
    """

    now: datetime
    zone: ZoneInfo

    @property
    def here(self) -> datetime:
        """Return the moment in the time zone there."""
        return self.now.astimezone(self.zone)

    @property
    def today(self) -> date:
        """Return the day it is there."""
        return self.here.date()

    def start_of(self, day: date) -> datetime:
        """Return the moment, in UTC, at which a day begins there."""
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)


def span(words: str, today: date) -> tuple[date, date] | None:
    """Return the first day of a period and the first one after it; None for other words."""
    said = " ".join(words.lower().split())
    try:
        for read in (_rolling, _calendar, _written):
            if found := read(said, today):
                return found
        day = day_of(said, today)
        return (day, day + timedelta(days=1)) if day else None
    except (ValueError, OverflowError):
        return None


def moment_of(words: str, moment: Moment) -> datetime | None:
    """Return a moment written with its time, in UTC; None for days and periods."""
    if span(words, moment.today):
        return None
    return moments.moment_of(words, moment.now, moment.zone)


def _rolling(said: str, today: date) -> tuple[date, date] | None:
    found = _ROLLING.fullmatch(said)
    if not found:
        return None
    n = int(found[2])
    if found[1] == "last":
        tomorrow = today + timedelta(days=1)
        return moved(tomorrow, -n, found[3]), tomorrow
    return today, moved(today, n, found[3])


def _calendar(said: str, today: date) -> tuple[date, date] | None:
    found = _CALENDAR.fullmatch(said)
    if not found:
        return None
    unit = found[2]
    begun = _BEGINNING[unit](today)
    first = moved(begun, {"this": 0, "last": -1, "next": 1}[found[1]], unit)
    return first, moved(first, 1, unit)


def _written(said: str, _today: date) -> tuple[date, date] | None:
    found = re.fullmatch(r"(\d{4})(?:-(\d\d))?", said)
    if not found:
        return None
    first = date(int(found[1]), int(found[2] or 1), 1)
    return first, moved(first, 1, "month" if found[2] else "year")


_BEGINNING: dict[str, Callable[[date], date]] = {
    "day": lambda d: d,
    "week": lambda d: d - timedelta(days=d.weekday()),
    "month": lambda d: d.replace(day=1),
    "quarter": lambda d: d.replace(month=(d.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda d: d.replace(month=1, day=1),
}
