"""After a chunk of load: assignments that followed, events for owners, verdicts.

In: what was written and linked. Only new leads, inquiries and conversions give events, and never in the bulk lane.
"""

from collections.abc import Container, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from hub.crm.leads import Inherited
from hub.golden.fate import Fate
from hub.model.events import LeadAssigned, LeadConvertedInSource
from hub.model.folding import MODE, FoldRecord, GoldenRecord, LeadRow, StaleEntity
from hub.model.hook_events import HookEvent, lead_created
from hub.model.verdicts import Cause, Lane, Verdict
from hub.records.assignments import NewAssignment
from hub.records.verdicts import set_verdicts
from hub.sinks.crm import Loaded

Decided = tuple[NewAssignment, LeadAssigned | None]
Anchors = Mapping[int, FoldRecord]


def anchors_of(
    stale: Sequence[StaleEntity], records: Mapping[int, Sequence[FoldRecord]]
) -> dict[int, FoldRecord]:
    """Return the record with which each person began, or the oldest that is left."""
    return {
        e.id: next((r for r in own if r.id == e.anchor_id), own[0])
        for e in stale
        if (own := records.get(e.id))
    }


def taken_over(golden: Iterable[GoldenRecord], loaded: Loaded, anchors: Anchors) -> list[Decided]:
    """Store assignments of new leads that keep the owner of their source; events if live."""
    kept: list[Decided] = []
    for lead in golden:
        lead_id = loaded.created.get(lead.entity_id)
        if lead_id is None or lead.owner_id is None:
            continue
        rule, why = "legacy owner", "owned in the source"
        turn = NewAssignment(lead_id, None, lead.owner_id, rule, why, (), None, None)
        event = _assigned(anchors[lead.entity_id], lead_id, lead.owner_id, rule)
        is_news = lead.lane == Lane.LIVE and not (lead.converted_at or lead.archived_at)
        kept.append((turn, event if is_news else None))
    return kept


def created(
    golden: Iterable[GoldenRecord], loaded: Loaded, quiet: Container[int]
) -> list[HookEvent]:
    """Write events for subscribers: a lead is new, open, and of the live lane.

    Args:
        golden: the leads that were written.
        loaded: what became of them.
        quiet: people of whom only the hub's own rules changed.
    """
    return [
        lead_created(loaded.created[lead.entity_id])
        for lead in golden
        if lead.entity_id in loaded.created
        and lead.entity_id not in quiet
        and lead.lane == Lane.LIVE
        and not (lead.converted_at or lead.archived_at)
    ]


def inherited(leads: Sequence[Inherited], anchors: Anchors) -> list[Decided]:
    """Store assignments of leads that went to the owner of their contact."""
    kept: list[Decided] = []
    for lead in leads:
        rule, why = "contact's owner", "owns the contact of the same person"
        turn = NewAssignment(lead.lead_id, None, lead.owner_id, rule, why, (), None, None)
        event = _assigned(anchors[lead.entity_id], lead.lead_id, lead.owner_id, rule)
        kept.append((turn, event if lead.is_news else None))
    return kept


def _assigned(anchor: FoldRecord, lead_id: int, user_id: int, rule: str) -> LeadAssigned:
    return LeadAssigned(_key(anchor), user_id, lead_id, rule)


def converted_in_source(
    fates: Mapping[int, Fate], leads: Mapping[int, LeadRow]
) -> list[LeadConvertedInSource]:
    """Write events for owners: the source has converted a lead on which they work; once a record."""
    return [
        LeadConvertedInSource(_key(fate.converted_from), owner, leads[i].id)
        for i, fate in fates.items()
        if fate.is_marked
        and fate.converted_from is not None
        and fate.converted_from.lane == Lane.LIVE
        and (owner := leads[i].owner_id) is not None
    ]


def converted_now(fates: Mapping[int, Fate], loaded: Loaded) -> list[int]:
    """Return the people whose open lead their source converts with this fold, by a live record."""
    return [
        i
        for i, fate in fates.items()
        if fate.is_converted
        and i in loaded.changes
        and fate.converted_from is not None
        and fate.converted_from.lane == Lane.LIVE
    ]


def _key(record: FoldRecord) -> str:
    return f"{record.source}/{record.stream}/{record.source_id}"


def set_chunk_verdicts(
    conn: Connection,
    stale: Sequence[StaleEntity],
    records: Mapping[int, Sequence[FoldRecord]],
    changed: frozenset[int],
) -> None:
    """Store verdicts of the records whose verdict is still open."""
    set_verdicts(
        conn,
        [
            (
                r.batch_id,
                r.source,
                r.stream,
                r.source_id,
                _verdict(e, r, is_changed=e.id in changed),
            )
            for e in stale
            for r in records.get(e.id, ())
            if r.open_verdict
        ],
    )


def _verdict(entity: StaleEntity, record: FoldRecord, *, is_changed: bool) -> Verdict:
    if record.refs.get(MODE) and record.gone_why == Cause.EXCLUDED:
        return Verdict.EXCLUDED
    if entity.is_new and record.id == entity.anchor_id:
        return Verdict.CREATED
    if record.joined_batch_id == record.batch_id:
        return Verdict.MERGED
    # a person without a row in the CRM has no row that could be unchanged
    is_nobody = record.role == "person"
    return Verdict.UPDATED if is_changed or is_nobody else Verdict.UNCHANGED
