"""The done and the open activities of a record, as `hub activities` shows them."""

from hub.actions import targets
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.views.activities import RecordActivities, of_record


def of(ctx: Context, name: str, limit: int = 100) -> RecordActivities:
    """Return the derived fields of a record and its activities, the newest first.

    Raises:
        ActionError: there is no such record.
    """
    require(ctx, Right.READ)
    target = targets.resolve(ctx.conn, name)
    return of_record(ctx.conn, target.kind, target.id, target.entity_id, now=ctx.now, limit=limit)
