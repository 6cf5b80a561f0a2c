"""Owners, definitions, people, companies, deals and engagements: a sync's windows, and a migration's ranges.

A sync reads frozen windows over the modification time, walked by id. A search never returns deleted and
merged records. Deleted ones are read from the archive, merged ones from the surviving record.
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hub.clock import Clock
from hub.connectors.answers import Answer, decode
from hub.connectors.base import (
    Cursor,
    Finding,
    Glance,
    Inventory,
    News,
    Page,
    Range,
    Stream,
    Window,
)
from hub.connectors.findings import failed, skipped, webhooks
from hub.connectors.governor import Budget
from hub.connectors.http import HINTS, RetryPolicy
from hub.connectors.hubspot import search
from hub.connectors.hubspot.client import (
    MOST_IN_A_BATCH,
    HubspotClient,
    HubspotConfig,
    next_after,
)
from hub.connectors.hubspot.inventory import InventoryReader
from hub.connectors.hubspot.joins import Joiner
from hub.connectors.hubspot.kinds import (
    ALWAYS,
    DEFINED,
    DEFINITIONS,
    ID,
    KINDS,
    MERGED,
    OBJECTS,
    OWNERS,
    STREAMS,
    Kind,
)
from hub.connectors.hubspot.objects import (
    RESULTS,
    Found,
    found_in,
    gone_records,
    live_records,
    owner_record,
)
from hub.connectors.hubspot.ranges import RangeReader
from hub.connectors.hubspot.search import filter_of, id_key, millis
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

__all__ = ["OBJECTS", "STREAMS", "HubspotConfig", "HubspotConnector", "id_key"]
_MOST_ROWS = 200
_LISTED = 100
_OWNERS_A_PAGE = 500
_ONE = "0001"
_DONE: Cursor = {"done": True}


class HubspotConnector:
    """See `hub.connectors.base.Connector` and `Migrates`.

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
        self._joiner = Joiner(self._client, config.skip)
        sizes = replace(config, page_size=self._page_size)
        self._ranges = RangeReader(self._client, self._joiner, sizes)
        self._inventory = InventoryReader(self._client, self._joiner, self._ranges, sizes)

    def streams(self) -> Sequence[Stream]:
        """Return owners, and what the setting `objects` names, after its definitions."""
        followed = ALWAYS | set(self._config.objects)
        return [one for one in self.objects() if one.part in followed]

    def objects(self) -> Sequence[Stream]:
        """Return everything that a migration can read: what others name comes first."""
        return [one for one in OBJECTS if one.part not in self._config.skip]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        """Return the unfinished window, or freeze the next one by HubSpot's clock."""
        return next_window(cursor, self._config, lambda: self._client.now(stream.part))

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield pages: all owners each time, the records of other streams inside the window."""
        if stream.name == OWNERS.name:
            return self._read_owners(window)
        if stream.name in DEFINITIONS:
            return self._read_definitions(DEFINED[stream.name], window)
        return self._read_objects(_kind(stream), window)

    # a migration

    def ranges(self, stream: Stream, window: Window) -> Sequence[Range]:
        """Return ranges of ids, and one of the archive; owners and definitions are one range."""
        if not stream.countable:
            return [Range(_ONE)]
        return self._ranges.ranges(_kind(stream), window)

    def read_range(
        self, stream: Stream, window: Window, part: Range, resume: Cursor | None = None
    ) -> Iterator[Page]:
        """Yield the pages of a range after a position."""
        if stream.countable:
            kind = _kind(stream)
            yield from self._ranges.read(kind, window, part, resume, self._names(kind))
            return
        if resume and resume.get("done"):
            return
        # an owner who has changed since is read as it is now
        begun = replace(window, until=datetime.max.replace(tzinfo=window.until.tzinfo))
        for page in self.read(stream, replace(begun, resume=dict(resume or {}))):
            position = {k: v for k, v in page.cursor.items() if k in ("archived", "after")}
            yield replace(page, cursor=position or _DONE)

    def count_range(self, stream: Stream, window: Window, part: Range) -> int | None:
        """Return HubSpot's own count of a range; None for owners and definitions."""
        if not stream.countable:
            return None
        return self._ranges.count(_kind(stream), window, part)

    def inventory(self, stream: Stream, window: Window) -> Inventory:
        """Return what the stream has, by counts of the search alone."""
        if not stream.countable:
            return self._inventory.uncounted(stream.name)
        kind = _kind(stream)
        rows = [decode(raw, dict[str, Any]) for raw in self._definitions(kind.name)]
        return self._inventory.of(kind, rows, window)

    def left_behind(self) -> Mapping[str, int]:
        """Return the account's objects that a migration does not read, with their counts."""
        return self._inventory.left_behind()

    def following(self, _stream: Stream, window: Window) -> Cursor:
        """Return the cursor of a sync that continues where a migration was frozen."""
        return after(window)

    def read_named(self, stream: Stream, names: Sequence[str]) -> Sequence[RawRecord]:
        """Return objects by their ids: one request for a hundred, one more if some are gone.

        A batch shows an object at once; a search shows it some seconds later.
        """
        kind, records = _kind(stream), []
        for start in range(0, len(names), MOST_IN_A_BATCH):
            some = names[start : start + MOST_IN_A_BATCH]
            found = found_in(self._client.batch(kind.name, some, self._names(kind)))
            records += live_records(kind.changed, self._joiner.joined(kind, found))
            known = {record.source_id for record in records}
            if missing := [one for one in some if one not in known]:
                gone = self._client.batch(kind.name, missing, [ID, MERGED], archived=True)
                records += gone_records(found_in(gone))
        return records

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        """Return the live records in the span by the search's total; None for streams without search."""
        if not stream.countable:
            return None
        body = _search_body(_kind(stream), since, until, last="", limit=1, properties=[ID])
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
                answer = self._client.search(stream.name, _glance_body(_kind(stream), since))
            except HubError as exc:
                faults.append(contained(stream.part, exc))
                continue
            asked_at = answer.present()
            window = upcoming(cursor, self._config, asked_at)
            glances[stream.name] = _glance(_kind(stream), answer, window)
        return News(glances, faults, asked_at, asked_n)

    def check(self) -> Sequence[Finding]:
        """Check the token, the scopes of each stream, and the rest of the daily requests."""
        findings = [
            self._check_owners()
            if stream.name == OWNERS.name
            else self._check_objects(_kind(stream))
            for stream in self.streams()
            if stream.name not in DEFINITIONS
        ]
        findings.append(self._check_usage())
        findings.extend(skipped(self._config.skip))
        return [*findings, webhooks(has_secret=bool(self._config.webhook_secret))]

    def _check_objects(self, kind: Kind) -> Finding:
        name = kind.name
        try:
            properties = len(self._names(kind))
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
            return failed(OWNERS.name, exc, source=self.source)
        return Finding(OWNERS.name, ok=True, message=f"{len(answer.items(RESULTS))} owners")

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
                _check_advance(onwards, seen, OWNERS.name)
            elif is_archived:
                yield Page(kept, after(window))
                return
            is_archived, cursor = is_archived or not onwards, onwards
            yield Page(kept, inside(window, {"archived": is_archived, "after": cursor}))

    # objects

    def _read_objects(self, kind: Kind, window: Window) -> Iterator[Page]:
        if "archive" not in window.resume:
            last = _text(window.resume.get("last"))
            while True:
                found, is_last = self._next(kind, window, last)
                records = live_records(kind.changed, self._joiner.joined(kind, found))
                if is_last:
                    yield Page(records, inside(window, {"archive": ""}))
                    break
                last = search.last_id(found)
                yield Page(records, inside(window, {"last": last}))
        yield from self._read_archive(kind.name, window)

    def _next(self, kind: Kind, window: Window, last: str) -> tuple[Found, bool]:
        """Return the records after an id, and whether they are the last."""
        body = _search_body(
            kind,
            window.since,
            window.until,
            last=last,
            limit=self._page_size,
            properties=self._names(kind),
        )
        return search.next_page(self._client, kind.name, body, last)

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

    def _names(self, kind: Kind) -> list[str]:
        """Return the names of a type's properties, with those that the walk needs."""
        rows = (decode(raw, dict[str, Any]) for raw in self._definitions(kind.name))
        names = filter(None, (_text(row.get("name")) for row in rows))
        return sorted({*names, ID, MERGED, kind.changed})

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


def _kind(stream: Stream) -> Kind:
    if stream.name not in KINDS:
        raise ConfigError(f"hubspot has no stream {stream.name!r}")
    return KINDS[stream.name]


def _search_body(
    kind: Kind,
    since: datetime | None,
    until: datetime,
    *,
    last: str,
    limit: int,
    properties: Sequence[str],
) -> Mapping[str, Any]:
    """Return a search for a window's records beyond an id."""
    filters = [filter_of(kind.changed, "LT", millis(until))]
    if since is not None:
        filters.append(filter_of(kind.changed, "GTE", millis(since)))
    if last:
        filters.append(filter_of(ID, "GT", last))
    return search.body_of([filters], limit=limit, properties=properties)


def _glance_body(kind: Kind, since: datetime | None) -> Mapping[str, Any]:
    """Return a search for the records of the next window; the present bounds it from above."""
    filters = [filter_of(kind.changed, "GTE", millis(since))] if since else []
    return search.body_of(
        [filters], limit=_MOST_ROWS, properties=[ID, kind.changed], sort=kind.changed
    )


def _glance(kind: Kind, answer: Answer, window: Window) -> Glance:
    found = found_in(answer, answer.count("total"))
    stamps = [(item.id, item.text(kind.changed) or item.updatedAt or "") for item in found.items]
    seen = [(id_, stamp) for id_, stamp in stamps if is_within(parse_time(stamp), window)]
    return Glance(seen, is_certain=len(seen) == len(stamps) < found.total)


def _check_advance(cursor: str, seen: set[str], what: str) -> None:
    if cursor in seen:
        raise ProtocolError(
            f"hubspot {what}: the page after {cursor} comes again", hint=HINTS[ProtocolError]
        )
    seen.add(cursor)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
