"""Ranges of ids for a migration: cut an object, read one range, count it again.

A range is bounded by ids and by the creation time, and by nothing that changes. So it has the same
records whenever it is read, and the vendor's count after the read must be the count of what was read.
A large range is read by a Bulk job, a small one page by page in the order of its ids.
"""

from collections.abc import Iterator, Sequence

from hub.connectors.base import Cursor, Page, Range, Window
from hub.connectors.http import HINTS, make_error
from hub.connectors.salesforce import soql
from hub.connectors.salesforce.bulk import BulkJobs
from hub.connectors.salesforce.client import SalesforceConfig
from hub.connectors.salesforce.kinds import Part
from hub.connectors.salesforce.reader import MOST_ROWS, ObjectReader
from hub.connectors.salesforce.rows import bulk_rows, dump, id18, record, records
from hub.connectors.salesforce.shapes import Shape
from hub.errors import BudgetError, ForbiddenError, HubError, ProtocolError, TransientError
from hub.model.records import RawRecord

BULK_PAGE = 5_000
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX, _SHORT_ID = 3, 15
_NUMBER = _SHORT_ID - _PREFIX
_ASKS_FOR_A_PAGE = 3
_DONE = {"done": True}


class RangeReader:
    """Cuts and reads the ranges of one org.

    Args:
        reader: of the org's objects.
        jobs: its Bulk jobs.
        config: sizes and the API version.
    """

    def __init__(self, reader: ObjectReader, jobs: BulkJobs, config: SalesforceConfig) -> None:
        self._reader, self._jobs, self._config = reader, jobs, config
        self._cut: dict[str, Sequence[Range]] = {}
        self._started: dict[str, str] = {}

    def ranges(self, part: Part, window: Window, *, is_alone: bool) -> Sequence[Range]:
        """Return the ranges of one object, without keys; the bounds name it where it is not alone."""
        low, high = (None, None) if is_alone else _all_ids(part)
        whole = Range("", low, high)
        count_n = self.count(part, window, whole)
        if count_n <= self._config.range_size:
            return [Range("", low, high, count_n)]
        shape = self._reader.shape(part)
        first, last = (self._edge(shape, window, order) for order in ("ASC", "DESC"))
        cuts = self._halves(part, window, _number(first), _number(last) + 1, count_n)
        bounds = [low, *(part.prefix + _text(one) for one, _ in cuts[1:]), high]
        counts = [n for _, n in cuts]
        return [Range("", bounds[n], bounds[n + 1], count) for n, count in enumerate(counts)]

    def keep(self, stream: str, ranges: Sequence[Range]) -> None:
        """Remember the ranges of a stream, so that jobs for the next ones can start early."""
        self._cut[stream] = ranges

    def _halves(
        self, part: Part, window: Window, low: int, high: int, count_n: int
    ) -> list[tuple[int, int]]:
        """Return the beginning of each range and its count; a range is halved until it is small."""
        if count_n <= self._config.range_size or high - low <= 1:
            return [(low, count_n)]
        middle = (low + high) // 2
        bounds = Range("", part.prefix + _text(low), part.prefix + _text(middle))
        lower_n = self.count(part, window, bounds)
        lower = self._halves(part, window, low, middle, lower_n) if lower_n else []
        upper_n = count_n - lower_n
        upper = self._halves(part, window, middle, high, upper_n) if upper_n else []
        return [*lower, *upper]

    def _edge(self, shape: Shape, window: Window, order: str) -> str:
        """Return the first or the last id of an object."""
        text = soql.select(
            shape.only(frozenset()),
            _bounds(shape, window, Range("")),
            f" ORDER BY Id {order} LIMIT 1",
        )
        rows = self._reader.client.query(text, deleted=True).rows
        id_ = id18(rows[0].get("Id")) if rows else ""
        if not id_.isalnum() or len(id_) < _SHORT_ID:
            raise ProtocolError(f"salesforce {shape.name}: records are counted and not found")
        return id_

    def count(self, part: Part, window: Window, wanted: Range) -> int:
        """Return the vendor's count of a range, deleted records included."""
        shape = self._reader.shape(part)
        text = soql.count(shape, _bounds(shape, window, wanted))
        return self._reader.client.count(text, deleted=True)

    def read(
        self, stream: str, part: Part, window: Window, wanted: Range, resume: Cursor | None
    ) -> Iterator[Page]:
        """Yield the pages of a range, by a Bulk job if it is large and the org has the Bulk API."""
        position = resume or {}
        if position.get("done"):
            return
        if "last" not in position and self._is_large(part, window, wanted):
            job = self._job(stream, part, window, wanted, position)
            if job is not None:
                yield from self._by_job(part, job, position)
                return
        yield from self._by_id(part, window, wanted, position)

    def _is_large(self, part: Part, window: Window, wanted: Range) -> bool:
        count_n = wanted.count_n
        if count_n is None:
            count_n = self.count(part, window, wanted)
        return count_n > self._config.bulk_above

    def _by_id(self, part: Part, window: Window, wanted: Range, position: Cursor) -> Iterator[Page]:
        shape = self._reader.shape(part)
        last = str(position.get("last") or "")
        while True:
            where = _bounds(shape, window, wanted)
            where += [f"Id > '{last}'"] if last.isalnum() else []
            text = soql.select(shape, where, f" ORDER BY Id LIMIT {self._reader.page_size}")
            for _ in range(_ASKS_FOR_A_PAGE):
                batch = self._reader.filled(self._reader.client.query(text, deleted=True))
                reached = max((id18(row.get("Id")) for row in batch.rows), default="")
                if reached > last or self._reader.is_last(batch):
                    break
            else:
                raise ProtocolError(
                    f"salesforce {shape.name}: the page after Id {last or '-'} does not advance",
                    hint=HINTS[ProtocolError],
                )
            found = self._reader.joined(part, shape, batch.rows, records(batch, shape))
            if self._reader.is_last(batch):
                yield Page(found, _DONE)
                return
            last = reached
            yield Page(found, {"last": last})

    def _job(
        self, stream: str, part: Part, window: Window, wanted: Range, position: Cursor
    ) -> str | None:
        """Return the complete job of a range, and start those of the next ranges.

        None if the org does not offer the Bulk API to this user; REST reads the range then.
        """
        named = position.get("job")
        try:
            if isinstance(named, str) and self._jobs.is_complete(named):
                return named
        except ForbiddenError:
            pass  # the job is gone; another one reads the range again
        try:
            id_ = self._start(part, window, wanted)
            self._start_next(stream, part, window, wanted)
            if self._jobs.is_complete(id_):
                return id_
        except ForbiddenError:
            return None
        raise make_error(TransientError, f"salesforce {part.object}: Bulk job {id_} failed")

    def _start(self, part: Part, window: Window, wanted: Range) -> str:
        shape = self._reader.shape(part)
        text = soql.select(shape, _bounds(shape, window, wanted))
        return self._started.pop(text, "") or self._jobs.start(text)

    def _start_next(self, stream: str, part: Part, window: Window, wanted: Range) -> None:
        """Start the jobs of the next ranges, so that Salesforce works while this one is read."""
        shape = self._reader.shape(part)
        cut = self._cut.get(stream, ())
        following = [one for one in cut if one.low and wanted.high and one.low >= wanted.high]
        for one in following[: self._config.bulk_jobs - 1]:
            text = soql.select(shape, _bounds(shape, window, one))
            is_of_part = one.low is not None and one.low.startswith(part.prefix)
            if (
                is_of_part
                and text not in self._started
                and (one.count_n or 0) > self._config.bulk_above
            ):
                try:
                    self._started[text] = self._jobs.start(text)
                except BudgetError:
                    raise
                except HubError:  # its own read says why
                    return

    def _by_job(self, part: Part, job: str, position: Cursor) -> Iterator[Page]:
        shape = self._reader.shape(part)
        locator = str(position.get("locator") or "") if position.get("job") == job else ""
        size = BULK_PAGE if not part.joins else min(BULK_PAGE, MOST_ROWS)
        for page in self._jobs.pages(job, locator, size):
            rows = list(bulk_rows(page.text, shape, self._config.api_version))
            if len(rows) != page.rows_n:
                raise ProtocolError(
                    f"salesforce {shape.name}: a page of a Bulk result has {len(rows)} rows, and"
                    f" {page.rows_n} were named"
                )
            found: list[RawRecord] = [record(row, dump(row), shape) for row in rows]
            cursor: Cursor = {"job": job, "locator": page.locator} if page.locator else _DONE
            yield Page(self._reader.joined(part, shape, rows, found), cursor)


def _bounds(shape: Shape, window: Window, wanted: Range) -> list[str]:
    created = soql.span(shape.created_field, None, window.until)
    return [*created, *soql.ids_between(wanted.low, wanted.high)]


def _all_ids(part: Part) -> tuple[str, str]:
    """Return the bounds of all ids of an object: those that begin with its prefix."""
    following = _text(_digits(part.prefix) + 1, _PREFIX)
    return part.prefix + "0" * _NUMBER, following + "0" * _NUMBER


def _number(id_: str) -> int:
    """Return the number of an id, without prefix and suffix."""
    return _digits(id_[_PREFIX:_SHORT_ID])


def _digits(text: str) -> int:
    number = 0
    for char in text:
        number = number * len(_DIGITS) + _DIGITS.index(char)
    return number


def _text(number: int, length: int = _NUMBER) -> str:
    text = ""
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
