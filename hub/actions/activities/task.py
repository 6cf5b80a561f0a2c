"""Tasks: assigned to users, with or without a record, and completed."""

from sqlalchemy import Connection, text

from hub.actions import targets
from hub.actions.activities.activity import (
    Activity,
    Given,
    about_of,
    alter,
    find,
    kept,
)
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.working import worked_on
from hub.crm import activities, derived
from hub.crm.activities import OpenTask
from hub.errors import ActionError
from hub.model import names

KIND = "task"


def add(ctx: Context, given: Given, *, on: str | None = None, owner: str | None = None) -> Activity:
    """Write a task.

    Args:
        ctx: the actor, in an open transaction.
        given: content, due_at, remind_at.
        on: the record, by any name that `targets.resolve` accepts; None is a task without a record.
        owner: the owner, by e-mail; else the actor, if in the team.

    Raises:
        ActionError: there is no such record or person, the actor lacks the right, or a value cannot
            be kept.
    """
    conn = ctx.conn
    target = None if on is None else targets.resolve(conn, on)
    owner_id, entity_id = (target.owner_id, target.entity_id) if target else (None, None)
    acting = require(ctx, Right.WORK, owner_id, entities=[entity_id])
    values = kept(conn, KIND, given, now=ctx.now, is_new=True)
    about = {"entity_id": None, "deal_id": None} if target is None else about_of(conn, KIND, target)
    whose = acting.user_id if owner is None else _person(conn, owner)
    number = activities.add(conn, KIND, {**about, **values, "owner_id": whose, "who": ctx.who})
    activity = Activity(KIND, number, about["entity_id"], about["deal_id"])
    derived.recompute(
        conn,
        [] if activity.entity_id is None else [activity.entity_id],
        [] if activity.deal_id is None else [activity.deal_id],
    )
    worked_on(conn, [activity.entity_id])
    return activity


def complete(ctx: Context, name: str) -> Activity:
    """Mark a task as done.

    Raises:
        ActionError: there is no such task, it is done already, or the actor lacks the right.
    """
    activity, row, _ = find(ctx, names.full(name, KIND))
    if row["completed_at"] is not None:
        raise ActionError(f"{activity.name} is completed already", resource=KIND, code="conflict")
    alter(ctx, activity, row, {"completed_at": ctx.clock.now()})
    return activity


def reopen(ctx: Context, name: str) -> Activity:
    """Mark a task as open again.

    Raises:
        ActionError: there is no such task, it is open, or the actor lacks the right.
    """
    activity, row, _ = find(ctx, names.full(name, KIND))
    if row["completed_at"] is None:
        raise ActionError(f"{activity.name} is open", resource=KIND, code="conflict")
    alter(ctx, activity, row, {"completed_at": None})
    return activity


def assign(ctx: Context, name: str, owner: str) -> Activity:
    """Assign a task to another user.

    Raises:
        ActionError: there is no such task or person, or the actor lacks the right.
    """
    activity, row, _ = find(ctx, names.full(name, KIND))
    alter(ctx, activity, row, {"owner_id": _person(ctx.conn, owner)})
    return activity


def open_tasks(
    ctx: Context, *, on: str | None = None, owner: str | None = None, limit: int = 100
) -> list[OpenTask]:
    """Return the open tasks: of a record, of a user, or all.

    Raises:
        ActionError: there is no such record or person.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    whose = None if owner is None else _person(conn, owner)
    if on is None:
        return activities.open_tasks(conn, owner_id=whose, limit=limit)
    target = targets.resolve(conn, on)
    found = activities.open_tasks_on(
        conn,
        entity_id=target.entity_id,
        deal_id=target.id if target.kind == "deal" else None,
        limit=limit,
    )
    return [task for task in found if owner is None or task.owner_id == whose]


def _person(conn: Connection, email: str) -> int:
    row = conn.execute(
        text('SELECT id, is_active FROM crm."user" WHERE lower(email) = lower(:email)'),
        {"email": email},
    ).one_or_none()
    if row is None or not row.is_active:
        raise ActionError(
            f"{email} is not an active member of the team",
            resource=KIND,
            field="owner",
            code="not_found",
        )
    return int(row.id)
