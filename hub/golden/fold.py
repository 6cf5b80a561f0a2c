"""The fold of one entity: its golden values, and its status and owner by the sources.

In: an entity, its records and edits, the rules. Out: a `GoldenRecord` for the sink. No I/O.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from hub.frozen import dataclass
from hub.golden.alone import survive_alone
from hub.golden.rules import SurvivorshipRules
from hub.golden.status import NEW, status_of
from hub.golden.survive import Edit, SourceVersion, instant, survive
from hub.model.folding import (
    CONFLICT,
    OVERWRITE,
    FoldRecord,
    GoldenRecord,
    LegacyOwner,
    StaleEntity,
    StoredEdit,
)
from hub.model.records import JsonValue
from hub.model.verdicts import Trust
from hub.model.words import NO_WORDS, Words

_WAYS_TO_REACH = ("email", "phone", "mobile")


@dataclass(frozen=True, slots=True)
class FoldContext:
    """The input that all folds of a chunk share.

    Args:
        rules: the rules of survivorship in force.
        unqualified: the team's statuses that end the work on a lead, in lower case.
        legacy: (source, id) of an owner in a source → the user here.
        words: the words that the team has renamed.
    """

    rules: SurvivorshipRules
    unqualified: frozenset[str]
    legacy: Mapping[tuple[str, str], LegacyOwner]
    words: Words = NO_WORDS


def fold(
    entity: StaleEntity,
    records: Sequence[FoldRecord],
    edits: Sequence[StoredEdit],
    context: FoldContext,
) -> GoldenRecord:
    """Return an entity as its inputs make it: not archived, and not converted."""
    if len(records) == 1 and not edits:
        return _today(_fold_alone(entity, records[0], context), context.words)
    return fold_all(entity, records, edits, context)


def _today(golden: GoldenRecord, words: Words) -> GoldenRecord:
    """Return a record in the words of today."""
    if not words:
        return golden
    return replace(
        golden,
        values=words.values(golden.values),
        status=words.one("status", golden.status) or golden.status,
        unqualified_reason=words.one("lead_reason", golden.unqualified_reason),
    )


def _fold_alone(entity: StaleEntity, record: FoldRecord, context: FoldContext) -> GoldenRecord:
    """Return what `fold_all` gives for one record without edits, in less time."""
    said = record.values
    status, reason = said.get("status"), said.get("unqualified_reason")
    owner_id, legacy_owner = _owner_in(record, context.legacy)
    came_with = record if record.role == "lead" and not entity.is_new else entity
    return GoldenRecord(
        entity_id=entity.id,
        values=survive_alone(said, context.rules),
        owner_id=owner_id,
        legacy_owner=legacy_owner,
        status=str(status) if status else NEW,
        unqualified_reason=reason if status and isinstance(reason, str) else None,
        last_activity_at=said.get("last_activity_at") or None,
        archived_at=None,
        lane=came_with.lane,
        batch_id=came_with.batch_id,
    )


def fold_all(
    entity: StaleEntity,
    records: Sequence[FoldRecord],
    edits: Sequence[StoredEdit],
    context: FoldContext,
) -> GoldenRecord:
    """Return the same as `fold`, for any number of records and edits."""
    versions = [source_version(r) for r in records]
    golden = survive(
        versions, [Edit(e.field, e.value, e.at.isoformat(), e.who) for e in edits], context.rules
    )
    owner_id, reason = _legacy_owner(records, context.legacy)
    batch_id, lane = _came_with(entity, records)
    status, unqualified_reason = status_of(versions, context.rules, context.unqualified)
    found = GoldenRecord(
        entity_id=entity.id,
        values=golden.values,
        owner_id=owner_id,
        legacy_owner=reason,
        status=status,
        unqualified_reason=unqualified_reason,
        last_activity_at=_latest(records, "last_activity_at"),
        archived_at=None,
        lane=lane,
        batch_id=batch_id,
    )
    return _today(found, context.words)


def last_gone(records: Sequence[FoldRecord]) -> datetime | None:
    """Return when the last of the records went; None while one of them is living."""
    return (
        None
        if any(not r.is_gone for r in records)
        else max((r.gone_at for r in records if r.gone_at), default=None)
    )


def _came_with(entity: StaleEntity, records: Sequence[FoldRecord]) -> tuple[int, str]:
    """Return the batch that makes the person a lead, and its lane.

    A known person, a contact or without a row, becomes a lead by the newest record that asks for a
    lead.
    """
    made = max((r for r in records if r.role == "lead"), key=lambda r: r.batch_id, default=None)
    if entity.is_new or made is None:
        return entity.batch_id, entity.lane
    return made.batch_id, made.lane


def is_reachable(golden: GoldenRecord) -> bool:
    """Tell whether a lead can be worked on: it has a name, a company, an address or a number."""
    names = ("last_name", "first_name", "organization_name", *_WAYS_TO_REACH)
    return any(golden.values.get(name) for name in names)


def source_version(record: FoldRecord) -> SourceVersion:
    """Return a source record as the fold reads it."""
    return SourceVersion(
        record_id=record.id,
        stable_key=f"{record.source}/{record.stream}/{record.source_id}",
        source=_ranked_as(record),
        stream=record.stream,
        trust=Trust(record.trust),
        values=record.values,
        at=record.source_at.isoformat() if record.source_at else None,
        gone=record.is_gone,
    )


def _ranked_as(record: FoldRecord) -> str:
    """Return the source by whose rank the values count."""
    overwrites = record.refs.get(CONFLICT) == OVERWRITE
    return f"{record.source}_overwrites" if overwrites else record.source


def trusted_first(records: Sequence[FoldRecord]) -> list[FoldRecord]:
    """Return records in the order of trust, the most trusted first."""
    return sorted(
        records,
        key=lambda r: (r.is_gone, r.trust != Trust.TRUSTED, r.source, r.stream, r.source_id),
    )


def _latest(records: Sequence[FoldRecord], name: str) -> JsonValue:
    """Return the latest moment that the records name, those that are gone included."""
    said = [value for r in records if (value := r.values.get(name))]
    return said[0] if len(said) == 1 else max(said, key=lambda at: instant(str(at)), default=None)


def _legacy_owner(
    records: Sequence[FoldRecord], legacy: Mapping[tuple[str, str], LegacyOwner]
) -> tuple[int | None, str | None]:
    """Return the active user who owned the lead in a source, or why there is none."""
    first_reason = None
    for record in trusted_first(records):
        owner_id, reason = _owner_in(record, legacy)
        if owner_id is not None:
            return owner_id, None
        first_reason = first_reason or reason
    return None, first_reason


def _owner_in(
    record: FoldRecord, legacy: Mapping[tuple[str, str], LegacyOwner]
) -> tuple[int | None, str | None]:
    """Return the same for one record; neither if it names no owner."""
    owner_ref = record.refs.get("owner")
    if not owner_ref:
        return None, None
    owner = legacy.get((record.source, owner_ref))
    if owner is None:
        return None, f"{record.source} owner {owner_ref} is not known"
    if owner.user_id is not None and owner.is_active:
        return owner.user_id, None
    kind = "a queue" if owner.is_queue else "inactive"
    return None, f"{record.source} owner {owner_ref} is {kind}"
