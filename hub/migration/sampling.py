"""A sample of the people of a source: read and mapped before anything is migrated, and then forgotten.

In: a connector, the mappings. Out: for each stream of people the hashes of their e-mail addresses and phone
numbers, as matching makes them, and how long the read took. Nothing is stored. Files are read as a whole.
Not here: what follows from a sample (`hub.migration.duplicates`, `hub.migration.reading_cost`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub.connectors.base import Page, Stream
from hub.errors import BudgetError, HubError
from hub.etl.contain import ends_source, fault_of
from hub.etl.context import Hub
from hub.mappings.document import MappingDocument
from hub.mappings.engine import NormalizeSettings, normalize
from hub.mappings.parsing import parse, reads_forms
from hub.matching.key_hash import hashes
from hub.matching.keys import bounded, view
from hub.migration.parts import Parts
from hub.migration.planning import FILES
from hub.model.entities import PEOPLE
from hub.model.faults import Fault
from hub.model.records import CanonicalRecord, RawRecord
from hub.model.verdicts import Op

MOST_RECORDS = 10_000
_MOST_PAGES = 25
_MOST_RANGES = 5


@dataclass(frozen=True, slots=True)
class Keyed:
    """A person of a sample.

    Args:
        source_id: of the record.
        emails: the hashes of the personal addresses: `info@` tells nobody apart.
        phones: the hashes of the phone numbers.
    """

    source_id: str
    emails: tuple[int, ...]
    phones: tuple[int, ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """Return all hashes."""
        return (*self.emails, *self.phones)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was read of one stream.

    Args:
        stream: its name.
        people: those of its living records that are people.
        read_n: how many living records were read.
        largest_n: records of the largest page.
        seconds: how long the vendor took for the pages, by the hub's clock.
        is_whole: whether these are all records of the stream.
    """

    stream: str
    people: Sequence[Keyed]
    read_n: int
    largest_n: int
    seconds: float
    is_whole: bool


def samples(
    hub: Hub, source: str, counts: Mapping[str, int | None], faults: list[Fault]
) -> list[Sample]:
    """Read a sample of each stream of people, in reading order.

    Args:
        hub: the hub.
        source: vendor name, or `csv` for files.
        counts: the living records of each stream that could be counted; None: the vendor cannot count.
        faults: gets those of the streams that could not be read. A used-up quota ends the samples.

    Raises:
        CredentialError: the vendor refuses the credentials.
    """
    parts = Parts(hub.connector(source))
    reader = _Sampler(hub, parts, None if source == FILES else MOST_RECORDS, {})
    found: list[Sample] = []
    for stream in parts.objects():
        if stream.name not in counts:
            continue
        try:
            one = reader.sample(stream, counts[stream.name])
        except HubError as exc:
            if ends_source(exc) and not isinstance(exc, BudgetError):
                raise
            faults.append(fault_of(source, stream.part, exc))
            if isinstance(exc, BudgetError):
                break
        else:
            found += [one] if one is not None else []
    return found


@dataclass(frozen=True, slots=True)
class _Sampler:
    """Reads samples of one source; `forms` are the form definitions that were read so far."""

    hub: Hub
    parts: Parts
    most: int | None
    forms: dict[str, Any]

    def sample(self, stream: Stream, count_n: int | None) -> Sample | None:
        """Return the sample of a stream; None for a stream without people."""
        source = self.parts.connector.source
        document = self.hub.mappings.get(f"{source}/{stream.name}")
        if document is None:
            self._keep_forms(source, stream)
            return None
        if not any(target.entity in PEOPLE for target in document.emit):
            return None
        walk = _Walk(self.hub, self.parts, stream, self.most)
        people: dict[str, Keyed] = {}
        living: set[str] = set()
        for page in walk.pages():
            records = [one for one in page.records if one.op is Op.UPSERT and one.source_id]
            living.update(one.source_id for one in records)
            people |= self._keyed(document, records)
        is_whole = walk.is_whole or (count_n is not None and len(living) >= count_n)
        return Sample(
            stream.name, [*people.values()], len(living), walk.largest_n, walk.seconds, is_whole
        )

    def _keyed(self, document: MappingDocument, records: Sequence[RawRecord]) -> dict[str, Keyed]:
        settings = NormalizeSettings(self.hub.settings.company.default_region, self.hub.clock.now())
        found = normalize(document, records, self.forms, settings).records
        return {one.source_id: _keyed(one) for one in found if one.entity in PEOPLE}

    def _keep_forms(self, source: str, stream: Stream) -> None:
        """Read form definitions, if a mapping of the source needs them to find an address."""
        named = [name for name in self.hub.mappings if name.startswith(f"{source}/")]
        if any(reads_forms(self.hub.mappings[name]) for name in named):
            for page in _Walk(self.hub, self.parts, stream, self.most).pages():
                living = [one for one in page.records if one.op is Op.UPSERT]
                self.forms.update({one.source_id: parse(one.payload) for one in living})


class _Walk:
    """The pages of a sample: the first ones of each of a few ranges, so that all ages are in it.

    Args:
        hub: its clock measures.
        parts: of the source.
        stream: one of its streams.
        most: how many records are enough; None: all are read.
    """

    def __init__(self, hub: Hub, parts: Parts, stream: Stream, most: int | None) -> None:
        self._clock, self._parts, self._stream, self._most = hub.clock, parts, stream, most
        self.is_whole = True
        self.seconds = 0.0
        self.largest_n = 0

    def pages(self) -> Iterator[Page]:
        """Yield the pages; afterwards the attributes say what was read."""
        window = self._parts.window(self._stream)
        ranges = self._parts.ranges(self._stream, window)
        step = 1 if self._most is None else -(-len(ranges) // _MOST_RANGES) or 1
        chosen = ranges[::step]
        self.is_whole = len(chosen) == len(ranges)
        for part in chosen:
            # a range that counts as small is read page by page at once, not by a job of the vendor
            pages = self._parts.read(self._stream, window, replace(part, count_n=0), None)
            yield from self._first(pages, len(chosen))

    def _first(self, pages: Iterator[Page], ranges_n: int) -> Iterator[Page]:
        read_n = pages_n = 0
        while (page := self._next(pages)) is not None:
            yield page
            read_n, pages_n = read_n + len(page.records), pages_n + 1
            if self._most is not None and (
                read_n >= self._most // ranges_n or pages_n >= _MOST_PAGES // ranges_n
            ):
                self.is_whole = False
                return

    def _next(self, pages: Iterator[Page]) -> Page | None:
        began = self._clock.now()
        page = next(pages, None)
        self.seconds += (self._clock.now() - began).total_seconds()
        if page is not None:
            self.largest_n = max(self.largest_n, len(page.records))
        return page


def _keyed(record: CanonicalRecord) -> Keyed:
    traits = view(0, record.source_id, record.trust, record.values).traits
    return Keyed(
        record.source_id,
        hashes(("email", bounded(address)) for address in traits.personal),
        hashes(("phone", bounded(tail)) for tail in traits.tails),
    )
