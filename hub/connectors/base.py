"""The seam between the hub and one vendor.

A connector reads; it never writes to the vendor, to the database, or to the CRM. It hands out
pages of raw records, each with the cursor that would resume right after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from hub.errors import HubError
from hub.model.records import JsonValue, RawRecord

Cursor = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of object in one vendor, with what the conformance suite may ask of it.

    Args:
        name: as in mapping names, e.g. `leads`.
        incremental: whether a cursor narrows the next read.
        countable: whether the vendor can count a frozen window.
        reports_deletes: whether deletions come through the stream.
        context: records are needed by other streams' mappings but have no mapping of their own.
        volatile: top-level payload keys left out of the content hash.
        window_by: payload key of the value the window runs on, as `Window` bounds compare to it.
        bounded: whether a read keeps to the window's bounds. A vendor that keeps the position
            itself hands out what it has: then `since` is None, and `until` only says how far a
            read went at least.
        names_survivors: whether a vendor's merge says which record survived it.
        silent: top-level payload keys whose values may change while the vendor's modification time
            stands still. Only the vendor's own description may tell them: complete once the stream
            was read. A connector with such keys offers `Rereads`.
        of: the stream whose permission it needs, where that is another one.
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

    @property
    def part(self) -> str:
        """Return the name of the part that it is of, in messages and in the setting `skip`."""
        return self.of or self.name


@dataclass(frozen=True, slots=True)
class Window:
    """A frozen span of a stream: `since` inclusive (None = from the beginning), `until` exclusive.

    `watermark` is the lower bound before the safety overlap was subtracted. `resume` is the
    vendor position inside the window where an interrupted read goes on, opaque to all but the
    connector.
    """

    since: datetime | None
    until: datetime
    watermark: datetime | None = None
    resume: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartFault:
    """A part of a stream, named as in the setting `skip`, and why it was not read."""

    part: str
    error: HubError


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one vendor answer, and the cursor to store in the transaction that lands them.

    The last page of a window carries a cursor with a moved watermark and no resume position;
    a window without records still yields one (empty) page so that the watermark moves.

    `faults` name parts of the stream (one form, one list) that could not be read. The cursor keeps
    the place of each, and the next window reads it from there.
    """

    records: Sequence[RawRecord]
    cursor: Cursor
    faults: Sequence[PartFault] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `hub check`: what was tried, whether it holds, and what to do if not."""

    subject: str
    ok: bool
    message: str
    hint: str = ""


class Connector(Protocol):
    """What every vendor package offers.

    Raises, from every method that talks to the vendor: `CredentialError` (the source stops, the
    operator acts), `ForbiddenError` (the stream stops, others go on, the operator acts),
    `BudgetError` (stop politely), `TransientError` after the retries are used up (the stream fails,
    the cursor stands), `ProtocolError` (the stream stops: going on would lose records). Never an
    SDK's own.
    """

    source: str

    def streams(self) -> Sequence[Stream]:
        """Return the streams in the order they should be read (context and owners first).

        Streams that the setting `skip` names are left out.
        """
        ...

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        """Freeze the next window from the vendor's clock; resumes an unfinished one."""
        ...

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Yield the window's pages in order."""
        ...

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        """Return the vendor's own count of live records in the span; None if it cannot count.

        Parts of the stream that are refused are not in it.
        """
        ...

    def check(self) -> Sequence[Finding]:
        """Try credentials, permissions and settings; never raises CredentialError, reports it."""
        ...


@runtime_checkable
class Rereads(Protocol):
    """What a connector offers beside `Connector` where a stream has `silent` keys."""

    def reread(self, stream: Stream, window: Window, keys: frozenset[str]) -> Iterator[Page]:
        """Yield the window's pages as `read` does, but with little more than these keys in each.

        A payload holds what names the record, its modification time, and the keys.
        """
        ...

    def fetch(self, stream: Stream, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
        """Return the records of one such page with all they hold; who is gone is left out."""
        ...
