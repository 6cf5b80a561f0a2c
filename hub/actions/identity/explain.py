"""Explain: where each value of a person came from, and why their records are one."""

from hub.actions import lookup
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.views import explained
from hub.views.explained import Explained


def explain(ctx: Context, name: str) -> Explained:
    """Return who a person is.

    Raises:
        ActionError: there is no such person.
    """
    require(ctx, Right.READ)
    return explained.of_entity(ctx.conn, lookup.find(ctx.conn, name).root_id)
