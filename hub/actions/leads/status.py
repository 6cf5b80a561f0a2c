"""Status: the status of leads, and why they are unqualified; and what a team may choose from."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from hub.actions import targets, values
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.targets import Target
from hub.actions.working import worked_on
from hub.crm import former, leads, pick_lists, statuses
from hub.crm.pick_lists import REASONS
from hub.crm.statuses import LeadStatus
from hub.errors import ActionError
from hub.model.names import full
from hub.records.history import Changed, note_changes

_LEAD = "lead"
_OF_LEADS = "lead_unqualified"


def set_status(
    ctx: Context,
    names: Sequence[str],
    status: str,
    *,
    reason: str | None = None,
) -> int:
    """Set the status of leads; returns how many it changed. From now on no source changes it.

    Args:
        ctx: the actor, in an open transaction.
        names: leads, by any name that `targets.resolve` accepts.
        status: one of the team's, letter case aside.
        reason: one of the team's; an unqualified status needs it, no other takes it.

    Raises:
        ActionError: there is no such lead, status or reason, the reason is missing or too much, the
            lead is converted, or the actor lacks the right.
    """
    conn = ctx.conn
    found = [_lead(conn, name) for name in names]
    require(
        ctx,
        Right.WORK,
        *{lead.owner_id for lead in found},
        entities=[lead.entity_id for lead in found],
    )
    return set_many(ctx, [lead.id for lead in found], status, reason)


def chosen(conn: Connection, status: str, reason: str | None) -> tuple[str, str | None]:
    """Return a status and a reason as the team calls them.

    Raises:
        ActionError: there is no such status or reason, or the reason is missing or too much.
    """
    found = _status(conn, status)
    return found.name, _reason(conn, found, reason)


def set_many(ctx: Context, ids: Sequence[int], status: str, reason: str | None) -> int:
    """Set the status of leads, in as many statements as of one; the caller has checked the right.

    Raises:
        ActionError: there is no such status or reason, or a lead is converted.
    """
    conn = ctx.conn
    name, why = chosen(conn, status, reason)
    standing = statuses.standing(conn, ids)
    converted = next((s for s in standing if s.is_converted), None)
    if converted is not None:
        raise ActionError(
            f"lead/{converted.id} is converted; its status cannot change",
            resource=_LEAD,
            field="status",
            code="conflict",
        )
    changed = [s for s in standing if (s.status, s.reason) != (name, why)]
    leads.set_status(conn, [s.id for s in standing], name, why, by=statuses.PERSON)
    note_changes(
        conn,
        ctx.who,
        [
            Changed(
                {
                    field: (old, new)
                    for field, old, new in (
                        ("status", s.status, name),
                        ("unqualified_reason", s.reason, why),
                    )
                    if old != new
                },
                entity_id=s.entity_id,
            )
            for s in changed
        ],
    )
    worked_on(conn, [s.entity_id for s in standing])
    return len(changed)


def add_status(ctx: Context, name: str, *, is_unqualified: bool = False) -> None:
    """Add a status that leads may have.

    Raises:
        ActionError: the actor lacks the right, or the name is taken or empty.
    """
    words = _set_up(ctx, "lead_status", name)
    if not statuses.add_status(ctx.conn, LeadStatus(words, is_unqualified)):
        raise _taken("lead_status", words)


def add_reason(ctx: Context, name: str) -> None:
    """Add a reason why a lead may be unqualified.

    Raises:
        ActionError: the actor lacks the right, or the name is taken or empty.
    """
    words = _set_up(ctx, "lead_unqualified_reason", name)
    if pick_lists.add(ctx.conn, REASONS, _OF_LEADS, words) is None:
        raise _taken("lead_unqualified_reason", words)


def _set_up(ctx: Context, resource: str, name: str) -> str:
    require(ctx, Right.SET_UP)
    words = values.text(resource, "name", name)
    if not words:
        raise ActionError("a name is missing", resource=resource, field="name", code="required")
    return words


def _taken(resource: str, name: str) -> ActionError:
    return ActionError(f"{name!r} exists already", resource=resource, field="name", code="conflict")


def _lead(conn: Connection, name: str) -> Target:
    target = targets.resolve(conn, name)
    if target.kind != _LEAD:
        raise ActionError(
            f"{full(name)} is a {target.kind}; only a lead has a status",
            resource=_LEAD,
            code="invalid",
        )
    return target


def _status(conn: Connection, wanted: str) -> LeadStatus:
    known = {one.name: one for one in statuses.statuses(conn)}
    name = _named(conn, "status", wanted, known)
    if name is None:
        raise ActionError(
            f"there is no status {wanted!r}",
            resource=_LEAD,
            field="status",
            code="not_found",
            hint=f"known: {', '.join(known)}",
        )
    return known[name]


def _named(conn: Connection, kind: str, said: str, known: Iterable[str]) -> str | None:
    """Return the known name that is meant, letter case aside; a former name means that of today."""
    by_fold = {name.casefold(): name for name in known}
    found = by_fold.get(said.strip().casefold())
    if found is None:
        now = former.today(conn, kind, said)
        found = None if now is None else by_fold.get(now.casefold())
    return found


def _reason(conn: Connection, status: LeadStatus, wanted: str | None) -> str | None:
    if not status.is_unqualified:
        if wanted:
            raise ActionError(
                f"{status.name} takes no reason",
                resource=_LEAD,
                field="unqualified_reason",
                code="invalid",
            )
        return None
    known = [one.name for one in pick_lists.options(conn, REASONS, _OF_LEADS)]
    hint = f"known: {', '.join(known)}"
    if not wanted or not wanted.strip():
        raise ActionError(
            f"{status.name} needs a reason",
            resource=_LEAD,
            field="unqualified_reason",
            code="required",
            hint=hint,
        )
    found = _named(conn, "lead_reason", wanted, known)
    if found is None:
        raise ActionError(
            f"there is no reason {wanted!r}",
            resource=_LEAD,
            field="unqualified_reason",
            code="not_found",
            hint=hint,
        )
    return found
