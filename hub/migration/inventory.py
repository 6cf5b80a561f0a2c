"""What a source has, before it is migrated: objects, counts, fields, values, owners, duplicates, requests.

In: the connector's counts (`Migrates.inventory`), samples, mappings, the users of the hub. Out: for each stream
what the vendor counts, and what the hub cannot decide: values that the mapping does not know, fields that it
does not read, owners without a user. Not here: the questions that follow (`hub.migration.questions`).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from sqlalchemy import Connection

from hub.connectors.base import FieldUse, Inventory, LeavesBehind, Migrates, OwnerUse
from hub.connectors.governor import Limits
from hub.connectors.registry import KNOWN, limits_of
from hub.crm import custom_fields, owners, pipelines
from hub.errors import HubError
from hub.etl.contain import ends_source, fault_of
from hub.etl.context import Hub
from hub.mappings.document import MappingDocument, walk_rules
from hub.mappings.known import known_keys
from hub.mappings.rule_document import Rule
from hub.mappings.text import fold
from hub.mappings.uses import used
from hub.migration.duplicates import StreamDuplicates, duplicates
from hub.migration.fields import answers_for, objects_of
from hub.migration.parts import Parts
from hub.migration.reading_cost import ReadingCost, cost_of, with_requests
from hub.migration.sampling import Sample, samples
from hub.model.faults import Fault


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value of a field that the mapping does not know.

    Args:
        field: of the source.
        value: as the source has it.
        records: how many records have it.
        known: what the mapping may make of a value of this field.
    """

    field: str
    value: str
    records: int
    known: Sequence[str]


@dataclass(frozen=True, slots=True)
class OpenOwner:
    """An owner at the source whose records no active user gets.

    Args:
        id: at the source.
        name: there.
        email: there; "" if there is none.
        records: how many records of all streams.
        why: why no user gets them.
        proposal: the address of the one active user of this name, but for case and accents; "" if there is none.
    """

    id: str
    name: str
    email: str
    records: int
    why: str
    proposal: str = ""


@dataclass(frozen=True, slots=True)
class StreamInventory:
    """One stream of a source.

    Args:
        stream: its name.
        counts: what the vendor counts; None if it cannot say.
        unread: fields with values that the mapping does not read; their values are kept in the raw record.
        unknown: values that the mapping does not know.
        is_mapped: whether its records become records of the CRM.
        customs: custom fields with values that the hub has no definition of.
        record_types: of deals: how many have each record type, which may be a pipeline.
        keeps_pipelines: whether the source names pipelines itself: `record_types` are those that the hub does
            not have.
    """

    stream: str
    counts: Inventory | None
    unread: Sequence[FieldUse] = ()
    unknown: Sequence[UnknownValue] = ()
    is_mapped: bool = True
    customs: Sequence[FieldUse] = ()
    record_types: Mapping[str, int] = field(default_factory=dict)
    keeps_pipelines: bool = False


@dataclass(frozen=True, slots=True)
class SourceInventory:
    """A whole source.

    Args:
        source: vendor name.
        streams: in reading order.
        owners: those whose records no active user gets, most records first.
        faults: streams that could not be counted.
        pipelines: of this hub, by name: their stages.
        left_behind: objects of the source that no migration reads, and about how many records each has.
        cost: what reading it takes.
        people: of each stream, how many people may be there twice, or in the hub already.
    """

    source: str
    streams: Sequence[StreamInventory]
    owners: Sequence[OpenOwner]
    faults: Sequence[Fault] = field(default=())
    pipelines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    left_behind: Mapping[str, int] = field(default_factory=dict)
    cost: ReadingCost = field(default_factory=ReadingCost)
    people: Sequence[StreamDuplicates] = ()


def take(hub: Hub, source: str) -> SourceInventory:
    """Count a source, and read a sample of its people; nothing is stored.

    Raises:
        CredentialError: the vendor refuses the credentials.
    """
    parts = Parts(hub.connector(source))
    counted: dict[str, Inventory | None] = {}
    faults: list[Fault] = []
    for stream in parts.objects():
        try:
            counted[stream.name] = _counts(parts, stream.name)
        except HubError as exc:
            if ends_source(exc):
                raise
            faults.append(fault_of(source, stream.part, exc))
    numbers = {name: one.count_n if one else None for name, one in counted.items()}
    read = samples(hub, source, numbers, faults)
    if not isinstance(parts.connector, Migrates):
        counted = {n: with_requests(one, read) if one else None for n, one in counted.items()}
    known_n = {name: one for name, one in counted.items() if one}
    left_behind = _left_behind(parts, source, faults)
    with hub.engine.begin() as conn:
        pipes = pipelines.read(conn)
        streams = _streams(hub, conn, source, counted, {one.name.casefold() for one in pipes})
        return SourceInventory(
            source,
            streams,
            _open_owners(conn, streams, answers_for(hub, source).owners),
            faults,
            {
                one.name: [stage.name for stage in one.stages]
                for one in pipes
                if not one.is_disabled
            },
            left_behind,
            _cost(hub, source, [*known_n.values()], read),
            duplicates(conn, source, read, known_n),
        )


def _streams(
    hub: Hub,
    conn: Connection,
    source: str,
    counted: Mapping[str, Inventory | None],
    pipes: Collection[str],
) -> list[StreamInventory]:
    defined = {(one.object, one.key) for one in custom_fields.all_fields(conn)}
    found = []
    for name, counts in counted.items():
        document = hub.mappings.get(f"{source}/{name}")
        if document is None or counts is None:
            found.append(StreamInventory(name, counts, is_mapped=document is not None))
        else:
            found.append(_stream(document, counts, defined, pipes))
    return found


def _cost(
    hub: Hub, source: str, counts: Sequence[Inventory], read: Sequence[Sample]
) -> ReadingCost:
    limits = limits_of(source) if source in KNOWN else Limits()
    block = getattr(hub.settings.sources, source, None)
    return cost_of(counts, read, limits, time_scale=getattr(block, "time_scale", 1.0))


def _left_behind(parts: Parts, source: str, faults: list[Fault]) -> Mapping[str, int]:
    own = parts.connector
    if not isinstance(own, LeavesBehind):
        return {}
    try:
        return own.left_behind()
    except HubError as exc:
        if ends_source(exc):
            raise
        faults.append(fault_of(source, "other objects", exc))
        return {}


def _stream(
    document: MappingDocument,
    counts: Inventory,
    defined: Collection[tuple[str, str]],
    pipes: Collection[str],
) -> StreamInventory:
    by_type = _path_of_pipelines(document)
    types = next((one.values for one in counts.fields if one.name == by_type), {})
    keeps = _keeps_pipelines(document)
    if keeps:
        named = {fold(name) for name in _lists_of_values(document).get(by_type or "", ())}
        types = {
            name: n
            for name, n in types.items()
            if name.casefold() not in pipes and fold(name) not in named
        }
    return StreamInventory(
        counts.stream,
        counts,
        _unread(document, counts.fields),
        [one for one in _unknown(document, counts.fields) if one.field != by_type],
        customs=_customs(document, counts.fields, defined),
        record_types=types,
        keeps_pipelines=keeps,
    )


def _path_of_pipelines(document: MappingDocument) -> str | None:
    """Return the field of the source that says the pipeline of a deal."""
    return next((rule.path for rule in _pipeline_rules(document) if rule.path), None)


def _keeps_pipelines(document: MappingDocument) -> bool:
    """Return whether the mapping takes the source's own name of a pipeline."""
    steps = [step for rule in _pipeline_rules(document) for step in rule.transform or ()]
    return any(s.name == "picklist" and s.args.get("on_unknown") == "create" for s in steps)


def _pipeline_rules(document: MappingDocument) -> list[Rule]:
    return [t.fields["pipeline"] for t in document.emit if "pipeline" in t.fields]


def _customs(
    document: MappingDocument, fields: Sequence[FieldUse], defined: Collection[tuple[str, str]]
) -> list[FieldUse]:
    """Return the custom fields that the mapping copies, and that some kind of record has not."""
    rules = [rule.copy_ for _, rule in walk_rules(document) if rule.copy_]
    # what a file copies of one object are all columns without a rule; its own questions are elsewhere
    copies = [copied for copied in rules if not copied.of or copied.definitions]
    objects = objects_of(document)

    def is_open(one: FieldUse) -> bool:
        is_copied = any(
            fnmatchcase(one.name, key) and one.name not in copied.except_
            for copied in copies
            for key in copied.keys
        )
        return is_copied and any((object_, one.name) not in defined for object_ in objects)

    return [one for one in fields if one.custom and one.filled_n != 0 and is_open(one)]


def _counts(parts: Parts, name: str) -> Inventory | None:
    stream = parts.stream(name)
    if stream is None:
        return None
    window = parts.window(stream)
    own = parts.connector
    if isinstance(own, Migrates):
        return own.inventory(stream, window)
    count_n = own.count(stream, window.since, window.until) if stream.countable else None
    return Inventory(name, count_n)


def _unread(document: MappingDocument, fields: Sequence[FieldUse]) -> list[FieldUse]:
    # the custom columns of a file are in one object, which is copied as a whole
    rules = [rule.copy_ for _, rule in walk_rules(document) if rule.copy_]
    has_customs = any(copied.of and "*" in copied.keys for copied in rules)
    filled = {one.name: one for one in fields if one.filled_n and not (one.custom and has_customs)}
    read = used(document, frozenset(filled))
    unknown = known_keys(document).unknown_in(dict.fromkeys(filled))
    # a parent's field is asked for by its path, so it is read
    return [filled[name] for name in unknown if name not in read and "." not in name]


def _unknown(document: MappingDocument, fields: Sequence[FieldUse]) -> list[UnknownValue]:
    maps = _lists_of_values(document)
    found = []
    for one in fields:
        known = maps.get(one.name)
        if known is None:
            continue
        words = {fold(word) for word in known}
        targets = sorted({str(value) for value in known.values() if value is not None})
        found += [
            UnknownValue(one.name, value, n, targets)
            for value, n in one.values.items()
            if value and fold(value) not in words
        ]
    return sorted(found, key=lambda u: (u.field, -u.records, u.value))


def _lists_of_values(document: MappingDocument) -> Mapping[str, Mapping[str, object]]:
    """Return for each field that is read by a list of values: source value → value here."""
    found: dict[str, dict[str, object]] = {}
    for _, rule in walk_rules(document):
        for step in rule.transform or ():
            if rule.path and step.name == "picklist":
                found.setdefault(rule.path, {}).update(step.args.get("map", {}))
    return found


def _open_owners(
    conn: Connection, streams: Sequence[StreamInventory], given: Mapping[str, str | None]
) -> list[OpenOwner]:
    totals: dict[str, int] = {}
    uses: dict[str, OwnerUse] = {}
    for one in streams:
        for use in one.counts.owners if one.counts else ():
            totals[use.id] = totals.get(use.id, 0) + use.records_n
            uses[use.id] = use
    users = [one for one in owners.users_by_email(conn).items() if one[1].is_active]
    names = Counter(user.name.casefold() for _, user in users)
    # an owner without an address, as in a file, is the one active user of this name
    active = {email for email, _ in users} | {name for name, n in names.items() if n == 1}
    alike = Counter(fold(user.name) for _, user in users)
    nearest = {fold(user.name): email for email, user in users if alike[fold(user.name)] == 1}
    found = [
        OpenOwner(use.id, use.name, use.email, totals[use.id], why, nearest.get(fold(use.name), ""))
        for use in uses.values()
        if (why := _why_open(use, given.get(use.id), active))
    ]
    return sorted(found, key=lambda o: (-o.records, o.id))


def _why_open(use: OwnerUse, given: str | None, active: Collection[str]) -> str:
    if given:
        is_user = given.casefold() in active
        return "" if is_user else f"its answer {given} is no active user"
    if use.is_queue:
        return "a queue: its records go to the fallback group"
    if not use.active:
        return "inactive at the source"
    if not use.email:
        is_user = use.name.casefold() in active
        return "" if is_user else "has no e-mail address, and no active user has this name"
    return "" if use.email.casefold() in active else "no active user has this e-mail address"
