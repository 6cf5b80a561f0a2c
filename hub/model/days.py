"""Days of a person: a day begins at midnight in the person's time zone. Pure."""

from datetime import date, datetime, time, timedelta

from hub.model.moments import day_of, moment_of, zone_named


def midnight(day: date, zone: str) -> datetime:
    """Return when a day begins in a time zone; in one that is not known, as in UTC."""
    return datetime.combine(day, time(), zone_named(zone))


def span(said: str, zone: str, now: datetime) -> tuple[datetime, datetime] | None:
    """Return when a day begins and ends; a moment is both; None for other words.

    Args:
        said: a day or a moment, as `hub.model.moments` reads them.
        zone: of the person, for what names none.
        now: aware.
    """
    there = zone_named(zone)
    day = day_of(said, now.astimezone(there).date())
    if day is not None:
        return midnight(day, zone), midnight(day + timedelta(days=1), zone)
    at = moment_of(said, now, there)
    return None if at is None else (at, at)


def first_words(at: datetime, zone: str) -> str:
    """Say when a span begins: the day, or the moment where it does not begin with a day."""
    there = at.astimezone(zone_named(zone))
    return f"{there:%Y-%m-%d}" if there.time() == time() else f"{there:%Y-%m-%d %H:%M}"


def last_words(until: datetime, zone: str) -> str:
    """Say when a span ends: its last day, or the moment where it does not end with a day."""
    there = until.astimezone(zone_named(zone))
    if there.time() == time():
        return f"{there - timedelta(days=1):%Y-%m-%d}"
    return f"{there:%Y-%m-%d %H:%M}"
