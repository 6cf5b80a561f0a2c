"""Move a deal to another stage: on, over, or back; won, lost, unqualified. Every visit is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub.actions.context import Context
from hub.actions.deals import deal as actions
from hub.actions.setup import pipeline as setup
from hub.actions.setup import reasons as reason_setup
from hub.crm import customer_status, deals, pipelines
from hub.crm.deals import Transition
from hub.crm.pick_lists import ReasonKind
from hub.crm.pipelines import Criterion, Pipeline, Stage
from hub.errors import ActionError
from hub.model.hook_events import deal_stage_changed
from hub.records import hook_deliveries
from hub.records.history import note_change

_REASONS: Mapping[str, tuple[str, ReasonKind]] = {
    "lost": ("loss_reason_id", "loss"),
    "unqualified": ("unqualified_reason_id", "deal_unqualified"),
}


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a deal went; `warnings` are criteria that it did not meet."""

    deal_id: int
    from_stage: str
    to_stage: str
    warnings: tuple[str, ...] = ()


def move(
    ctx: Context,
    name: str,
    stage: str,
    *,
    pipeline: str | None = None,
    reason: str | None = None,
) -> Moved:
    """Move a deal to a stage, of its own pipeline or of another.

    Args:
        ctx: the actor, in an open transaction.
        name: the deal's number.
        stage: where to. Stages may be skipped, and gone back to.
        pipeline: the pipeline of the stage; None: the deal's own.
        reason: why it was lost or unqualified; one of those that `hub reason list` shows.

    Raises:
        ActionError: there is no such deal, stage or reason, or the deal does not meet the criteria
            of the stages that it leaves (code `conflict`).
    """
    conn = ctx.conn
    before, _ = actions.opened(ctx, name)
    if before["archived_at"] is not None:
        raise ActionError(
            f"deal/{before['id']} is archived",
            resource="deal",
            code="conflict",
            hint=f"restore it first: hub deal archive {before['id']} --undo",
        )
    here = actions.pipeline_of(conn, before)
    there = here if pipeline is None else setup.used(conn, pipeline)
    if there.id != here.id or there.is_archived:
        actions.usable(there)
    target = setup.used_stage(conn, there, stage)
    source = next(s for s in here.stages if s.id == before["stage_id"])
    values = _closing(conn, target, reason)
    if target.id == source.id:
        return _same_stage(ctx, before, target, values)
    unmet = _unmet(conn, before, here, source, target)
    refused = [c.what for c in unmet if c.severity == "refuse"]
    if refused:
        raise ActionError(
            f"deal/{before['id']} cannot leave {source.name}: {_words(refused)}",
            resource="deal",
            field="stage",
            code="conflict",
            hint="set the missing fields, or tick the criteria with hub deal check",
        )
    deal_id = int(before["id"])
    values |= {"stage_id": target.id, "pipeline_id": there.id}
    deals.move(conn, Transition(deal_id, source.id, target.id, ctx.who), values)
    what: dict[str, tuple[str | None, str]] = {"stage": (source.name, target.name)}
    if there.id != here.id:
        what["pipeline"] = (here.name, there.name)
    if reason is not None:
        what["reason"] = (None, reason)
    note_change(conn, ctx.who, what, deal_id=deal_id)
    customer_status.recompute(conn, (before["contact_id"], before["organization_id"]))
    hook_deliveries.put(conn, [deal_stage_changed(deal_id, source.id, target.id)])
    return Moved(deal_id, source.name, target.name, tuple(c.what for c in unmet))


def _closing(conn: Connection, target: Stage, reason: str | None) -> dict[str, Any]:
    """Return what closes a deal, or opens it again."""
    values: dict[str, Any] = {
        "loss_reason_id": None,
        "unqualified_reason_id": None,
        "closed_at": None if target.is_active else True,  # the moment is the transition's
    }
    if reason is not None:
        if target.category not in _REASONS:
            raise ActionError(
                f"{target.name} takes no reason", resource="deal", field="reason", code="invalid"
            )
        column, kind = _REASONS[target.category]
        values[column] = reason_setup.find_reason(conn, kind, reason)
    return values


def _same_stage(
    ctx: Context, before: Mapping[str, Any], target: Stage, values: dict[str, Any]
) -> Moved:
    """A deal that is there already may still be given another reason."""
    conn = ctx.conn
    deal_id = int(before["id"])
    reasons = {c: v for c, v in values.items() if c.endswith("reason_id") and v is not None}
    changed = {c: (before[c], v) for c, v in reasons.items() if before[c] != v}
    deals.update(conn, deal_id, {c: new for c, (_, new) in changed.items()})
    note_change(conn, ctx.who, changed, deal_id=deal_id)
    return Moved(deal_id, target.name, target.name)


def _unmet(
    conn: Connection, deal: Mapping[str, Any], here: Pipeline, source: Stage, target: Stage
) -> Sequence[Criterion]:
    """Return what the deal does not meet of the stages it leaves behind, skipped ones included.

    A move back, to Lost or to Unqualified needs no criteria.
    """
    if target.category in _REASONS:
        return ()
    is_elsewhere = target.pipeline_id != here.id
    end = source.position + 1 if is_elsewhere else target.position
    behind = [s.id for s in here.stages if s.is_active and source.position <= s.position < end]
    asked = pipelines.criteria(conn, behind)
    ticked = deals.ticked(conn, deal["id"]) if asked else set()
    return [
        c
        for c in asked
        if (c.id not in ticked if c.kind == "check" else not deals.is_filled(deal, c.what))
    ]


def _words(refused: Sequence[str]) -> str:
    return f"{', '.join(refused)} {'is' if len(refused) == 1 else 'are'} missing"
