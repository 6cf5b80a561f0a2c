"""Owners, companies and contacts: frozen windows over the modification time, walked by id.

A search has at most ten thousand results and pages them by offset. An edit during paging would move
records past the reader, and a mass update can give more records one time. So every page is a new
search for ids beyond the last one, inside the window. A search never returns deleted and merged
records. Deleted ones are read from the archive, merged ones from the surviving record.
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.clock import Clock
from hub.connectors.answers import Answer, decode
from hub.connectors.base import Change, Cursor, Finding, Glance, News, Page, Stream, Window
from hub.connectors.findings import failed, skipped, webhooks
from hub.connectors.governor import Budget
from hub.connectors.http import HINTS, RetryPolicy
from hub.connectors.hubspot.client import (
    MOST_IN_A_BATCH,
    HubspotClient,
    HubspotConfig,
    next_after,
)
from hub.connectors.hubspot.objects import (
    CHANGED,
    ID,
    MERGED,
    RESULTS,
    Found,
    Item,
    found_in,
    gone_records,
    live_records,
    owner_record,
)
from hub.connectors.parts import contained
from hub.connectors.windows import (
    after,
    inside,
    is_unfinished,
    is_within,
    next_window,
    parse_time,
    upcoming,
)
from hub.errors import ConfigError, HubError, ProtocolError
from hub.model.records import JsonValue, RawRecord
from hub.model.verdicts import Op

_OWNERS = Stream("owners", incremental=False, countable=False, context=True, window_by="updatedAt")
# A search leaves archived records out, so no cheap question sees a deletion. A merge changes the survivor.
# Owners and definitions have no search: https://developers.hubspot.com/docs/api-reference/search/guide
_SEARCHED = frozenset({Change.CREATED, Change.UPDATED, Change.MERGED})
_COMPANIES = Stream(
    "companies", context=True, reports_deletes=True, window_by="updatedAt", probed=_SEARCHED
)
_CONTACTS = Stream("contacts", reports_deletes=True, window_by="updatedAt", probed=_SEARCHED)
# What a property is called, who defined it, whether people may write it: its name is its id.
# https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
_DEFINED = {"company_properties": "companies", "contact_properties": "contacts"}
_DEFINITIONS = {
    name: Stream(name, incremental=False, countable=False, context=True, of=kind)
    for name, kind in _DEFINED.items()
}
STREAMS = (_OWNERS, *_DEFINITIONS.values(), _COMPANIES, _CONTACTS)
_MOST_ROWS = 200
_LISTED = 100
_OWNERS_A_PAGE = 500
_ASKS_FOR_A_PAGE = 3
_MOST_DIGITS = 30


class HubspotConnector:
    """See `hub.connectors.base.Connector`.

    Records without an id come with `source_id` "" (landing quarantines them).
    """

    source = "hubspot"

    def __init__(
        self,
        config: HubspotConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._config = config
        self._page_size = min(max(config.page_size, 1), _MOST_ROWS)
        self._client = HubspotClient(config, clock, budget=budget, retry_policy=retry_policy)
        self._properties: dict[str, Sequence[bytes]] = {}

    def streams(self) -> Sequence[Stream]:
        """Return owners, definitions and companies before the contacts that need them."""
        return [one for one in STREAMS if one.part not in self._config.skip]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        """Return the unfinished window, or freeze the next one by HubSpot's clock."""
        return next_window(cursor, self._config, lambda: self._client.now(stream.part))

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield pages: all owners each time, the records of other streams inside the window."""
        if stream.name == _OWNERS.name:
            return self._read_owners(window)
        if stream.name in _DEFINITIONS:
            return self._read_definitions(_DEFINED[stream.name], window)
        _check_known(stream)
        return self._read_objects(stream, window)

    def read_named(self, stream: Stream, names: Sequence[str]) -> Sequence[RawRecord]:
        """Return objects by their ids: one request for a hundred, one more if some are gone.

        A batch shows an object at once; a search shows it some seconds later.
        """
        _check_known(stream)
        kind, records = stream.name, []
        for start in range(0, len(names), MOST_IN_A_BATCH):
            some = names[start : start + MOST_IN_A_BATCH]
            found = found_in(self._client.batch(kind, some, self._names(kind)))
            records += live_records(kind, found)
            known = {record.source_id for record in records}
            if missing := [one for one in some if one not in known]:
                gone = self._client.batch(kind, missing, [ID, MERGED], archived=True)
                records += gone_records(found_in(gone))
        return records

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        """Return the live records in the span by the search's total; None for streams without search."""
        if not stream.countable:
            return None
        _check_known(stream)
        body = _search_body(stream.name, since, until, last="", limit=1, properties=[ID])
        return self._client.search(stream.name, body).count("total")

    def news(self, cursors: Mapping[str, Cursor]) -> News:
        """Return what one search for each type of objects finds, oldest change first."""
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
            try:
                since = upcoming(cursor, self._config).since
                answer = self._client.search(stream.name, _glance_body(stream.name, since))
            except HubError as exc:
                faults.append(contained(stream.part, exc))
                continue
            asked_at = answer.present()
            window = upcoming(cursor, self._config, asked_at)
            glances[stream.name] = _glance(stream.name, answer, window)
        return News(glances, faults, asked_at, asked_n)

    def check(self) -> Sequence[Finding]:
        """Check the token, the scopes of each stream, and the rest of the daily requests."""
        findings = [
            self._check_owners()
            if stream.name == _OWNERS.name
            else self._check_objects(stream.name)
            for stream in self.streams()
            if stream.name not in _DEFINITIONS
        ]
        findings.append(self._check_usage())
        findings.extend(skipped(self._config.skip))
        return [*findings, webhooks(has_secret=bool(self._config.webhook_secret))]

    def _check_objects(self, name: str) -> Finding:
        try:
            properties = len(self._names(name))
            body = {"filterGroups": [], "limit": 1, "properties": [ID]}
            total = self._client.search(name, body).count("total")
        except HubError as exc:
            return failed(name, exc, source=self.source)
        message = f"{total} records visible, {properties} properties"
        return Finding(name, ok=True, message=message)

    def _check_owners(self) -> Finding:
        try:
            answer = self._client.owners({"limit": _LISTED})
        except HubError as exc:
            return failed(_OWNERS.name, exc, source=self.source)
        return Finding(_OWNERS.name, ok=True, message=f"{len(answer.items(RESULTS))} owners")

    def _check_usage(self) -> Finding:
        subject = "daily requests"
        try:
            usage = self._client.usage()
        except HubError as exc:
            return failed(subject, exc)
        most = int(usage.limit * (1 - self._config.daily_reserve))
        message = f"{usage.used} of {usage.limit} requests of the day are used"
        is_left = usage.used < most or not usage.limit
        hint = "" if is_left else "wait, lower daily_reserve, or buy more requests"
        return Finding(subject, ok=is_left, message=message, hint=hint)

    # owners

    def _read_owners(self, window: Window) -> Iterator[Page]:
        """Yield all owners, then the archived ones, because records still refer to them."""
        is_archived, cursor = bool(window.resume.get("archived")), _text(window.resume.get("after"))
        seen: set[str] = set()
        while True:
            params: dict[str, Any] = {"limit": _OWNERS_A_PAGE, "archived": str(is_archived).lower()}
            answer = self._client.owners({**params, "after": cursor} if cursor else params)
            found = found_in(answer)
            records = [
                owner_record(item, raw) for item, raw in zip(found.items, found.raws, strict=True)
            ]
            kept = [one for one in records if one.at is None or one.at < window.until]
            onwards = next_after(answer)
            if onwards:
                _check_advance(onwards, seen, _OWNERS.name)
            elif is_archived:
                yield Page(kept, after(window))
                return
            is_archived, cursor = is_archived or not onwards, onwards
            yield Page(kept, inside(window, {"archived": is_archived, "after": cursor}))

    # objects

    def _read_objects(self, stream: Stream, window: Window) -> Iterator[Page]:
        if "archive" not in window.resume:
            last = _text(window.resume.get("last"))
            while True:
                found, is_last = self._next(stream.name, window, last)
                records = live_records(stream.name, found)
                if is_last and not stream.reports_deletes:
                    yield Page(records, after(window))
                    return
                if is_last:
                    yield Page(records, inside(window, {"archive": ""}))
                    break
                last = [item.id for item in found.items if item.id][-1]
                yield Page(records, inside(window, {"last": last}))
        yield from self._read_archive(stream.name, window)

    def _next(self, name: str, window: Window, last: str) -> tuple[Found, bool]:
        """Return the records after an id, and whether they are the last; a bad page is asked again."""
        body = _search_body(
            name,
            window.since,
            window.until,
            last=last,
            limit=self._page_size,
            properties=self._names(name),
        )
        left_n = 0
        for _ in range(_ASKS_FOR_A_PAGE):
            answer = self._client.search(name, body)
            left_n = answer.count("total")
            found = _beyond(found_in(answer, left_n), last)
            if found.items:
                is_last = len(found.items) >= found.total
                if not is_last or any(item.id for item in found.items):
                    _check_order(found, last, name)
                return found, is_last
            if found.total <= self._page_size:  # none, or counted but not returned
                return found, True
        raise ProtocolError(
            f"hubspot {name}: the page after id {last or '-'} is empty, and {left_n} records"
            " are said to follow",
            hint=HINTS[ProtocolError],
        )

    def _read_archive(self, name: str, window: Window) -> Iterator[Page]:
        """Yield the deletions of the window; the archive has no filter, so all of it is read."""
        cursor = _text(window.resume.get("archive"))
        seen: set[str] = set()
        while True:
            params: dict[str, Any] = {
                "limit": _LISTED,
                "archived": "true",
                "properties": [ID, MERGED],
            }
            answer = self._client.list(name, {**params, "after": cursor} if cursor else params)
            records = gone_records(found_in(answer), window)
            cursor = next_after(answer)
            if not cursor:
                yield Page(records, after(window))
                return
            _check_advance(cursor, seen, f"{name} archive")
            yield Page(records, inside(window, {"archive": cursor}))

    def _read_definitions(self, name: str, window: Window) -> Iterator[Page]:
        """Yield the one page with the definitions of a type's properties."""
        raws = self._definitions(name)
        rows = [decode(raw, dict[str, Any]) for raw in raws]
        records = [
            RawRecord(_text(row.get("name")), Op.UPSERT, parse_time(stamp), stamp, raw)
            for row, raw in zip(rows, raws, strict=True)
            for stamp in [_text(row.get("updatedAt") or row.get("createdAt"))]
        ]
        yield Page(records, after(window))

    def _names(self, name: str) -> list[str]:
        """Return the names of a type's properties, with those that the walk needs."""
        rows = (decode(raw, dict[str, Any]) for raw in self._definitions(name))
        return sorted(
            {*filter(None, (_text(row.get("name")) for row in rows)), ID, MERGED, CHANGED[name]}
        )

    def _definitions(self, name: str) -> Sequence[bytes]:
        """Return the definitions of a type's properties; they are read once a run."""
        if name not in self._properties:
            raws = self._client.properties(name).items(RESULTS)
            if not raws:
                raise ConfigError(
                    f"hubspot {name}: no property is visible",
                    hint=f"give the private app the scope crm.schemas.{name}.read",
                )
            self._properties[name] = raws
        return self._properties[name]


def _check_known(stream: Stream) -> None:
    if stream.name not in CHANGED:
        raise ConfigError(f"hubspot has no stream {stream.name!r}")


def _search_body(
    name: str,
    since: datetime | None,
    until: datetime,
    *,
    last: str,
    limit: int,
    properties: Sequence[str],
) -> Mapping[str, Any]:
    """Return a search for a window's records beyond an id; `after` is never used."""
    filters = [_filter(CHANGED[name], "LT", _millis(until))]
    if since is not None:
        filters.append(_filter(CHANGED[name], "GTE", _millis(since)))
    if last:
        filters.append(_filter(ID, "GT", last))
    return {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": ID, "direction": "ASCENDING"}],
        "properties": list(properties),
        "limit": limit,
    }


def _glance_body(name: str, since: datetime | None) -> Mapping[str, Any]:
    """Return a search for the records of the next window; the present bounds it from above."""
    changed = CHANGED[name]
    filters = [_filter(changed, "GTE", _millis(since))] if since else []
    return {
        "filterGroups": [{"filters": filters}] if filters else [],
        "sorts": [{"propertyName": changed, "direction": "ASCENDING"}],
        "properties": [ID, changed],
        "limit": _MOST_ROWS,
    }


def _glance(name: str, answer: Answer, window: Window) -> Glance:
    found = found_in(answer, answer.count("total"))
    stamps = [(item.id, item.text(CHANGED[name]) or item.updatedAt or "") for item in found.items]
    seen = [(id_, stamp) for id_, stamp in stamps if is_within(parse_time(stamp), window)]
    return Glance(seen, is_certain=len(seen) == len(stamps) < found.total)


def _filter(name: str, operator: str, value: str) -> Mapping[str, str]:
    return {"propertyName": name, "operator": operator, "value": value}


def _millis(at: datetime) -> str:
    return str(round(at.timestamp() * 1000))


def _beyond(found: Found, last: str) -> Found:
    """Return an answer without repeated records, because the ledger would count them twice."""
    kept: list[tuple[Item, bytes]] = []
    seen: set[str] = set()
    for item, raw in zip(found.items, found.raws, strict=True):
        is_known = item.id in seen or (last and item.id and id_key(item.id) <= id_key(last))
        if not is_known:
            kept.append((item, raw))
        if item.id:
            seen.add(item.id)
    return Found([item for item, _ in kept], [raw for _, raw in kept], found.total)


def _check_order(found: Found, last: str, name: str) -> None:
    """Raise `ProtocolError` unless the answer ends at its highest id; the walk would skip records."""
    keys = [id_key(item.id) for item in found.items if item.id]
    if keys and keys[-1] == max(keys):
        return
    raise ProtocolError(
        f"hubspot {name}: the page after id {last or '-'} is not in the order of ids",
        hint=HINTS[ProtocolError],
    )


def _check_advance(cursor: str, seen: set[str], what: str) -> None:
    if cursor in seen:
        raise ProtocolError(
            f"hubspot {what}: the page after {cursor} comes again", hint=HINTS[ProtocolError]
        )
    seen.add(cursor)


def id_key(name: str) -> tuple[int, int, str]:
    """Return the sort key of an id: ids are ordered as numbers ('9' before '10')."""
    is_number = name.isdecimal() and len(name) <= _MOST_DIGITS
    return (0, int(name), "") if is_number else (1, 0, name)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
