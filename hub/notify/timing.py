"""When a notice is sent: at once, at a person's digest time, or when the quiet hours have ended. Pure.

In: a mode, the present, and what the person has set, in the person's time zone. Out: a moment in UTC. When
clocks go forward, a digest time that does not exist is as much later (2:30 is 3:30); when they go back, the
first of two is meant. Quiet hours go by the clock on the wall: 22:00-07:00 is an hour shorter or longer in
the night of a change. Not here: which channels a person wants (`preferences`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from hub.notify.preferences import Mode

_MINUTE = timedelta(minutes=1)
_SATURDAY = 5
_DAYS_LOOKED = 3
_LONGEST_MIN = 8 * 24 * 60


@dataclass(frozen=True, slots=True)
class Quiet:
    """The hours in which a person gets no mail.

    Args:
        since: first minute, on the person's clock; None with `until` None: no hour of a working day.
        until: the first minute after them; it may be of the next day.
        weekends: whether Saturdays and Sundays are quiet as a whole.
    """

    since: time | None = None
    until: time | None = None
    weekends: bool = False

    def holds(self, at: datetime, zone: tzinfo) -> bool:
        """Tell whether a moment is in the quiet hours."""
        there = at.astimezone(zone)
        if self.weekends and there.weekday() >= _SATURDAY:
            return True
        if self.since is None or self.until is None:
            return False
        now = there.time()
        if self.since <= self.until:
            return self.since <= now < self.until
        return now >= self.since or now < self.until

    def end(self, at: datetime, zone: tzinfo) -> datetime:
        """Return the first minute from `at` on that is not quiet; eight days later, if none is."""
        if not self.holds(at, zone):
            return at
        found = at.astimezone(UTC).replace(second=0, microsecond=0)
        for _ in range(_LONGEST_MIN):
            found += _MINUTE
            if not self.holds(found, zone):
                break
        return found


NEVER_QUIET = Quiet()


def next_digest(at: datetime, zone: tzinfo, times: Sequence[time]) -> datetime:
    """Return the first digest time after a moment; each of them is once a day."""
    today = at.astimezone(zone).date()
    days = [today + timedelta(days=n) for n in range(-1, _DAYS_LOOKED)]
    moments = (datetime.combine(day, one, zone).astimezone(UTC) for day in days for one in times)
    return min(moment for moment in moments if moment > at)


def send_at(
    mode: Mode, at: datetime, zone: tzinfo, *, quiet: Quiet, times: Sequence[time], is_silent: bool
) -> datetime | None:
    """Return when a notice is sent; None is now.

    Args:
        mode: instant or digest.
        at: the present, aware.
        zone: of the person.
        quiet: the person's quiet hours.
        times: the person's digest times, at least one.
        is_silent: whether the channel disturbs nobody, so that quiet hours do not matter.
    """
    wanted = next_digest(at, zone, times) if mode is Mode.DIGEST else at
    free = wanted if is_silent else quiet.end(wanted, zone)
    return None if free <= at else free
