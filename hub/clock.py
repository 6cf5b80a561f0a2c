"""Time as an argument. The only module that reads the machine's clock or sleeps.

What does not belong here: parsing or formatting of dates (`hub.mappings.transforms`).
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Returns aware UTC time, and sleeps."""

    def now(self) -> datetime:
        """Return the present, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a test clock only moves its hands."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Block the thread for `seconds`."""
        if seconds > 0:
            time.sleep(seconds)


class FixedClock:
    """A clock for tests: stands still, and jumps when asked to sleep."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.slept_s = 0.0

    def now(self) -> datetime:
        """Return the time the clock was set to, plus all it has slept."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Move the hands without waiting."""
        self.at += timedelta(seconds=seconds)
        self.slept_s += seconds
