"""One entity folded: its golden values, the seeds of what is held, its owner in the sources.

In: an entity, its records and edits, the rules. Out: a `GoldenRecord` for the sink. No I/O.
"""

from collections.abc import Mapping, Sequence

from hub.golden.rules import SurvivorshipRules
from hub.golden.survive import Edit, SourceVersion, survive
from hub.model.folding import FoldRecord, GoldenRecord, LegacyOwner, StaleEntity, StoredEdit
from hub.model.records import JsonValue
from hub.model.verdicts import Trust

_WAYS_TO_REACH = ("email", "phone", "mobile")
_SEEDS = ("status", "unqualified_reason", "converted_at", "last_activity_at")


def fold(
    entity: StaleEntity,
    records: Sequence[FoldRecord],
    edits: Sequence[StoredEdit],
    rules: SurvivorshipRules,
    legacy: Mapping[tuple[str, str], LegacyOwner],
) -> GoldenRecord:
    """Return an entity as its inputs make it."""
    golden = survive(
        [source_version(r) for r in records],
        [Edit(e.field, e.value, e.at.isoformat(), e.who) for e in edits],
        rules,
    )
    owner_id, reason = _legacy_owner(records, legacy)
    batch_id, lane = _came_with(entity, records)
    last_gone = max((r.gone_at for r in records if r.gone_at), default=None)
    everything_gone = all(r.is_gone for r in records) and not edits
    return GoldenRecord(
        entity_id=entity.id,
        values=golden.values,
        seeds=_seeds(records),
        owner_id=owner_id,
        legacy_owner=reason,
        archived_at=last_gone if everything_gone else None,
        lane=lane,
        batch_id=batch_id,
    )


def _came_with(entity: StaleEntity, records: Sequence[FoldRecord]) -> tuple[int, str]:
    """Return the batch that makes the person a lead, and its lane.

    Who was known before, as a contact or as nobody in the CRM, becomes a lead by the newest of
    the records that say so.
    """
    made = max((r for r in records if r.role == "lead"), key=lambda r: r.batch_id, default=None)
    if entity.is_new or made is None:
        return entity.batch_id, entity.lane
    return made.batch_id, made.lane


def is_somebody(golden: GoldenRecord) -> bool:
    """Tell whether there is anybody to work with: a name, a company, or a way to reach someone."""
    names = ("last_name", "first_name", "organization_name", *_WAYS_TO_REACH)
    return any(golden.values.get(name) for name in names)


def source_version(record: FoldRecord) -> SourceVersion:
    """Return a source record as the fold takes it."""
    return SourceVersion(
        record_id=record.id,
        stable_key=f"{record.source}/{record.stream}/{record.source_id}",
        source=record.source,
        stream=record.stream,
        trust=Trust(record.trust),
        values=record.values,
        at=record.source_at.isoformat() if record.source_at else None,
        gone=record.is_gone,
    )


def trusted_first(records: Sequence[FoldRecord]) -> list[FoldRecord]:
    """Return records in the order in which they are believed."""
    return sorted(
        records,
        key=lambda r: (r.is_gone, r.trust != Trust.TRUSTED, r.source, r.stream, r.source_id),
    )


def _seeds(records: Sequence[FoldRecord]) -> dict[str, JsonValue]:
    """Return what a new lead starts with: a conversion anywhere makes it converted."""
    ordered = trusted_first(records)
    converted = [r for r in ordered if r.values.get("converted_at")]
    return {
        name: next((r.values[name] for r in (*converted, *ordered) if r.values.get(name)), None)
        for name in _SEEDS
    }


def _legacy_owner(
    records: Sequence[FoldRecord], legacy: Mapping[tuple[str, str], LegacyOwner]
) -> tuple[int | None, str | None]:
    """Return the active person who owned the lead in a source, or why nobody could be taken over."""
    reason = None
    for record in trusted_first(records):
        owner_ref = record.refs.get("owner")
        if not owner_ref:
            continue
        owner = legacy.get((record.source, owner_ref))
        if owner is not None and owner.user_id is not None and owner.is_active:
            return owner.user_id, None
        if owner is None:
            reason = reason or f"{record.source} owner {owner_ref} is not known"
        else:
            kind = "a queue" if owner.is_queue else "inactive"
            reason = reason or f"{record.source} owner {owner_ref} is {kind}"
    return None, reason
