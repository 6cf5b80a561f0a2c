"""What a migration reads of a connector: one interface over those that migrate, and those that only sync.

A source without the interface `Migrates` is read as a sync reads it: each stream is one range.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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

_WHOLE = (Range("0001"),)


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

    def window(self, stream: Stream) -> Window:
        """Return the whole of a stream, until the vendor's present less its lag."""
        return self.connector.window(stream, None)

    def ranges(self, stream: Stream, window: Window) -> Sequence[Range]:
        """Return the ranges of a stream: disjoint, and complete together."""
        own = self.connector
        return own.ranges(stream, window) if isinstance(own, Migrates) else _WHOLE

    def read(
        self, stream: Stream, window: Window, part: Range, resume: Cursor | None
    ) -> Iterator[Page]:
        """Yield the pages of a range, after a stored position."""
        own = self.connector
        if isinstance(own, Migrates):
            return own.read_range(stream, window, part, resume)
        return own.read(stream, _resumed(window, resume))

    def count(self, stream: Stream, window: Window, part: Range) -> int | None:
        """Return the vendor's count of a range, gone records included; None if it cannot count."""
        own = self.connector
        if isinstance(own, Migrates):
            return own.count_range(stream, window, part)
        return own.count(stream, window.since, window.until) if stream.countable else None

    def side_by_side(self, most: int) -> "list[Parts]":
        """Return parts for as many threads as may read at once, `most` of them; one are these."""
        own = self.connector
        n = min(own.readers, most) if isinstance(own, ReadsSideBySide) else 1
        if n <= 1 or not isinstance(own, ReadsSideBySide):
            return [self]
        return [Parts(own.another()) for _ in range(n)]

    @property
    def counts_gone(self) -> bool:
        """Tell whether `count` includes deleted and merged records."""
        return isinstance(self.connector, Migrates)

    @staticmethod
    def following(window: Window) -> Cursor:
        """Return the cursor with which a sync continues after the migration."""
        return after(window)


def _resumed(window: Window, resume: Cursor | None) -> Window:
    if resume is None or not is_unfinished(resume):
        return window
    position = {k: v for k, v in resume.items() if k not in ("watermark", "window")}
    return replace(window, resume=position)
