"""What was done on a record and is to be done, as `hub activities` shows it."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import text

from hub.actions import targets
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import activities
from hub.crm.derived import days_since

_DERIVED = {
    "lead": text(
        "SELECT last_activity_at, last_communication_at, next_task_at, first_response_at "
        "FROM crm.lead WHERE id = :id"
    ),
    "contact": text(
        "SELECT last_activity_at, last_communication_at, next_task_at "
        "FROM crm.contact WHERE id = :id"
    ),
    "deal": text(
        "SELECT last_activity_at, last_communication_at, next_task_at FROM crm.deal WHERE id = :id"
    ),
}


def of(ctx: Context, name: str, limit: int = 100) -> dict[str, Any]:
    """Return the derived fields of a record and its activities, the newest first.

    Raises:
        ActionError: there is no such record.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    target = targets.resolve(conn, name)
    row = conn.execute(_DERIVED[target.kind], {"id": target.id}).mappings().one()
    entries = activities.timeline(
        conn,
        [] if target.entity_id is None else [target.entity_id],
        target.id if target.kind == "deal" else None,
        limit,
    )
    return {
        "record": target.name,
        **row,
        "days_since_last_communication": days_since(row["last_communication_at"], ctx.clock.now()),
        "activities": [asdict(entry) for entry in entries],
    }
