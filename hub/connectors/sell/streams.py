"""Zendesk Sell's streams: windows of time for a sync, ranges of ids for a migration.

A list is read from its last page back (`lists.py`), so a change during the walk loses nothing. Sell lists no
deleted record, and counts nothing; a migration counts a range by the places of its records.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from hub.clock import Clock
from hub.connectors.base import (
    Cursor,
    FieldUse,
    Finding,
    Glance,
    Inventory,
    News,
    Page,
    Range,
    Stream,
    Window,
)
from hub.connectors.findings import failed, skipped
from hub.connectors.governor import Budget
from hub.connectors.http import RetryPolicy
from hub.connectors.parts import contained
from hub.connectors.sell.client import MOST_ROWS, SellClient, SellConfig, data_of
from hub.connectors.sell.inventory import InventoryReader
from hub.connectors.sell.joins import Joins
from hub.connectors.sell.kinds import ALWAYS, KINDS, OBJECTS, STREAMS
from hub.connectors.sell.lists import IdRanges, PagedList, Row, row_of
from hub.connectors.windows import (
    after,
    inside,
    is_unfinished,
    is_within,
    next_window,
    upcoming,
)
from hub.errors import ConfigError, HubError
from hub.model.records import JsonValue, RawRecord
from hub.model.verdicts import Op

__all__ = ["OBJECTS", "STREAMS", "SellConfig", "SellConnector"]

_DONE = {"done": True}


class SellConnector:
    """See `hub.connectors.base.Connector` and `Migrates`.

    Records without an id have the `source_id` "", and landing quarantines them.
    """

    source = "sell"

    def __init__(
        self,
        config: SellConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._config = config
        self._clock, self._budget, self._retry_policy = clock, budget, retry_policy
        self._seen: dict[str, dict[str, tuple[int, int]]] = {}
        self._page_size = min(max(config.page_size, 1), MOST_ROWS)
        self._client = SellClient(config, clock, budget=budget, retry_policy=retry_policy)

    @property
    def readers(self) -> int:
        """Return how many ranges may be read at once: an answer takes longer than a tenth of a second."""
        return max(self._config.readers, 1)

    def another(self) -> "SellConnector":
        """Return a connector to the same account, for another thread."""
        return SellConnector(
            self._config, self._clock, budget=self._budget, retry_policy=self._retry_policy
        )

    def streams(self) -> Sequence[Stream]:
        """Return users, the lists that records name, and what the setting `objects` names."""
        followed = ALWAYS | set(self._config.objects)
        return [one for one in self.objects() if one.name in followed]

    def objects(self) -> Sequence[Stream]:
        """Return everything that a migration can read, users and lists first."""
        return [one for one in OBJECTS if one.part not in self._config.skip]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        """Return the unfinished window, or freeze the next one by Sell's clock."""
        window = next_window(cursor, self._config, self._client.now)
        return window if stream.incremental else replace(window, since=None)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield pages, the last page of the list first; the cursor has the page that is read next."""
        is_whole = window.since is None
        listed = self._list(stream, order="id" if is_whole else "updated_at")
        joins = Joins(self._client)
        number, rows = self._begin(listed, window)
        pages_n = _number(window.resume, "pages") if "page" in window.resume else number
        for at, found in listed.back_from(number, rows):
            due = [
                row for row in found if not stream.incremental or is_within(row.updated_at, window)
            ]
            is_over = at == 1 or (window.since is not None and _is_before(found, window.since))
            records = [self._record(stream, row) for row in joins.joined(stream.name, due)]
            if is_over:
                yield Page(records, after(window, {"pages": pages_n}))
                return
            yield Page(records, inside(window, {"page": at - 1, "pages": pages_n}))
        yield Page([], after(window, {"pages": pages_n}))

    def _begin(self, listed: PagedList, window: Window) -> tuple[int, Sequence[Row] | None]:
        if "page" in window.resume:
            return _number(window.resume, "page"), None
        return listed.last(_number(window.resume, "pages") or 1)

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:  # noqa: ARG002  # Sell counts nothing
        """Return None: Sell has no count of a span."""
        return None

    def news(self, cursors: Mapping[str, Cursor]) -> News:
        """Return the records of each list that changed last: one request for each list."""
        glances: dict[str, Glance] = {}
        faults, asked_at, asked_n = [], None, 0
        for stream in self.streams():
            cursor = cursors.get(stream.name)
            if cursor is None or not stream.probed:
                continue
            if is_unfinished(cursor):
                glances[stream.name] = Glance(is_certain=True)
                continue
            asked_n += 1
            kind = KINDS[stream.name]
            params: dict[str, str | int] = {
                "sort_by": "updated_at:desc",
                "per_page": self._page_size,
                "page": 1,
            }
            try:
                answer = self._client.get(kind.path, params)
                asked_at = answer.present()
                rows = [row_of(data_of(one)) for one in answer.items("items")]
            except HubError as exc:
                faults.append(contained(stream.part, exc))
                continue
            window = upcoming(cursor, self._config, asked_at)
            due = [row for row in rows if is_within(row.updated_at, window)]
            is_full = len(due) == len(rows) >= self._page_size
            glances[stream.name] = Glance(
                [(row.name, row.version) for row in due], is_certain=is_full
            )
        return News(glances, faults, asked_at, asked_n)

    def ranges(self, stream: Stream, window: Window) -> Sequence[Range]:
        """Return ranges of about as many records as the setting `range_size` says."""
        return self._ranges(stream, window).cut()

    def read_range(
        self, stream: Stream, window: Window, part: Range, resume: Cursor | None = None
    ) -> Iterator[Page]:
        """Yield the pages of a range, its highest ids first."""
        position = resume or {}
        if position.get("done"):
            return
        page = _number(position, "page") if "page" in position else None
        below = _number(position, "below") if position.get("below") is not None else None
        joins = Joins(self._client)
        is_empty = True
        for rows, left, lowest in self._ranges(stream, window).read(part, page, below):
            is_empty = False
            records = [self._record(stream, row) for row in joins.joined(stream.name, rows)]
            place: Cursor = {"page": left, "below": lowest} if left else _DONE
            yield Page(records, place)
        if is_empty:
            yield Page([], _DONE)

    def count_range(self, stream: Stream, window: Window, part: Range) -> int | None:
        """Return how many records the range has, by their places in the list."""
        return self._ranges(stream, window).count(part)

    def inventory(self, stream: Stream, window: Window) -> Inventory:
        """Return how many records there are, their custom fields and their owners."""
        return self._inventory().of(stream, window)

    def custom_fields(self) -> Mapping[str, Sequence[FieldUse]]:
        """Return the custom fields of the account: a migration defines the same ones here."""
        reader = self._inventory()
        kept = {one.name for one in self.objects()}
        return {
            name: reader.fields(name)
            for name, kind in KINDS.items()
            if kind.fields and name in kept
        }

    def following(self, stream: Stream, window: Window) -> Cursor:  # noqa: ARG002  # the same for all
        """Return the cursor of a sync after a migration."""
        return after(window)

    def check(self) -> Sequence[Finding]:
        """Check the token, and each list that a sync reads."""
        try:
            self._client.now()
        except HubError as exc:
            return [failed("account", exc)]
        findings = [Finding("account", ok=True, message="the token is accepted")]
        for stream in self.streams():
            try:
                self._client.page(KINDS[stream.name].path, {"page": 1, "per_page": 1})
            except HubError as exc:
                findings.append(failed(stream.name, exc, source=self.source))
            else:
                findings.append(Finding(stream.name, ok=True, message="can be read"))
        return [*findings, *skipped(self._config.skip)]

    def _inventory(self) -> InventoryReader:
        return InventoryReader(self._client, Joins(self._client), self._config)

    def _list(self, stream: Stream, *, order: str = "id") -> PagedList:
        kind = KINDS.get(stream.name)
        if kind is None:
            raise ConfigError(f"sell has no stream {stream.name!r}")
        return PagedList(self._client, kind.path, kind.params, order=order, size=self._page_size)

    def _ranges(self, stream: Stream, window: Window) -> IdRanges:
        pages_n = max(self._config.range_size // self._page_size, 1)
        seen = self._seen.setdefault(stream.name, {})
        return IdRanges(self._list(stream), window.until, pages_n, seen)

    def _record(self, stream: Stream, row: Row) -> RawRecord:
        return to_record(row, KINDS[stream.name].id_key)


def to_record(row: Row, id_key: str = "id") -> RawRecord:
    """Return a record of a list."""
    return RawRecord(
        source_id=row.name if id_key == "id" else row.key(id_key),
        op=Op.UPSERT,
        at=row.updated_at,
        version=row.version,
        payload=row.raw,
    )


def _is_before(rows: Sequence[Row], since: datetime) -> bool:
    return any(row.updated_at is not None and row.updated_at < since for row in rows)


def _number(position: Mapping[str, JsonValue], key: str) -> int:
    value = position.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
