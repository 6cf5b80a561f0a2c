"""Days of a person: a day begins at midnight in the person's time zone. Pure."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def midnight(day: date, zone: str) -> datetime:
    """Return when a day begins in a time zone; in one that is not known, as in UTC."""
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        known = ZoneInfo("UTC")
    return datetime.combine(day, time(), known)
