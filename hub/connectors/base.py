"""The interface between the hub and one vendor.

A connector reads. What it writes at a vendor is the hub's own webhook, and only when `hub webhooks register`
asks for it (`hub.connectors.own_webhooks`); it never writes to the database or the CRM. It yields pages of
raw records. Each page has the cursor that resumes directly after the page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from hub.errors import HubError
from hub.model.records import JsonValue, RawRecord

Cursor = Mapping[str, JsonValue]


class Change(StrEnum):
    """What may happen to a record at a vendor."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of object of one vendor, and its capabilities; the conformance suite tests these.

    Args:
        name: the name in mapping names, e.g. `leads`.
        incremental: whether a cursor narrows the next read.
        countable: whether the vendor can count a frozen window.
        reports_deletes: whether the stream contains deletions.
        context: whether only other streams' mappings read the records; they have no own mapping.
        volatile: top-level payload keys left out of the content hash.
        window_by: payload key of the time that the window's bounds are compared with.
        bounded: whether a read keeps to the window's bounds. Some vendors keep the position
            themselves. Then `since` is None, and a read goes at least as far as `until`.
        names_survivors: whether a merge at the vendor names the surviving record.
        silent: top-level payload keys whose values may change without the record's modification
            time. Some are known only from the vendor's metadata, so the set is complete after a
            read of the stream. A connector with such keys implements `Rereads`.
        of: the stream whose permission it needs, where that is another one.
        probed: the kinds of change that `Probes.news` sees. The reconciling read finds the others,
            and values that change without the record's modification time.
    """

    name: str
    incremental: bool = True
    countable: bool = True
    reports_deletes: bool = False
    context: bool = False
    volatile: frozenset[str] = frozenset()
    window_by: str = ""
    bounded: bool = True
    names_survivors: bool = True
    silent: frozenset[str] = frozenset()
    of: str = ""
    probed: frozenset[Change] = frozenset()

    @property
    def part(self) -> str:
        """Return the name of the part that it is of, in messages and in the setting `skip`."""
        return self.of or self.name


@dataclass(frozen=True, slots=True)
class Window:
    """A frozen span of a stream: `since` inclusive (None = from the beginning), `until` exclusive.

    `watermark` is the lower bound before the safety overlap was subtracted. `resume` is the
    position inside the window where an interrupted read continues. Only the connector reads it.
    """

    since: datetime | None
    until: datetime
    watermark: datetime | None = None
    resume: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartFault:
    """A part of a stream that was not read, with the error; `part` is its name in `skip`."""

    part: str
    error: HubError


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one vendor answer, and the cursor to store in the transaction that lands them.

    The cursor of a window's last page has a moved watermark and no resume position. A window without
    records still yields one empty page, so that the watermark moves.

    `faults` name parts of the stream (one form, one list) that could not be read. The cursor keeps
    the position of each part, and the next window reads the part from there.
    """

    records: Sequence[RawRecord]
    cursor: Cursor
    faults: Sequence[PartFault] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `hub check`: what was checked, the result, and what to do about a failure."""

    subject: str
    ok: bool
    message: str
    hint: str = ""


class Connector(Protocol):
    """The interface of every vendor package.

    Every method that sends requests may raise: `CredentialError` (the source stops, the operator
    acts), `ForbiddenError` (the stream stops, other streams continue, the operator acts),
    `BudgetError` (the run ends, the next one continues), `TransientError` after the last retry (the
    stream fails, the cursor stays), `ProtocolError` (the stream stops, because records could be
    lost). No SDK exception is raised.
    """

    source: str

    def streams(self) -> Sequence[Stream]:
        """Return the streams in reading order: context and owners first.

        Streams in the setting `skip` are left out.
        """
        ...

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        """Return the cursor's unfinished window, otherwise a new one by the vendor's clock."""
        ...

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield the window's pages in order."""
        ...

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        """Return the vendor's own count of live records in the span; None if it cannot count.

        Parts of the stream that the vendor refuses are not counted.
        """
        ...

    def check(self) -> Sequence[Finding]:
        """Check credentials, permissions and settings; a refusal is a finding and is not raised."""
        ...


@runtime_checkable
class Rereads(Protocol):
    """The further interface of a connector with a stream that has `silent` keys."""

    def reread(self, stream: Stream, window: Window, keys: frozenset[str]) -> Iterator[Page]:
        """Yield the window's pages as `read` does, with a few keys only.

        A payload has the record's id, its modification time, and these keys.
        """
        ...

    def fetch(self, stream: Stream, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
        """Return the records of such a page with all keys; deleted records are left out."""
        ...


@runtime_checkable
class ReadsNamed(Protocol):
    """The further interface of a connector whose vendor sends hints: objects are read by their names."""

    def read_named(self, stream: Stream, names: Sequence[str]) -> Sequence[RawRecord]:
        """Return the present state of objects, in the shape in which `read` yields it.

        A name of an object that the vendor does not have, or does not tell about, gives no record; the
        next read finds its tombstone. Raises what `Connector` says.

        Args:
            stream: their stream.
            names: as `source_id` of the webhook's events has them; each once.
        """
        ...


@dataclass(frozen=True, slots=True)
class Glance:
    """What the vendor answered about one stream.

    Args:
        seen: id and version of each record that the next read would return. Records of the safety
            overlap are among them, so most of them may have landed in this version before.
        is_certain: whether the next read has something to do in any case: a read was interrupted, a
            part of the stream is new, or more records matched than one answer holds.
    """

    seen: Sequence[tuple[str, str]] = ()
    is_certain: bool = False

    def has_news(self, landed: Mapping[str, str]) -> bool:
        """Return whether the next read would land anything.

        Args:
            landed: the version that last landed, by the id of each seen record that ever did.
        """
        return self.is_certain or any(landed.get(id_) != version for id_, version in self.seen)

    def with_more(self, other: "Glance") -> "Glance":
        """Return what two answers about parts of one stream say together."""
        return Glance([*self.seen, *other.seen], self.is_certain or other.is_certain)


@dataclass(frozen=True, slots=True)
class News:
    """The answers to one question about a source.

    Args:
        glances: by the name of the stream; a stream that was not asked about is not there.
        faults: the parts that the vendor refused; the other parts were asked about.
        asked_at: the vendor's time, None if no question had to be sent.
        requests_n: how many requests the question took, without what a process asks only once: logins, and
            what an object is made of.
        turns: how many questions it takes until each part was asked about once.
    """

    glances: Mapping[str, Glance]
    faults: Sequence[PartFault] = ()
    asked_at: datetime | None = None
    requests_n: int = 0
    turns: int = 1


@runtime_checkable
class Probes(Protocol):
    """The further interface of a connector that can ask cheaply whether a read would land anything."""

    def news(self, cursors: Mapping[str, Cursor]) -> News:
        """Return what the next read of each stream with a cursor would return.

        The lower bound is the one of the stream's next window, the upper bound too, by the time of
        the vendor's answer. So a record that is not due yet is no news, and one that committed late
        inside the safety overlap is. Raises what `Connector` says, but no refusal of a part.

        Args:
            cursors: the stored cursors, by the name of the stream; streams without one are left out.
        """
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a stream that is read, proven and retried alone.

    A range is cut by the records' ids, never by a time: an id does not change, a time does.

    Args:
        key: `0001`, `0002`, …: its name, in the order of the ids.
        low: the first id that may be in it, None for the first range.
        high: the first id after it, None for the last range.
        count_n: the vendor's own count when the range was cut, None if the vendor cannot count.
    """

    key: str
    low: str | None = None
    high: str | None = None
    count_n: int | None = None


@dataclass(frozen=True, slots=True)
class FieldUse:
    """How one field of a stream is used.

    Args:
        name: the key in the payload.
        label: the name that people read at the vendor.
        kind: the vendor's type, e.g. `picklist`.
        filled_n: how many records have a value; None if the vendor cannot count that.
        custom: whether the field was added by the account itself.
        choices: the values that the vendor offers for it.
        values: how many records have each value of a picklist; "" for none. Only of picklists.
        distinct_n: how many different values the records have, by the vendor's own count. Only of fields
            with e-mail addresses; None if the vendor cannot count that.
    """

    name: str
    label: str = ""
    kind: str = "string"
    filled_n: int | None = None
    custom: bool = False
    choices: Sequence[str] = ()
    values: Mapping[str, int] = field(default_factory=dict)
    distinct_n: int | None = None


@dataclass(frozen=True, slots=True)
class OwnerUse:
    """One owner of records at the vendor; `records_n` are the records of this stream only."""

    id: str
    name: str
    records_n: int
    email: str = ""
    active: bool = True
    is_queue: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a stream has at the vendor, before anything is read from it.

    Args:
        stream: its name.
        count_n: the live records; None if the vendor cannot count.
        deleted_n: the records that are deleted or merged and can still be read.
        fields: in the vendor's order.
        owners: the owner with the most records first; empty for a stream without owners.
        requests_n: how many requests a migration of the stream takes, about.
        remaining_n: how many requests the vendor still allows now; None without such a limit.
        daily_n: how many it allows a day; both without those that are kept for other applications.
    """

    stream: str
    count_n: int | None
    deleted_n: int = 0
    fields: Sequence[FieldUse] = ()
    owners: Sequence[OwnerUse] = ()
    requests_n: int = 0
    remaining_n: int | None = None
    daily_n: int | None = None


@runtime_checkable
class LeavesBehind(Protocol):
    """The further interface of a connector that can say what a migration does not read."""

    def left_behind(self) -> Mapping[str, int]:
        """Return the vendor's objects that have records and are not read, with about how many each has."""
        ...


@runtime_checkable
class Defines(Protocol):
    """The further interface of a connector to whose fields the user gave types, before the migration."""

    def custom_fields(self) -> Mapping[str, Sequence[FieldUse]]:
        """Return the custom fields to define, by stream; `kind` is a type of custom fields."""
        ...


@runtime_checkable
class Migrates(Protocol):
    """The further interface of a connector whose source can be migrated as a whole.

    `Connector.read` and `Connector.count` work for all of `objects()`. The window of a migration has
    no lower bound. Its `until` is the time when the migration was planned. A record created later is
    not read; the sync that begins there reads it. A record that was changed or deleted later is read
    as it is now, and the sync reads it again. So a range has the same records whenever it is read.
    """

    def objects(self) -> Sequence[Stream]:
        """Return everything that a migration can read, context and owners first.

        `Connector.streams` are those of them that a sync follows.
        """
        ...

    def ranges(self, stream: Stream, window: Window) -> Sequence[Range]:
        """Return ranges that are disjoint and complete together; a small stream has one."""
        ...

    def read_range(
        self, stream: Stream, window: Window, part: Range, resume: Cursor | None = None
    ) -> Iterator[Page]:
        """Yield the range's pages, with deleted and merged records too.

        Args:
            stream: one of `objects()`.
            window: the same for all ranges of the stream.
            part: the range.
            resume: the cursor of the last page that was stored; None to read from the beginning.
                A page's cursor is a position within its range. A vendor that forgot the position
                makes the connector read the range from the beginning.
        """
        ...

    def count_range(self, stream: Stream, window: Window, part: Range) -> int | None:
        """Return the vendor's own count of what `read_range` yields; None if it cannot count.

        Deleted and merged records that are yielded are counted too.
        """
        ...

    def inventory(self, stream: Stream, window: Window) -> Inventory:
        """Return what the stream has at the vendor, without reading its records."""
        ...

    def following(self, stream: Stream, window: Window) -> Cursor:
        """Return the cursor of a read that continues where a migration was frozen.

        Args:
            stream: one of `objects()`.
            window: of the migration; all its ranges were read.
        """
        ...


@runtime_checkable
class ReadsSideBySide(Protocol):
    """The further interface of a connector whose ranges may be read several at once."""

    @property
    def readers(self) -> int:
        """Return how many ranges may be read at once, by one process."""
        ...

    def another(self) -> Connector:
        """Return a connector to the same account, on the same budget, for another thread."""
        ...
