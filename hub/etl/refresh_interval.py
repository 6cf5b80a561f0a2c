"""The time after which a source's silent values are read again."""

from datetime import timedelta

from hub.landing import silent
from hub.settings import Settings

A_DAY_S = 86_400


def interval(settings: Settings, source: str, *, often: bool = False) -> timedelta:
    """Return the interval of a source; a week for values that often change."""
    block = getattr(settings.sources, source, None)
    every = timedelta(seconds=getattr(block, "refresh_after_s", A_DAY_S))
    return max(every, silent.WEEK) if often else every
