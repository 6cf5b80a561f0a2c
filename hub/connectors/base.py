"""The interface between the hub and one vendor.

A connector only reads: it never writes to the vendor, the database or the CRM. It yields pages of
raw records. Each page has the cursor that resumes directly after the page.
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
