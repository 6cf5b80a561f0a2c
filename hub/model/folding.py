"""The shapes that pass between storage, the fold and the sinks: inputs of a golden record, and its result.

Not here: how they are read (`hub.records.folding`), folded (`hub.golden`) or written (`hub.sinks`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from hub.frozen import dataclass
from hub.model.records import JsonValue
from hub.model.verdicts import Cause


@dataclass(frozen=True, slots=True)
class StaleEntity:
    """An entity whose inputs changed since it was folded."""

    id: int
    version: int
    anchor_id: int
    batch_id: int
    lane: str
    merged_into: int | None
    is_new: bool
    is_quiet: bool = False  # only the hub's own rules changed: the fold sends no single alerts


@dataclass(frozen=True, slots=True)
class FoldRecord:
    """A source record as the fold reads it; `open_verdict` if its verdict is still open."""

    id: int
    entity_id: int
    source: str
    stream: str
    source_id: str
    trust: str
    values: Mapping[str, JsonValue]
    refs: Mapping[str, str]
    source_at: datetime | None
    is_gone: bool
    gone_at: datetime | None
    gone_why: str | None
    batch_id: int
    joined_batch_id: int | None
    open_verdict: bool
    role: str | None
    lane: str


MODE, CONFLICT = "mode", "conflict"
"""Relations under which a row of a file says what it may do: they name no record."""
ADD, UPDATE, OVERWRITE = "add", "update", "overwrite"


def by_mode(records: Sequence[FoldRecord]) -> list[FoldRecord]:
    """Return the records of one entity; those that their mode leaves out count as excluded.

    A record that may only add counts if it is the first of its entity, without those that may only
    update. A record that may only update counts if one of another mode counts.

    Args:
        records: of one entity, by id.
    """
    if not any(r.refs.get(MODE) for r in records):
        return [*records]
    others = [r for r in records if r.refs.get(MODE) != UPDATE]
    first = min((r.id for r in others), default=0)
    has_other = any(not r.is_gone and (r.refs.get(MODE) != ADD or r.id == first) for r in others)
    return [
        _left_out(r)
        if not r.is_gone
        and (
            (r.refs.get(MODE) == ADD and r.id != first)
            or (r.refs.get(MODE) == UPDATE and not has_other)
        )
        else r
        for r in records
    ]


def _left_out(record: FoldRecord) -> FoldRecord:
    """Return the record without anything to say; a record that is gone would still fill blanks."""
    return replace(
        record,
        values={},
        refs={MODE: record.refs[MODE]},
        is_gone=True,
        gone_at=record.gone_at or record.source_at,
        gone_why=Cause.EXCLUDED.value,
    )


@dataclass(frozen=True, slots=True)
class StoredEdit:
    """A value that a person typed."""

    entity_id: int
    field: str
    value: JsonValue
    at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class LegacyOwner:
    """The meaning of a source's owner id; `user_id` None means a queue, or no user."""

    user_id: int | None
    is_active: bool
    is_queue: bool


@dataclass(frozen=True, slots=True)
class EarlierVersion:
    """An earlier version of a record, in force and living until the next one replaced it.

    Args:
        entity_id: the present entity of the record.
        record_id: the record.
        raw_id: the raw version.
        number: the raw version that replaced it; orders the versions of a record.
        role: the role that it gave the person.
        is_converted: whether its source called the lead converted.
        until: the end of this version, as exactly as the source states it.
    """

    entity_id: int
    record_id: int
    raw_id: int
    number: int
    role: str | None
    is_converted: bool
    until: datetime | None


@dataclass(frozen=True, slots=True)
class LeftRecord:
    """A record that was in an entity before, and is in another now.

    Args:
        entity_id: the entity that it left.
        role: the role that it gives its person now.
        is_arriving: whether new data of a source moved it: a running batch has a record that is, or was,
            in that entity.
        is_parted: whether a user said that it is another person.
    """

    entity_id: int
    role: str | None
    is_arriving: bool
    is_parted: bool


@dataclass(frozen=True, slots=True)
class LeadRow:
    """An existing lead, with the columns that the decision about it needs."""

    id: int
    entity_id: int
    owner_id: int | None
    status: str
    unqualified_reason: str | None
    status_set_by: str | None
    converted_at: datetime | None
    unasked_since: datetime | None
    source_converted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ContactRow:
    """An existing contact of a person; `is_kept` if people made it or keep it."""

    id: int
    entity_id: int
    owner_id: int | None
    is_kept: bool
    archived_at: datetime | None
    unasked_since: datetime | None


@dataclass(frozen=True, slots=True)
class GoldenRecord:
    """A folded entity, and the state of its row.

    Args:
        entity_id: the person or the company.
        values: the folded columns.
        owner_id: the owner of a new row.
        legacy_owner: why the owner in the source could not be taken over.
        status: of a lead, as the sources have it.
        unqualified_reason: of a lead, as the sources have it.
        last_activity_at: of a new row.
        archived_at: None if the row is not archived.
        lane: lane of the batch that makes a new row.
        batch_id: that batch.
        unasked_since: the time since which no living record asks for the row.
        converted_at: of a lead that is, or was just, converted.
        source_converted_at: of an open lead that its source has converted.
        status_set_by: of a new lead that takes the place of one whose status is held.
    """

    entity_id: int
    values: Mapping[str, JsonValue]
    owner_id: int | None
    legacy_owner: str | None
    status: str
    unqualified_reason: str | None
    last_activity_at: JsonValue
    archived_at: datetime | None
    lane: str
    batch_id: int
    is_organization: bool = False
    unasked_since: datetime | None = None
    converted_at: str | None = None
    source_converted_at: str | None = None
    status_set_by: str | None = None
