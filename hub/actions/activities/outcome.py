"""Outcomes that people choose from when they log a call or a visit."""

from hub.actions import values
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import pick_lists
from hub.errors import ActionError

KINDS = ("call", "visit")


def add(ctx: Context, kind: str, name: str) -> int:
    """Add an outcome; returns its number.

    Raises:
        ActionError: the actor lacks the right, there is no such kind, or the name is taken or
            empty.
    """
    require(ctx, Right.SET_UP)
    if kind not in KINDS:
        raise values.invalid("outcome", "kind", "call or visit")
    words = values.text("outcome", "name", name)
    if not words:
        raise ActionError(
            "an outcome needs a name", resource="outcome", field="name", code="required"
        )
    number = pick_lists.add(ctx.conn, pick_lists.OUTCOMES, kind, words)
    if number is None:
        raise ActionError(
            f"{kind}s have the outcome {words!r} already",
            resource="outcome",
            field="name",
            code="conflict",
        )
    return number
