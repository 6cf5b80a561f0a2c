"""Exit criteria of stages: what a deal must meet before it moves to a later stage."""

from typing import Literal

from hub.actions.context import Context
from hub.actions.deals.deal_fields import is_field
from hub.actions.rights import Right, require
from hub.actions.setup.pipeline import find, find_stage
from hub.actions.setup.thing_names import check_name, same
from hub.crm import pipelines
from hub.crm.custom_field_typing import PREFIX, is_custom, key_of
from hub.crm.pipelines import Criterion
from hub.errors import ActionError


def add_criterion(
    ctx: Context,
    stage: tuple[str, str],
    kind: Literal["field", "check"],
    what: str,
    *,
    refuse: bool = False,
) -> Criterion:
    """Add an exit criterion: what must hold before a deal leaves a stage for a later one.

    Args:
        ctx: the actor, in an open transaction.
        stage: the names of a pipeline and of its stage.
        kind: `field`: the field must be filled; `check`: a user must tick it.
        what: the field's name, or the words of the check.
        refuse: whether a deal that does not meet it stays; else who moves it is warned.

    Raises:
        ActionError: there is no such stage or field.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    found = find_stage(find(conn, stage[0]), stage[1])
    if not found.is_active:
        raise ActionError(
            f"{found.name} closes deals; no stage follows it", resource="stage", code="invalid"
        )
    if kind == "field" and is_custom(what):
        what = PREFIX + key_of(conn, "deal", what.removeprefix(PREFIX))
    elif kind == "field" and not is_field(what):
        raise ActionError(
            f"a deal has no field {what!r}", resource="deal", field=what, code="not_found"
        )
    check_name(what, "criterion", ())
    severity = "refuse" if refuse else "warn"
    made = pipelines.set_criterion(conn, found.id, kind, what.strip(), severity)
    return next(c for c in pipelines.criteria(conn, [found.id]) if c.id == made)


def drop_criterion(ctx: Context, stage: tuple[str, str], what: str) -> Criterion:
    """Remove an exit criterion.

    Raises:
        ActionError: there is no criterion with this text.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    found = find_stage(find(conn, stage[0]), stage[1])
    for criterion in pipelines.criteria(conn, [found.id]):
        if same(criterion.what, what):
            pipelines.drop_criterion(conn, criterion.id)
            return criterion
    raise ActionError(
        f"{found.name} has no criterion {what!r}", resource="criterion", code="not_found"
    )
