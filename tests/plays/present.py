"""The present content of each source object: its newest valid raw version, mapped.

Of a record that is gone the last version that gave a person still holds its values. Of the product
only `hub.mappings` is used.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from hub.mappings.document import MappingDocument
from hub.mappings.engine import NormalizeSettings, normalize
from hub.model.entities import COMPANY_STREAMS
from hub.model.records import CanonicalRecord, RawRecord
from hub.model.verdicts import Op, Trust
from tests.plays.home import Version
from tests.shipped import mappings

PEOPLE = ("contact", "lead", "person")
OWN_LEADS = ("hub", "leads")
_SETTINGS = NormalizeSettings(default_region="FR")
_DOCUMENTS = mappings()
CONTEXT = {"lists/l1": {"id": "l1", "double_optin": True}}
"""Settings of the vendors: the list of Mailchimp asks for a confirmation."""


# What mappings look up beside the record, by source: `<stream>/<id>` → the object, as landed.
_context: dict[str, dict[str, Any]] = {}


@contextmanager
def looking_up(versions: Sequence[Version]) -> Iterator[None]:
    """Let mappings find the newest version of every object of its source."""
    for v in versions:
        if v.raw.op is Op.UPSERT and not v.is_undone:
            found = json.loads(v.raw.payload)
            _context.setdefault(v.source, {})[f"{v.stream}/{v.raw.source_id}"] = found
            if not is_mapped(v):
                _context[v.source][v.raw.source_id] = found
    _forget()
    try:
        yield
    finally:
        _context.clear()
        _forget()


def _forget() -> None:
    said.cache_clear()
    said_of_consent.cache_clear()


@dataclass(frozen=True)
class Said:
    """The content of one raw version; `person` is None if it has none."""

    person: CanonicalRecord | None
    others: tuple[CanonicalRecord, ...] = ()

    def of(self, entity: str) -> list[CanonicalRecord]:
        return [r for r in self.others if r.entity == entity]


NOTHING = Said(None)


@dataclass(frozen=True)
class Record:
    """A source object that gives a person, or gave one.

    `said` is the version that counts, `is_gone` that its source has no such person now, `into` the
    record that its vendor merged it into, `once` the roles it had in standing versions before.
    """

    key: str
    source: str
    stream: str
    source_id: str
    at: float
    trust: Trust
    is_gone: bool
    into: str | None
    said: Said
    once: frozenset[str] = field(default_factory=frozenset)

    @property
    def role(self) -> str:
        assert self.said.person is not None
        return self.said.person.entity

    @property
    def values(self) -> Mapping[str, Any]:
        assert self.said.person is not None
        return self.said.person.values

    @property
    def refs(self) -> Mapping[str, str]:
        assert self.said.person is not None
        return self.said.person.refs


@lru_cache(maxsize=100_000)
def said(source: str, stream: str, raw: RawRecord) -> Said:
    """Map one raw version by the mapping in force; a lead that was typed in is what it says."""
    if (source, stream) == OWN_LEADS:
        values = json.loads(raw.payload)["values"]
        values["created_at"] = raw.at.isoformat() if raw.at else None
        return Said(CanonicalRecord(raw.source_id, "lead", values, trust=Trust.TRUSTED))
    return _mapped(_DOCUMENTS[f"{source}/{stream}"], raw)


@lru_cache(maxsize=100_000)
def said_of_consent(source: str, stream: str, raw: RawRecord) -> Said:
    """Map one raw version although something in it is refused: what it says of consent counts."""
    if (source, stream) == OWN_LEADS:
        return said(source, stream, raw)
    return _mapped(_lenient(f"{source}/{stream}"), raw)


@lru_cache
def _lenient(name: str) -> MappingDocument:
    document = _DOCUMENTS[name]
    emit = [target.model_copy(update={"reject_if": []}) for target in document.emit]
    return document.model_copy(update={"emit": emit})


def _mapped(document: MappingDocument, raw: RawRecord) -> Said:
    if raw.op is not Op.UPSERT:
        return NOTHING
    context = {**CONTEXT, **_context.get(document.source, {})}
    found = normalize(document, [raw], context, _SETTINGS).records
    person = next((r for r in found if r.entity in PEOPLE), None)
    return Said(person, tuple(r for r in found if r is not person))


def is_mapped(version: Version) -> bool:
    is_own = (version.source, version.stream) == OWN_LEADS
    return is_own or f"{version.source}/{version.stream}" in _DOCUMENTS


def by_object(versions: Sequence[Version]) -> dict[str, list[Version]]:
    """The versions of each mapped object, oldest first."""
    found: dict[str, list[Version]] = defaultdict(list)
    for version in versions:
        if is_mapped(version):
            found[version.key].append(version)
    return found


def records(versions: Sequence[Version]) -> dict[str, Record]:
    """Every object that gives a person or gave one, by key."""
    found: dict[str, Record] = {}
    for key, all_of_it in by_object(versions).items():
        standing = [v for v in all_of_it if not v.is_undone]
        told = [(v, said(v.source, v.stream, v.raw)) for v in standing]
        giving = [(v, s) for v, s in told if s.person is not None]
        if not giving:
            continue
        newest, (counts, what) = standing[-1], giving[-1]
        assert what.person is not None
        into = newest.raw.into if newest.raw.op is Op.MERGE_INTO else None
        found[key] = Record(
            key, counts.source, counts.stream, counts.raw.source_id,
            counts.raw.at.timestamp() if counts.raw.at else float("-inf"),
            what.person.trust, newest is not counts,
            f"{newest.source}/{newest.stream}/{into}" if into else None, what,
            frozenset(s.person.entity for _, s in giving[:-1] if s.person),
        )  # fmt: skip
    return found


def tickets(versions: Sequence[Version]) -> dict[str, CanonicalRecord]:
    """The tickets that are there, by key."""
    found: dict[str, CanonicalRecord] = {}
    for key, all_of_it in by_object(versions).items():
        newest = [v for v in all_of_it if not v.is_undone][-1:]
        for v in newest:
            for ticket in said(v.source, v.stream, v.raw).of("ticket"):
                found[key] = ticket
    return found


def asides(versions: Sequence[Version], entity: str) -> dict[str, CanonicalRecord]:
    """Notes and inquiries of objects, by key.

    What a newer version does not repeat is history and stays, as the last one said it.
    """
    found: dict[str, CanonicalRecord] = {}
    for key, all_of_it in by_object(versions).items():
        standing = (v for v in all_of_it if not v.is_undone)
        told = [one for v in standing for one in said(v.source, v.stream, v.raw).of(entity)]
        if told:
            found[key] = told[-1]
    return found


@dataclass(frozen=True)
class Company:
    """An object that gives a company, or gave one; `into` is the one that its vendor merged it into."""

    is_gone: bool
    into: str | None


def companies(versions: Sequence[Version]) -> dict[str, Company]:
    """Every object that gives a company or gave one, by key."""
    found: dict[str, Company] = {}
    for key, all_of_it in by_object(versions).items():
        standing = [v for v in all_of_it if not v.is_undone]
        told = [v for v in standing if said(v.source, v.stream, v.raw).of("organisation")]
        if told:
            newest = standing[-1]
            into = newest.raw.into if newest.raw.op is Op.MERGE_INTO else None
            name = f"{newest.source}/{newest.stream}/{into}" if into else None
            found[key] = Company(newest is not told[-1], name)
    return found


def employer(records: Sequence[Record], known: Mapping[str, Company]) -> str | None:
    """The company that a person's living records name: the most trusted one that stands."""
    order = sorted(records, key=lambda r: (r.trust is not Trust.TRUSTED, r.key))
    for record in order:
        ref = record.refs.get("company")
        name = f"{record.source}/{COMPANY_STREAMS[record.source]}/{ref}" if ref else None
        while name in known and known[name].is_gone and known[name].into:
            name = known[name].into
        if not record.is_gone and name in known and not known[name].is_gone:
            return name
    return None
