"""Extract: read one stream's frozen window, and prove that it was read completely.

The vendor's own count of the window is compared with the number of distinct objects read. If they
differ, the window is halved until the narrowest differing range is known. This range is read again.
Records that are still missing are a shortage: the run fails and names it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.connectors.base import Connector, Page, Stream, Window

_NARROWEST = timedelta(seconds=1)
_MAX_RANGES = 24


@dataclass(frozen=True, slots=True)
class Range:
    """A span of the vendor's time in which the vendor counts more records than it returned."""

    since: datetime | None
    until: datetime
    counted: int
    seen: int


Seen = Callable[[datetime | None, datetime], int]
Land = Callable[[Page], None]


def short_ranges(
    connector: Connector, stream: Stream, seen: Seen, window: Window, *, earliest: datetime
) -> list[Range]:
    """Return the narrowest ranges of the window whose count exceeds what was seen.

    Args:
        connector: asked for counts.
        stream: the stream.
        seen: the hub's count of a range.
        window: the frozen window that was read.
        earliest: where an unbounded window begins for the halving (the oldest object seen).
    """
    found: list[Range] = []
    todo: list[tuple[datetime | None, datetime]] = [(window.since, window.until)]
    while todo and len(found) < _MAX_RANGES:
        since, until = todo.pop()
        counted = connector.count(stream, since, until)
        here = seen(since, until)
        if counted is None or counted <= here:
            continue
        start = since or min(earliest, until - _NARROWEST)
        middle = (start + (until - start) / 2).replace(microsecond=0)
        if until - start <= _NARROWEST or middle <= start:
            found.append(Range(since, until, counted, here))
            continue
        todo.extend([(middle, until), (since, middle)])
    return found


def reread(connector: Connector, stream: Stream, ranges: list[Range], land: Land) -> None:
    """Read the given ranges again; pages land, the stream's cursor does not move."""
    for part in ranges:
        for page in connector.read(stream, Window(part.since, part.until)):
            land(page)
