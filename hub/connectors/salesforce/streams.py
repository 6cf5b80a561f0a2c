"""Salesforce's streams: frozen windows for a sync, ranges of ids for a migration.

A formula is computed when a record is read, so its value changes without SystemModstamp
(https://help.salesforce.com/s/articleView?id=sf.customize_functions.htm). Describe names the
`calculated` fields. They are the stream's `silent` keys, and the same walk reads them again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hub.clock import Clock
from hub.connectors.base import (
    Cursor,
    Finding,
    Glance,
    Inventory,
    News,
    Page,
    PartFault,
    Range,
    Stream,
    Window,
)
from hub.connectors.findings import failed, skipped
from hub.connectors.governor import Budget
from hub.connectors.http import RetryPolicy
from hub.connectors.parts import Containment, contained
from hub.connectors.salesforce import soql
from hub.connectors.salesforce.bulk import BulkJobs
from hub.connectors.salesforce.client import (
    SalesforceClient,
    SalesforceConfig,
    check_version,
    short_domain,
)
from hub.connectors.salesforce.inventory import InventoryReader
from hub.connectors.salesforce.kinds import ALWAYS, OBJECTS, PARTS, STREAMS, Part
from hub.connectors.salesforce.ranges import RangeReader
from hub.connectors.salesforce.reader import MOST_IDS, MOST_ROWS, ObjectReader, position_of
from hub.connectors.salesforce.rows import id18, record, records
from hub.connectors.salesforce.shapes import Shape
from hub.connectors.windows import (
    after,
    inside,
    is_unfinished,
    is_within,
    iso,
    next_window,
    upcoming,
)
from hub.errors import ConfigError, HubError
from hub.model.records import JsonValue, RawRecord

__all__ = ["OBJECTS", "STREAMS", "SalesforceConfig", "SalesforceConnector", "id18"]

# `rows` names a status by these
_STATUS_NAMES = frozenset({"ApiName", "MasterLabel"})
_QUESTIONS_AT_ONCE = 5


class SalesforceConnector:
    """See `hub.connectors.base.Connector` and `Migrates`.

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
        self._clock = clock
        self._budget, self._retry_policy = budget, retry_policy
        page_size = min(max(config.page_size, 1), MOST_ROWS)
        client = SalesforceClient(config, clock, budget=budget, retry_policy=retry_policy)
        address = f"https://{short_domain(config.domain)}.salesforce.com"
        self._reader = ObjectReader(client, page_size, address)
        self._inventory = InventoryReader(self._reader, config)
        jobs = BulkJobs(client, clock, time_scale=config.time_scale)
        self._ranges = RangeReader(self._reader, jobs, config)

    @property
    def readers(self) -> int:
        """Return how many ranges may be read at once: as many as Bulk jobs may be open."""
        return self._config.bulk_jobs

    def another(self) -> "SalesforceConnector":
        """Return a connector to the same org, with a session of its own, for another thread."""
        made = SalesforceConnector(
            self._config, self._clock, budget=self._budget, retry_policy=self._retry_policy
        )
        made._reader.shapes = self._reader.shapes  # described once for all
        return made

    @property
    def _client(self) -> SalesforceClient:
        return self._reader.client

    def streams(self) -> Sequence[Stream]:
        """Return users (owners), the meanings of statuses, and what the setting `objects` names."""
        followed = ALWAYS | set(self._config.objects)
        return [one for one in self.objects() if one.name in followed]

    def objects(self) -> Sequence[Stream]:
        """Return everything that a migration can read, owners first."""
        return [self._known(one) for one in OBJECTS if one.part not in self._config.skip]

    def _known(self, stream: Stream) -> Stream:
        """Return the stream with its `silent` keys, if describe has been read."""
        shapes = self._reader.shapes
        known = [shapes[one.name] for one in PARTS[stream.name] if one.name in shapes]
        if not known:
            return stream
        silent = frozenset().union(*(shape.silent for shape in known))
        return replace(stream, window_by=known[0].cursor_field, silent=silent)

    def _parts(self, stream: Stream) -> Sequence[Part]:
        """Return the objects of a stream that are read."""
        if stream.name not in PARTS:
            raise ConfigError(f"salesforce has no stream {stream.name!r}")
        return [one for one in PARTS[stream.name] if one.name not in self._config.skip]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:  # noqa: ARG002  # one clock for all
        """Return the unfinished window, or freeze the next one by Salesforce's clock."""
        return next_window(cursor, self._config, lambda: self._client.limits()[1])

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield pages; the cursor of each is its last record."""
        parts = self._parts(stream)
        if len(PARTS[stream.name]) > 1:
            return self._pages_of_parts(parts, window)
        return self._changed_pages(parts[0], window)

    def reread(self, stream: Stream, window: Window, keys: frozenset[str]) -> Iterator[Page]:
        """Yield pages as `read` does, with Id and these fields only."""
        part = self._parts(stream)[0]
        return self._pages(part, self._reader.shape(part).only(keys), window)

    def fetch(self, stream: Stream, records_: Sequence[RawRecord]) -> Sequence[RawRecord]:
        """Return the records with all their fields, by a query for their Ids."""
        ids = [one.source_id for one in records_ if one.source_id.isalnum()]
        return self._by_ids(self._parts(stream)[0], ids)

    def _by_ids(self, part: Part, ids: Sequence[str]) -> list[RawRecord]:
        shape = self._reader.shape(part)
        found: list[RawRecord] = []
        for start in range(0, len(ids), MOST_IDS):
            batch = self._client.query(
                soql.by_ids(shape, ids[start : start + MOST_IDS]), deleted=False
            )
            found += self._reader.joined(part, shape, batch.rows, records(batch, shape))
            while not batch.done and batch.next_url and batch.rows:
                batch = self._client.more(batch.next_url)
                found += self._reader.joined(part, shape, batch.rows, records(batch, shape))
        return found

    def _changed_pages(self, part: Part, window: Window) -> Iterator[Page]:
        """Yield the pages of an object; before the last one, the records of which only a joined one changed."""
        place = {**window.resume}
        for page in self._pages(part, self._reader.shape(part), window):
            if is_unfinished(page.cursor):
                place = {key: page.cursor[key] for key in ("t", "last")}
            else:
                for found in self._moved(part, window):
                    yield Page(found, inside(window, place))
            yield page

    def _moved(self, part: Part, window: Window) -> Iterator[Sequence[RawRecord]]:
        """Yield the records of which only a joined one changed in a window."""
        for ids in self._reader.moved_ids(part, window):
            found = self._by_ids(part, ids)
            yield [one for one in found if not is_within(one.at, window)]

    def _pages(self, part: Part, shape: Shape, window: Window) -> Iterator[Page]:
        for found, reached in self._reader.pages(part, shape, window, position_of(window)):
            if reached is None:
                yield Page(found, after(window))
            else:
                yield Page(found, inside(window, {"t": iso(reached.at), "last": reached.id}))

    def _pages_of_parts(self, parts: Sequence[Part], window: Window) -> Iterator[Page]:
        """Yield the pages of one object after the other. The last page is empty.

        The cursor names the objects that were read to an end. Another one is read from the beginning:
        it is new, or Salesforce refused it so far.
        """
        known, done = _known_parts(parts, window), _names(window.resume.get("done"))
        faults: list[PartFault] = []
        containment = Containment()
        for part in parts:
            if part.name in done:
                continue
            is_begun = window.resume.get("part") == part.name
            own = replace(
                window,
                since=window.since if part.name in known else None,
                resume=window.resume if is_begun else {},
            )
            try:
                pages = self._reader.pages(part, self._reader.shape(part), own, position_of(own))
                place = _place(part, window, known, done)
                for found, reached in pages:
                    is_begun = True
                    if reached is None:
                        for moved in self._moved(part, own):
                            yield Page(moved, inside(window, place))
                        place = {"known": [*known], "done": [*done, part.name]}
                    else:
                        place |= {"part": part.name, "t": iso(reached.at), "last": reached.id}
                    yield Page(found, inside(window, place))
            except HubError as exc:
                faults.append(containment.fault(part.name, exc, is_begun=is_begun))
            else:
                containment.passed()
                done = [*done, part.name]
        containment.end()
        read = [one.name for one in parts if one.name in done]
        yield Page([], after(window, {"known": [*read]}), faults)

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        """Return the live records in the span, without the tombstones that `read` yields."""
        total = 0
        for part in (parts := self._parts(stream)):
            try:
                total += self._count(self._reader.shape(part), since, until)
            except HubError as exc:
                if len(parts) == 1:
                    raise
                contained(part.name, exc)
        return total

    def _count(self, shape: Shape, since: datetime | None, until: datetime) -> int:
        where = soql.span(shape.cursor_field, since, until)
        if shape.time_filter_hides_deleted:
            where.append("IsDeleted = false")
        # the plain query leaves archived activities out, which `read` yields
        deleted = "IsArchived" in shape.kinds
        return self._client.count(
            soql.count(shape, where), **({"deleted": True} if deleted else {})
        )

    def ranges(self, stream: Stream, window: Window) -> Sequence[Range]:
        """Return ranges of some 100,000 ids of each object of the stream."""
        parts = self._parts(stream)
        is_alone = len(PARTS[stream.name]) == 1
        cut = [
            one for part in parts for one in self._ranges.ranges(part, window, is_alone=is_alone)
        ]
        named = [replace(one, key=f"{n:04}") for n, one in enumerate(cut, 1)]
        self._ranges.keep(stream.name, named)
        return named

    def read_range(
        self, stream: Stream, window: Window, part: Range, resume: Cursor | None = None
    ) -> Iterator[Page]:
        """Yield the pages of a range: a large one by a Bulk job, a small one by REST."""
        return self._ranges.read(stream.name, self._part_of(stream, part), window, part, resume)

    def count_range(self, stream: Stream, window: Window, part: Range) -> int | None:
        """Return the vendor's own count of a range, deleted records included."""
        return self._ranges.count(self._part_of(stream, part), window, part)

    def inventory(self, stream: Stream, window: Window) -> Inventory:
        """Return counts, fill rates, values of picklists and owners, all counted by Salesforce."""
        return self._inventory.of(stream.name, self._parts(stream), window)

    def left_behind(self) -> Mapping[str, int]:
        """Return the objects with records that a migration does not read."""
        return self._inventory.left_behind()

    def following(self, stream: Stream, window: Window) -> Cursor:
        """Return the cursor after a migration: every object of the stream was read."""
        names: list[JsonValue] = [part.name for part in self._parts(stream)]
        return after(window, {"known": names} if len(PARTS[stream.name]) > 1 else None)

    def _part_of(self, stream: Stream, wanted: Range) -> Part:
        """Return the object that a range is of: that of its ids."""
        parts = self._parts(stream)
        low = wanted.low
        return next((one for one in parts if low and low.startswith(one.prefix)), parts[0])

    def news(self, cursors: Mapping[str, Cursor]) -> News:
        """Return what composite requests find in all objects, oldest change first.

        A request is of queryAll, so it has deleted and merged records too. A formula's value is not
        in it: that changes without a time.
        """
        mine = [one for one in self.streams() if one.name in cursors]
        glances = {
            one.name: Glance(is_certain=True) for one in mine if is_unfinished(cursors[one.name])
        }
        faults, asked = [], {}
        for stream in mine:
            for part in self._parts(stream) if stream.name not in glances else ():
                try:
                    shape = self._reader.shape(part).only(_STATUS_NAMES)
                except HubError as exc:
                    faults.append(contained(part.name, exc))
                else:
                    asked[part.name] = (stream.name, part, shape)
        names = list(asked)
        now: datetime | None = None
        for start in range(0, len(names), _QUESTIONS_AT_ONCE):
            few = {name: asked[name] for name in names[start : start + _QUESTIONS_AT_ONCE]}
            found, now = self._client.glance(
                {
                    name: soql.glance(shape, self._since(part, cursors[of]), MOST_ROWS)
                    for name, (of, part, shape) in few.items()
                }
            )
            for name, rows in found.items():
                of, _, shape = few[name]
                if isinstance(rows, HubError):
                    faults.append(contained(name, rows))
                else:
                    window = upcoming(cursors[of], self._config, now)
                    more = _glance(rows, shape, window)
                    glances[of] = glances.get(of, Glance()).with_more(more)
        return News(glances, faults, now, requests_n=-(-len(names) // _QUESTIONS_AT_ONCE))

    def _since(self, part: Part, cursor: Cursor) -> datetime | None:
        window = upcoming(cursor, self._config)
        parts = next(those for those in PARTS.values() if part in those)
        is_known = len(parts) == 1 or part.name in _known_parts(parts, window)
        return window.since if is_known else None

    def check(self) -> Sequence[Finding]:
        """Check login, permissions on each object, and the rest of the daily requests."""
        try:
            self._client.login()
        except HubError as exc:
            return [failed("login", exc)]
        findings = [Finding("login", ok=True, message=f"logged in to {self._config.domain}")]
        findings.extend(
            self._check_part(part) for stream in self.streams() for part in self._parts(stream)
        )
        findings.extend(skipped(self._config.skip))
        findings.append(self._check_limits())
        return findings

    def _check_part(self, part: Part) -> Finding:
        try:
            shape = self._reader.shape(part)
            count_n = self._client.count(soql.count(shape))
        except HubError as exc:
            return failed(part.name, exc, source=self.source)
        if not count_n:
            hint = f"if there should be some, give the integration user 'View All' on {shape.name}"
            return Finding(part.name, ok=True, message="no record is visible", hint=hint)
        message = f"{count_n} records visible, {len(shape.fields)} fields, by {shape.cursor_field}"
        return Finding(part.name, ok=True, message=message)

    def _check_limits(self) -> Finding:
        try:
            usage, _ = self._client.limits()
        except HubError as exc:
            return failed("daily requests", exc)
        most = int(usage.limit * (1 - self._config.daily_reserve))
        message = f"{usage.used} of {usage.limit} API requests of the last 24 hours are used"
        hint = "" if usage.used < most else "wait, lower daily_reserve, or buy more requests"
        return Finding("daily requests", ok=usage.used < most, message=message, hint=hint)


def _place(
    part: Part, window: Window, known: Sequence[str], done: Sequence[str]
) -> dict[str, JsonValue]:
    """Return where a read of an object begins, or goes on after an interruption."""
    place: dict[str, JsonValue] = {"known": [*known], "done": [*done]}
    if window.resume.get("part") == part.name:
        place |= {key: window.resume[key] for key in ("part", "t", "last") if key in window.resume}
    return place


def _known_parts(parts: Sequence[Part], window: Window) -> Sequence[str]:
    """Return the objects that were read before; a cursor from before there were several names one."""
    known = window.resume.get("known")
    return _names(known) if known is not None else [parts[0].name]


def _names(value: JsonValue) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _glance(rows: Sequence[Mapping[str, Any]], shape: Shape, window: Window) -> Glance:
    found = [record(row, b"", shape) for row in rows]
    due = [one for one in found if is_within(one.at, window)]
    is_full = len(due) == len(found) >= MOST_ROWS
    return Glance([(one.source_id, one.version) for one in due], is_certain=is_full)
