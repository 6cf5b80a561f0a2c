"""Who is there already: likely duplicates of a person who is about to be added."""

from collections.abc import Mapping

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.model.records import JsonValue
from hub.views import duplicates
from hub.views.duplicates import Likely


def likely(ctx: Context, values: Mapping[str, JsonValue], *, limit_n: int = 10) -> list[Likely]:
    """Return the people who may be meant, the likeliest first.

    Args:
        ctx: the actor, and the open connection.
        values: canonical values, as `typed.canonical` gives them.
        limit_n: people at most.
    """
    require(ctx, Right.READ)
    return duplicates.likely(ctx.conn, values, limit_n=limit_n)
