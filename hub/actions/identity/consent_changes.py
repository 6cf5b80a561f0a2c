"""Opt-outs that the mappings no longer read: list them, accept that they are lifted."""

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.etl import consent_changes
from hub.records.consent_disputes import Lifted


def held(ctx: Context, *, accept: bool = False) -> list[Lifted]:
    """Return the opt-outs that are in force until an admin accepts that they are lifted.

    Args:
        ctx: who asks; an admin, to accept.
        accept: lift them.
    """
    require(ctx, Right.SET_UP if accept else Right.READ)
    found = consent_changes.held(ctx.conn)
    if accept:
        consent_changes.accept(ctx.conn, ctx.who)
    return list(found)
