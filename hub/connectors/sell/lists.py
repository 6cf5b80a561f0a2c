"""A list of Zendesk Sell, page by page, so that a change during the walk loses nothing.

Sell has page numbers alone: no cursor, no filter by time or by a span of ids, no count. The list is asked for
in an ascending order and read from its last page back to the first. A record that is deleted or changed
meanwhile leaves its place, and those after it move towards the beginning, to pages that are still to be
read. A new record has the highest id and the latest time, so it comes last. So a record may come twice, and
none is left out.

Not here: what a window is (`streams.py`), what is joined to a record (`joins.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from hub.connectors.answers import decode
from hub.connectors.base import Range
from hub.connectors.sell.client import SellClient
from hub.connectors.windows import parse_time
from hub.errors import ProtocolError

_MOST_PAGES = 1 << 24


class _Item(msgspec.Struct):
    """The keys of a record that the connector reads; the payload itself stays bytes."""

    id: int | str | None = None
    created_at: str | None = None
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a list; without an id it is yielded all the same, and landing quarantines it."""

    id: int | None
    name: str
    created_at: datetime | None
    updated_at: datetime | None
    version: str
    raw: bytes

    def key(self, name: str) -> str:
        """Return the number or the text of another key, "" without one."""
        value = decode(self.raw, dict[str, object]).get(name)
        return str(value) if isinstance(value, int | str) else ""


def row_of(raw: bytes) -> Row:
    """Return a record with the keys that a walk needs."""
    item = decode(raw, _Item)
    name = "" if item.id is None else str(item.id)
    return Row(
        int(name) if name.isdecimal() else None,
        name,
        parse_time(item.created_at),
        parse_time(item.updated_at or item.created_at),
        item.updated_at or item.created_at or "",
        raw,
    )


class PagedList:
    """One list, in one order.

    Args:
        client: of the account.
        path: of the list.
        params: of every request.
        order: the key that it is sorted by, ascending.
        size: records on one page.
    """

    def __init__(
        self,
        client: SellClient,
        path: str,
        params: Mapping[str, str | int],
        *,
        order: str = "id",
        size: int,
    ) -> None:
        self._client, self._path = client, path
        self._params, self.size = {**params, "sort_by": order, "per_page": size}, size

    def page(self, number: int) -> Sequence[Row]:
        """Return the records of a page, the first page is 1; none after the last one."""
        if number < 1:
            return ()
        raws = self._client.page(self._path, {**self._params, "page": number})
        # a record that is twice in an answer counts once, so that places stay right
        found = {row.id or -n: row for n, row in enumerate(map(row_of, raws), 1)}
        return list(found.values())

    def last(self, hint: int = 1) -> tuple[int, Sequence[Row]]:
        """Return the number of the last page with records, and its records; 0 for an empty list.

        Args:
            hint: about where it is.
        """
        return self._bisect(bool, hint)

    def last_below(self, bound: int, hint: int = 1) -> tuple[int, Sequence[Row]]:
        """Return the last page that begins with an id below a bound; 0 if there is none."""
        return self._bisect(lambda rows: bool(rows) and _first_id(rows) < bound, hint)

    def _bisect(
        self, holds: Callable[[Sequence[Row]], bool], hint: int
    ) -> tuple[int, Sequence[Row]]:
        """Return the last page for which a test holds; it holds for all pages before it.

        What was deleted before the next page was asked for has moved records of that page to this one. So this
        one is read after the next.
        """
        seen: dict[int, Sequence[Row]] = {0: ()}
        newest = 0

        def test(number: int) -> bool:
            nonlocal newest
            if number == 0:
                return True
            if number > _MOST_PAGES:
                raise ProtocolError(f"sell {self._path}: the list has no end")
            seen[number], newest = self.page(number), number
            return holds(seen[number])

        good, step = max(hint, 1), 1
        if test(good):
            bad = good + 1
            while test(bad):
                good, step = bad, step * 2
                bad = good + step
        else:
            bad, good = good, max(good - 1, 0)
            while not test(good):
                bad, step = good, step * 2
                good = max(good - step, 0)
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if test(middle) else (good, middle)
        if good and newest > good:
            seen[good] = self.page(good)
        return good, seen[good]

    def back_from(
        self, number: int, rows: Sequence[Row] | None = None
    ) -> Iterator[tuple[int, Sequence[Row]]]:
        """Yield the pages from one back to the first.

        Args:
            number: of the page to begin with.
            rows: its records, if they were just read.
        """
        while number > 0:
            yield number, self.page(number) if rows is None else rows
            number, rows = number - 1, None


def _first_id(rows: Sequence[Row]) -> int:
    return min((row.id for row in rows if row.id is not None), default=0)


@dataclass(frozen=True, slots=True)
class IdRanges:
    """The ranges of a list, by ids.

    Args:
        list_: sorted by id.
        until: records that were created later belong to no range.
        pages_n: pages in one range.
        seen: the first and the last page of ranges, where a read has found them; filled by reads.
    """

    list_: PagedList
    until: datetime
    pages_n: int
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def cut(self) -> Sequence[Range]:
        """Return the ranges, disjoint and complete; a small list has one."""
        last, rows = self.list_.last()
        bounds: list[str] = []
        for number in range(1 + self.pages_n, last + 1, self.pages_n):
            first = _first_id(self.list_.page(number))
            if first and (not bounds or first > int(bounds[-1])):
                bounds.append(str(first))
        lows, highs = [None, *bounds], [*bounds, None]
        size_n = self.pages_n * self.list_.size
        rest = max(last - 1, 0) * self.list_.size + len(rows) - len(bounds) * size_n
        return [
            Range(f"{n:04}", low, high, size_n if high else max(rest, 0))
            for n, (low, high) in enumerate(zip(lows, highs, strict=True), 1)
        ]

    def read(
        self, part: Range, page: int | None = None, below: int | None = None
    ) -> Iterator[tuple[Sequence[Row], int, int | None]]:
        """Yield the records of a range, the page to read next, and the lowest id so far.

        Args:
            part: the range.
            page: where an interrupted read goes on; None to begin.
            below: the lowest id that was read before.
        """
        rows: Sequence[Row] | None = None
        if page is None:
            page, rows = self._start(part)
        last = page
        for number, found in self.list_.back_from(page, rows):
            kept = [row for row in found if self._is_in(row, part, below)]
            known = [row.id for row in kept if row.id is not None]
            below = min([*known, *([] if below is None else [below])], default=None)
            is_over = part.low is not None and bool(found) and _first_id(found) < int(part.low)
            self.seen[part.key] = (number, last)
            yield kept, 0 if is_over else number - 1, below
            if is_over:
                return

    def count(self, part: Range) -> int:
        """Return how many records are in a range, by their places in the list."""
        first, last = self.seen.get(part.key, (self._hint(part) - self.pages_n, self._hint(part)))
        upper = self._before(part.high, last)
        return upper - self._before(part.low, first) if part.low else upper

    def _hint(self, part: Range) -> int:
        """Return the page near which a range ends; the only range of a list is probably a short one."""
        is_only = part.low is None and part.high is None
        return 1 if is_only else int(part.key or 1) * self.pages_n

    def _start(self, part: Range) -> tuple[int, Sequence[Row]]:
        if part.high is None:
            return self.list_.last(self._hint(part))
        return self.list_.last_below(int(part.high), self._hint(part))

    def _is_in(self, row: Row, part: Range, below: int | None) -> bool:
        if row.created_at is not None and row.created_at >= self.until:
            return False
        if row.id is None:
            return True
        return (
            (part.low is None or row.id >= int(part.low))
            and (part.high is None or row.id < int(part.high))
            and (below is None or row.id < below)
        )

    def _before(self, bound: str | None, hint: int) -> int:
        """Return how many records are before an id; without one, all that were created in time."""
        if bound is not None:
            number, rows = self.list_.last_below(int(bound), max(hint, 1))
            mine = sum(row.id is None or row.id < int(bound) for row in rows)
            return max(number - 1, 0) * self.list_.size + mine
        number, rows = self.list_.last(max(hint, 1))
        total = max(number - 1, 0) * self.list_.size + len(rows)
        for _, found in self.list_.back_from(number, rows):
            late = sum(row.created_at is not None and row.created_at >= self.until for row in found)
            total -= late
            if not late:
                break
        return total
