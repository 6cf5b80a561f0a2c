"""Days of a person: a day begins at midnight in the person's time zone. Pure."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def midnight(day: date, zone: str) -> datetime:
    """Return when a day begins in a time zone; in one that is not known, as in UTC."""
    return datetime.combine(day, time(), _zone(zone))


def span(said: str, zone: str) -> tuple[datetime, datetime]:
    """Return when a day begins and ends; a moment is both.

    Args:
        said: `2026-12-21`, or a moment: `2026-12-21 14:00`, with a time zone or without.
        zone: of the person, for what names none.

    Raises:
        ValueError: it is neither.
    """
    if len(said.strip()) == len("2026-12-21"):
        day = date.fromisoformat(said.strip())
        return midnight(day, zone), midnight(day + timedelta(days=1), zone)
    at = datetime.fromisoformat(said.strip())
    known = at if at.tzinfo is not None else at.replace(tzinfo=_zone(zone))
    return known, known


def first_words(at: datetime, zone: str) -> str:
    """Say when a span begins: the day, or the moment where it does not begin with a day."""
    there = at.astimezone(_zone(zone))
    return f"{there:%Y-%m-%d}" if there.time() == time() else f"{there:%Y-%m-%d %H:%M}"


def last_words(until: datetime, zone: str) -> str:
    """Say when a span ends: its last day, or the moment where it does not end with a day."""
    there = until.astimezone(_zone(zone))
    if there.time() == time():
        return f"{there - timedelta(days=1):%Y-%m-%d}"
    return f"{there:%Y-%m-%d %H:%M}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
