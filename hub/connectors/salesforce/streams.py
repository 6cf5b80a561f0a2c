"""Users and leads as frozen windows over SystemModstamp, walked by (time, Id).

Many records share one second, so a page may end inside a tie. Offset paging loses records, and query
locators expire; paging by (time, Id) does neither. Every page is read through queryAll, which
returns deleted and merged records too.

A formula is computed when a record is read, so its value changes without SystemModstamp
(https://help.salesforce.com/s/articleView?id=sf.customize_functions.htm). Describe names the
`calculated` fields. They are the stream's `silent` keys, and the same walk reads them again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hub.clock import Clock
from hub.connectors.base import Change, Cursor, Finding, Glance, News, Page, Stream, Window
from hub.connectors.findings import failed, skipped
from hub.connectors.governor import Budget
from hub.connectors.http import HINTS, RetryPolicy
from hub.connectors.parts import contained
from hub.connectors.salesforce.client import (
    Batch,
    SalesforceClient,
    SalesforceConfig,
    check_version,
)
from hub.connectors.windows import (
    after,
    inside,
    is_unfinished,
    is_within,
    iso,
    next_window,
    parse_time,
    upcoming,
)
from hub.errors import ConfigError, HubError, ProtocolError
from hub.model.records import RawRecord
from hub.model.verdicts import Op

_CURSOR_FIELDS = ("SystemModstamp", "LastModifiedDate")
_UNSELECTABLE = frozenset({"address", "location", "base64"})
_NAMING = frozenset({"Id", "IsDeleted", "MasterRecordId"})
# https://help.salesforce.com/s/articleView?id=000387261: moves SystemModstamp, not the other
_LAST_ACTIVITY = "LastActivityDate"
# traces of the integration user's own reads; they change without SystemModstamp
_FOOTPRINTS = frozenset({"LastViewedDate", "LastReferencedDate"})
_MOST_ROWS = 2000
# https://help.salesforce.com/s/articleView?id=000386440; 800 fields of 40 letters are 36,000
_MOST_SOQL = 100_000
_MOST_IDS = 200  # 200 ids are 4,600 characters of SOQL
_ASKS_FOR_A_PAGE = 3
_SHORT_ID = 15

# users and values of a field are never deleted, only switched off
_KEPT = frozenset({Change.CREATED, Change.UPDATED})
_USERS = Stream(
    "users",
    context=True,
    volatile=frozenset({"LastLoginDate"}),
    window_by="SystemModstamp",
    probed=_KEPT,
)
_LEADS = Stream("leads", reports_deletes=True, window_by="SystemModstamp", probed=frozenset(Change))
# The meaning of the values of Lead.Status, in any language. The API name serves as their id.
# https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-leadstatus.html
_STATUSES = Stream("lead_statuses", context=True, window_by="SystemModstamp", probed=_KEPT)
STREAMS = (_USERS, _STATUSES, _LEADS)
# `_name_of` names a status by these
_STATUS_NAMES = frozenset({"ApiName", "MasterLabel"})
_OBJECTS = {"users": "User", "lead_statuses": "LeadStatus", "leads": "Lead"}


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fields of an object by describe: the fields to select, and the cursor field."""

    name: str
    fields: tuple[str, ...]
    cursor_field: str
    time_filter_hides_deleted: bool
    silent: frozenset[str]

    def only(self, keys: frozenset[str]) -> "_Shape":
        """Return the shape with these fields, and those that the walk needs."""
        kept = {*keys, *_NAMING, self.cursor_field}
        return replace(self, fields=tuple(name for name in self.fields if name in kept))


@dataclass(frozen=True, slots=True)
class _Position:
    """The last record of the pages so far."""

    at: datetime
    id: str


class SalesforceConnector:
    """See `hub.connectors.base.Connector`.

    Records without an id have the `source_id` "", and landing quarantines them. A record that is
    twice in a page is yielded twice.
    """

    source = "salesforce"

    def __init__(
        self,
        config: SalesforceConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        check_version(config.api_version)
        self._config = config
        self._page_size = min(max(config.page_size, 1), _MOST_ROWS)
        self._client = SalesforceClient(config, clock, budget=budget, retry_policy=retry_policy)
        self._shapes: dict[str, _Shape] = {}

    def streams(self) -> Sequence[Stream]:
        """Return users (owners) and the meanings of statuses before leads."""
        return [self._known(one) for one in STREAMS if one.part not in self._config.skip]

    def _known(self, stream: Stream) -> Stream:
        """Return the stream with its `silent` keys, if describe has been read."""
        shape = self._shapes.get(stream.name)
        if shape is None:
            return stream
        return replace(stream, window_by=shape.cursor_field, silent=shape.silent)

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:  # noqa: ARG002  # one clock for all
        """Return the unfinished window, or freeze the next one by Salesforce's clock."""
        return next_window(cursor, self._config, lambda: self._client.limits()[1])

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield pages; the cursor of each is its last record."""
        return self._pages(self._shape(stream), window)

    def reread(self, stream: Stream, window: Window, keys: frozenset[str]) -> Iterator[Page]:
        """Yield pages as `read` does, with Id and these fields only."""
        return self._pages(self._shape(stream).only(keys), window)

    def fetch(self, stream: Stream, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
        """Return the records with all their fields, by a query for their Ids."""
        shape = self._shape(stream)
        ids = [one.source_id for one in records if one.source_id.isalnum()]
        found: list[RawRecord] = []
        for start in range(0, len(ids), _MOST_IDS):
            batch = self._client.query(
                _ids_soql(shape, ids[start : start + _MOST_IDS]), deleted=False
            )
            found += _records(batch, shape)
            while not batch.done and batch.next_url and batch.rows:
                batch = self._client.more(batch.next_url)
                found += _records(batch, shape)
        return found

    def _pages(self, shape: _Shape, window: Window) -> Iterator[Page]:
        position = _position_of(window)
        while True:
            batch, reached = self._next(shape, window, position)
            records = _records(batch, shape)
            if self._is_last(batch) or _is_empty_end(batch):
                yield Page(records, after(window))
                return
            position = reached
            yield Page(records, inside(window, {"t": iso(reached.at), "last": reached.id}))

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        """Return the live records in the span, without the tombstones that `read` yields."""
        shape = self._shape(stream)
        where = _span(shape.cursor_field, since, until)
        if shape.time_filter_hides_deleted:
            where.append("IsDeleted = false")
        return self._client.count(_count_soql(shape, where))

    def news(self, cursors: Mapping[str, Cursor]) -> News:
        """Return what one composite request finds in all objects, oldest change first.

        The request is of queryAll, so it has deleted and merged records too. A formula's value is not
        in it: that changes without a time.
        """
        mine = [one for one in self.streams() if one.name in cursors]
        glances = {
            one.name: Glance(is_certain=True) for one in mine if is_unfinished(cursors[one.name])
        }
        faults, shapes = [], {}
        for stream in mine:
            if stream.name not in glances:
                try:
                    shapes[stream.name] = self._shape(stream).only(_STATUS_NAMES)
                except HubError as exc:
                    faults.append(contained(stream.part, exc))
        if not shapes:
            return News(glances, faults)
        begins = {name: upcoming(cursors[name], self._config) for name in shapes}
        found, now = self._client.glance(
            {name: _glance_soql(shape, begins[name].since) for name, shape in shapes.items()}
        )
        for name, rows in found.items():
            if isinstance(rows, HubError):
                faults.append(contained(name, rows))
            else:
                window = upcoming(cursors[name], self._config, now)
                glances[name] = _glance(rows, shapes[name], window)
        return News(glances, faults, now, requests_n=1)

    def check(self) -> Sequence[Finding]:
        """Check login, permissions on each object, and the rest of the daily requests."""
        try:
            self._client.login()
        except HubError as exc:
            return [failed("login", exc)]
        findings = [Finding("login", ok=True, message=f"logged in to {self._config.domain}")]
        findings.extend(self._check_stream(stream) for stream in self.streams())
        findings.extend(skipped(self._config.skip))
        findings.append(self._check_limits())
        return findings

    def _check_stream(self, stream: Stream) -> Finding:
        try:
            shape = self._shape(stream)
            count_n = self._client.count(_count_soql(shape))
        except HubError as exc:
            return failed(stream.name, exc, source=self.source)
        if not count_n:
            hint = f"if there should be some, give the integration user 'View All' on {shape.name}"
            return Finding(stream.name, ok=True, message="no record is visible", hint=hint)
        message = f"{count_n} records visible, {len(shape.fields)} fields, by {shape.cursor_field}"
        return Finding(stream.name, ok=True, message=message)

    def _check_limits(self) -> Finding:
        try:
            usage, _ = self._client.limits()
        except HubError as exc:
            return failed("daily requests", exc)
        most = int(usage.limit * (1 - self._config.daily_reserve))
        message = f"{usage.used} of {usage.limit} API requests of the last 24 hours are used"
        hint = "" if usage.used < most else "wait, lower daily_reserve, or buy more requests"
        return Finding("daily requests", ok=usage.used < most, message=message, hint=hint)

    def _shape(self, stream: Stream) -> _Shape:
        """Return the fields of an object by describe, which is read once a run."""
        if stream.name not in self._shapes:
            name = _OBJECTS.get(stream.name)
            if name is None:
                raise ConfigError(f"salesforce has no stream {stream.name!r}")
            self._shapes[stream.name] = _read_shape(name, self._client.describe(name))
        return self._shapes[stream.name]

    def _next(
        self, shape: _Shape, window: Window, position: _Position | None
    ) -> tuple[Batch, _Position]:
        """Return the next batch and its last position; a repeated batch is asked again."""
        soql = _soql(shape, window, position, self._page_size)
        batch = Batch((), (), 0, done=False, next_url="")
        for _ in range(_ASKS_FOR_A_PAGE):
            batch = self._filled(self._client.query(soql, deleted=True))
            reached = _last_position(batch.rows, shape)
            if self._is_last(batch) and reached is None:  # nothing, or nothing with an id
                return batch, position or _Position(window.until, "")
            # a page may begin with known records, but it must end after them
            if reached is not None and (position is None or _is_after(reached, position)):
                return batch, reached
        if _is_empty_end(batch):
            return batch, position or _Position(window.until, "")
        raise ProtocolError(
            f"salesforce {shape.name}: the page after ({shape.cursor_field}"
            f" {iso(position.at) if position else 'start'}, Id {position.id if position else '-'})"
            " does not advance",
            hint=HINTS[ProtocolError],
        )

    def _filled(self, batch: Batch) -> Batch:
        """Return the first batch that has rows or is the last; an empty one may have a next page."""
        for _ in range(_ASKS_FOR_A_PAGE):
            if batch.rows or batch.done or not batch.next_url:
                break
            batch = self._client.more(batch.next_url)
        return batch

    def _is_last(self, batch: Batch) -> bool:
        """Return whether the batch is the last, by the vendor's total and never by a short page."""
        return batch.done and batch.total < self._page_size and len(batch.rows) >= batch.total


def _is_empty_end(batch: Batch) -> bool:
    """Return whether the stream ends without a row; the ledger check finds rows counted but not sent."""
    return batch.done and not batch.rows


def id18(value: object) -> str:
    """Return a Salesforce id in its 18-character form, "" for what is none.

    The suffix holds the case of the fifteen: https://help.salesforce.com/s/articleView?id=000383751
    """
    if not isinstance(value, str):
        return ""
    if len(value) != _SHORT_ID or not value.isascii():
        return value
    suffix = ""
    for start in range(0, _SHORT_ID, 5):
        bits = sum(1 << i for i, char in enumerate(value[start : start + 5]) if char.isupper())
        suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return value + suffix


def _read_shape(name: str, fields: Sequence[Mapping[str, Any]]) -> _Shape:
    by_name = {str(one["name"]): one for one in fields if isinstance(one.get("name"), str)}
    chosen = [one for one in _CURSOR_FIELDS if by_name.get(one, {}).get("filterable") is True]
    if not chosen or "Id" not in by_name:
        raise ConfigError(
            f"salesforce {name}: neither SystemModstamp nor LastModifiedDate can be filtered on",
            hint=f"give the integration user read access to the system fields of {name}",
        )
    selected = tuple(
        field
        for field, one in by_name.items()
        if one.get("type") not in _UNSELECTABLE and field not in _FOOTPRINTS
    )
    silent = {field for field in selected if by_name[field].get("calculated") is True}
    if chosen[0] == "LastModifiedDate":
        silent |= {_LAST_ACTIVITY} & set(selected)
    return _Shape(name, selected, chosen[0], "IsDeleted" in by_name, frozenset(silent))


def _soql(shape: _Shape, window: Window, position: _Position | None, limit: int) -> str:
    time = shape.cursor_field
    if position is None:
        where = _span(time, window.since, window.until)
    else:
        where = _span(time, position.at, window.until)
        where.append(f"({time} > {iso(position.at)} OR Id > '{position.id}')")
    soql = (
        f"SELECT {', '.join(shape.fields)} FROM {shape.name}"  # noqa: S608  # SOQL; checked values
        f" WHERE {' AND '.join(where)} ORDER BY {time}, Id LIMIT {limit}"
    )
    if len(soql) > _MOST_SOQL:
        raise ConfigError(
            f"salesforce {shape.name}: {len(shape.fields)} fields do not fit in one query of"
            f" {_MOST_SOQL} characters",
            hint="hide unused fields from the integration user (field-level security)",
        )
    return soql


def _glance_soql(shape: _Shape, since: datetime | None) -> str:
    where = f" WHERE {shape.cursor_field} >= {iso(since)}" if since else ""
    return (
        f"SELECT {', '.join(shape.fields)} FROM {shape.name}{where}"  # noqa: S608  # SOQL; names from describe
        f" ORDER BY {shape.cursor_field}, Id LIMIT {_MOST_ROWS}"
    )


def _glance(rows: Sequence[Mapping[str, Any]], shape: _Shape, window: Window) -> Glance:
    records = [_record(row, b"", shape) for row in rows]
    due = [one for one in records if is_within(one.at, window)]
    is_full = len(due) == len(records) >= _MOST_ROWS
    return Glance([(one.source_id, one.version) for one in due], is_certain=is_full)


def _ids_soql(shape: _Shape, ids: Sequence[str]) -> str:
    named = ", ".join(f"'{one}'" for one in ids)
    return f"SELECT {', '.join(shape.fields)} FROM {shape.name} WHERE Id IN ({named})"  # noqa: S608  # SOQL; checked ids


def _count_soql(shape: _Shape, where: Sequence[str] = ()) -> str:
    soql = f"SELECT COUNT() FROM {shape.name}"  # noqa: S608  # SOQL; names from describe
    return f"{soql} WHERE {' AND '.join(where)}" if where else soql


def _span(time: str, since: datetime | None, until: datetime) -> list[str]:
    lower = [f"{time} >= {iso(since)}"] if since else []
    return [*lower, f"{time} < {iso(until)}"]


def _position_of(window: Window) -> _Position | None:
    at, last = parse_time(window.resume.get("t")), window.resume.get("last")
    if at is None or not isinstance(last, str) or not last.isalnum():
        return None
    return _Position(at, last)


def _position(row: Mapping[str, Any], shape: _Shape) -> _Position | None:
    at, source_id = parse_time(row.get(shape.cursor_field)), id18(row.get("Id"))
    return _Position(at, source_id) if at and source_id.isalnum() else None


def _last_position(rows: Sequence[Mapping[str, Any]], shape: _Shape) -> _Position | None:
    places = (_position(row, shape) for row in reversed(rows))
    return next((place for place in places if place), None)


def _is_after(one: _Position, other: _Position) -> bool:
    return (one.at, one.id) > (other.at, other.id)


def _records(batch: Batch, shape: _Shape) -> list[RawRecord]:
    return [_record(row, raw, shape) for row, raw in zip(batch.rows, batch.raws, strict=True)]


def _record(row: Mapping[str, Any], raw: bytes, shape: _Shape) -> RawRecord:
    stamp = row.get(shape.cursor_field)
    into = id18(row.get("MasterRecordId")) or None
    op = Op.UPSERT
    if row.get("IsDeleted") is True:
        op = Op.MERGE_INTO if into else Op.DELETE
    return RawRecord(
        source_id=_name_of(row) if shape.name == "LeadStatus" else id18(row.get("Id")),
        op=op,
        at=parse_time(stamp),
        version=stamp if isinstance(stamp, str) else "",
        payload=raw,
        into=into if op is Op.MERGE_INTO else None,
    )


def _name_of(status: Mapping[str, Any]) -> str:
    """Return the value of the leads' `Status`."""
    name = status.get("ApiName") or status.get("MasterLabel")
    return name if isinstance(name, str) else ""
