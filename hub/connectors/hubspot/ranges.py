"""Ranges of ids for a migration: cut a type of objects, read one range, count it again.

A range of living objects is bounded by ids and by the creation time. The last range is the archive: what was
deleted before the migration was planned. What is deleted later is in neither of them, and the next read
brings its deletion. A search counts itself; the archive has no count, so it is listed again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hub.connectors.base import Cursor, Page, Range, Window
from hub.connectors.http import HINTS
from hub.connectors.hubspot import search
from hub.connectors.hubspot.client import HubspotClient, HubspotConfig, next_after
from hub.connectors.hubspot.joins import Joiner
from hub.connectors.hubspot.kinds import ID, MERGED, Kind
from hub.connectors.hubspot.objects import Item, found_in, gone_records, live_records
from hub.connectors.hubspot.search import Filter, filter_of, millis
from hub.errors import ProtocolError

ARCHIVE = "archived"
"""The lower bound of the range of the archive; no id is such a word."""
_LISTED = 100
_DONE: Cursor = {"done": True}


class RangeReader:
    """Cuts and reads the ranges of one account.

    Args:
        client: of the account.
        joiner: joins what belongs to a record.
        config: sizes.
    """

    def __init__(self, client: HubspotClient, joiner: Joiner, config: HubspotConfig) -> None:
        self._client, self._joiner, self._config = client, joiner, config

    def ranges(self, kind: Kind, window: Window) -> Sequence[Range]:
        """Return the ranges of the living objects, and that of the archive if it has any."""
        whole = Range("")
        total_n = self.living_n(kind, window, whole)
        if total_n <= self._config.range_size:
            cuts = [whole]
        else:
            first, last = (self._edge(kind, window, one) for one in ("ASCENDING", "DESCENDING"))
            lows = [str(n) for n in self._halves(kind, window, first, last + 1, total_n)]
            bounds = [None, *lows[1:], None]
            cuts = [Range("", bounds[n], bounds[n + 1]) for n in range(len(lows))]
        found = [replace(one, count_n=self.count(kind, window, one)) for one in cuts]
        archived_n = self.count(kind, window, Range("", ARCHIVE))
        if archived_n:
            found.append(Range("", ARCHIVE, None, archived_n))
        return [replace(one, key=f"{n:04}") for n, one in enumerate(found, start=1)]

    def _halves(
        self, kind: Kind, window: Window, low: int, high: int, total_n: int
    ) -> Sequence[int]:
        """Return the beginning of each range; a range is halved until it is small."""
        if total_n <= self._config.range_size or high - low <= 1:
            return [low]
        middle = (low + high) // 2
        lower_n = self.living_n(kind, window, Range("", str(low), str(middle)))
        upper_n = total_n - lower_n
        lower = self._halves(kind, window, low, middle, lower_n) if lower_n else []
        upper = self._halves(kind, window, middle, high, upper_n) if upper_n > 0 else []
        return [*lower, *upper]

    def _edge(self, kind: Kind, window: Window, direction: str) -> int:
        """Return the first or the last id of the living objects."""
        body = search.body_of(
            _groups(kind, window, Range("")), limit=1, properties=[ID], direction=direction
        )
        items = found_in(self._client.search(kind.name, body)).items
        if not items or not items[0].id.isdecimal():
            raise ProtocolError(
                f"hubspot {kind.name}: records are counted and not found", hint=HINTS[ProtocolError]
            )
        return int(items[0].id)

    def living_n(self, kind: Kind, window: Window, part: Range, *more: Filter) -> int:
        """Return the vendor's count of the living objects of a range, by further filters too."""
        body = search.body_of(_groups(kind, window, part, *more), limit=1, properties=[ID])
        return self._client.search(kind.name, body).count("total")

    def count(self, kind: Kind, window: Window, part: Range) -> int:
        """Return the vendor's count of what a range has, with those that were merged into others."""
        if part.low == ARCHIVE:
            pages = self._archive(kind, window, "")
            return len({one.source_id for page in pages for one in page.records})
        own_n = self.living_n(kind, window, part)
        return own_n + len(
            {one for item in self.survivors(kind, window, part) for one in item.losers()}
        )

    def survivors(self, kind: Kind, window: Window, part: Range) -> Sequence[Item]:
        """Return the objects of a range into which others were merged."""
        merged: Filter = {"propertyName": MERGED, "operator": "HAS_PROPERTY"}

        def body(last: str) -> Mapping[str, Any]:
            groups = _groups(kind, window, _after(part, last), merged)
            return search.body_of(groups, limit=self._config.page_size, properties=[ID, MERGED])

        return search.walk(self._client, kind.name, body)

    def read(
        self,
        kind: Kind,
        window: Window,
        part: Range,
        resume: Cursor | None,
        properties: Sequence[str],
    ) -> Iterator[Page]:
        """Yield the pages of a range after a position."""
        position = resume or {}
        if position.get("done"):
            return
        if part.low == ARCHIVE:
            yield from self._archive(kind, window, str(position.get("archive") or ""))
            return
        last = str(position.get("last") or "")
        while True:
            groups = _groups(kind, window, _after(part, last))
            body = search.body_of(groups, limit=self._config.page_size, properties=properties)
            found, is_last = search.next_page(self._client, kind.name, body, last)
            records = live_records(kind.changed, self._joiner.joined(kind, found))
            if is_last:
                yield Page(records, _DONE)
                return
            last = search.last_id(found)
            yield Page(records, {"last": last})

    def _archive(self, kind: Kind, window: Window, after: str) -> Iterator[Page]:
        """Yield what was deleted before the window's end; the archive has no filter."""
        seen: set[str] = set()
        until = Window(None, window.until)
        while True:
            params: dict[str, Any] = {
                "limit": _LISTED,
                "archived": "true",
                "properties": [ID, MERGED],
            }
            answer = self._client.list(kind.name, {**params, "after": after} if after else params)
            records = gone_records(found_in(answer), until)
            after = next_after(answer)
            if not after:
                yield Page(records, _DONE)
                return
            if after in seen:
                raise ProtocolError(
                    f"hubspot {kind.name} archive: the page after {after} comes again",
                    hint=HINTS[ProtocolError],
                )
            seen.add(after)
            yield Page(records, {"archive": after})


def _after(part: Range, last: str) -> Range:
    """Return what is left of a range after an id."""
    return replace(part, low=str(int(last) + 1)) if last.isdecimal() else part


def _groups(kind: Kind, window: Window, part: Range, *more: Filter) -> Sequence[Sequence[Filter]]:
    """Return the filters of a range; a record without a time of creation is in it too."""
    own = [*more]
    if part.low is not None:
        own.append(filter_of(ID, "GTE", part.low))
    if part.high is not None:
        own.append(filter_of(ID, "LT", part.high))
    untimed: Filter = {"propertyName": kind.created, "operator": "NOT_HAS_PROPERTY"}
    return [[filter_of(kind.created, "LT", millis(window.until)), *own], [untimed, *own]]
