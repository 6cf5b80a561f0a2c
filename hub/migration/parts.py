"""What a migration reads of a connector: one interface over those that migrate, and those that only sync.

A source without the interface `Migrates` is read as a sync reads it: each stream is one range. A delta is
read in this way too: its window has a lower bound, so it is one range of what has changed since.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hub.connectors.base import (
    Connector,
    Cursor,
    Migrates,
    Page,
    Range,
    ReadsSideBySide,
    Stream,
    Window,
)
from hub.connectors.windows import after, is_unfinished

_ONLY = "0001"
_FIXED = ("watermark", "window")


@dataclass(frozen=True, slots=True)
class Parts:
    """The objects of one source, for a migration."""

    connector: Connector

    def objects(self) -> Sequence[Stream]:
        """Return all streams that can be read, context and owners first."""
        own = self.connector
        return own.objects() if isinstance(own, Migrates) else own.streams()

    def stream(self, name: str) -> Stream | None:
        """Return a stream by its name; None if the source has none."""
        return next((one for one in self.objects() if one.name == name), None)

    def window(self, stream: Stream, since: datetime | None = None) -> Window:
        """Return the span of a stream until the vendor's present less its lag.

        Args:
            stream: of the source.
            since: the end of an earlier migration; the span begins there, less the source's overlap.
                None: the span is the whole stream.
        """
        start = None if since is None else self.following(stream, Window(None, since))
        return self.connector.window(stream, start)

    def ranges(self, stream: Stream, window: Window) -> Sequence[Range]:
        """Return the ranges of a stream: disjoint, and complete together."""
        own = self.connector
        if window.since is not None:
            return [Range(_ONLY, count_n=self.count(stream, window, Range(_ONLY)))]
        return own.ranges(stream, window) if isinstance(own, Migrates) else [Range(_ONLY)]

    def read(
        self, stream: Stream, window: Window, part: Range, resume: Cursor | None
    ) -> Iterator[Page]:
        """Yield the pages of a range, after a stored position."""
        own = self.connector
        if not isinstance(own, Migrates):
            return own.read(stream, _resumed(window, resume))
        if window.since is not None:
            return own.read(stream, _resumed(self._begun(stream, window), resume))
        return own.read_range(stream, window, part, resume)

    def _begun(self, stream: Stream, window: Window) -> Window:
        """Return the window of a delta with what its connector keeps from an earlier read."""
        cursor = self.following(stream, window)
        return replace(window, resume={k: v for k, v in cursor.items() if k not in _FIXED})

    def count(self, stream: Stream, window: Window, part: Range) -> int | None:
        """Return the vendor's count of a range; None if it cannot count."""
        own = self.connector
        if isinstance(own, Migrates) and window.since is None:
            return own.count_range(stream, window, part)
        return own.count(stream, window.since, window.until) if stream.countable else None

    def side_by_side(self, most: int) -> "list[Parts]":
        """Return parts for as many threads as may read at once, `most` of them; one are these."""
        own = self.connector
        n = min(own.readers, most) if isinstance(own, ReadsSideBySide) else 1
        if n <= 1 or not isinstance(own, ReadsSideBySide):
            return [self]
        return [Parts(own.another()) for _ in range(n)]

    def counts_gone(self, window: Window) -> bool:
        """Tell whether `count` includes deleted and merged records."""
        return isinstance(self.connector, Migrates) and window.since is None

    def following(self, stream: Stream, window: Window) -> Cursor:
        """Return the cursor with which a sync continues after the migration."""
        own = self.connector
        return own.following(stream, window) if isinstance(own, Migrates) else after(window)


def _resumed(window: Window, resume: Cursor | None) -> Window:
    if resume is None or not is_unfinished(resume):
        return window
    position = {k: v for k, v in resume.items() if k not in _FIXED}
    return replace(window, resume=position)
