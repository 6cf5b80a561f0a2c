"""Reasons that users choose for lost deals and unqualified deals and leads. Not here: `hub.crm.pipelines`."""

from typing import get_args

from sqlalchemy import Connection

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup.thing_names import check_name, same
from hub.crm import pipelines
from hub.crm.pipelines import ReasonKind
from hub.errors import ActionError


def add_reason(ctx: Context, kind: str, name: str) -> int:
    """Add a reason that people can choose; one that is there already is returned.

    Raises:
        ActionError: there is no such kind of reason, or the name is none.
    """
    require(ctx, Right.SET_UP)
    for known in get_args(ReasonKind):
        if known == kind:
            check_name(name, "reason", ())
            return pipelines.add_reason(ctx.conn, known, name.strip())
    raise ActionError(
        f"there are no reasons of the kind {kind!r}",
        resource="reason",
        code="invalid",
        field="kind",
        hint=f"kinds: {', '.join(get_args(ReasonKind))}",
    )


def find_reason(conn: Connection, kind: ReasonKind, name: str) -> int:
    """Return a reason by its name.

    Raises:
        ActionError: there is none.
    """
    known = pipelines.reasons(conn, kind)
    for reason in known:
        if same(reason.name, name):
            return reason.id
    raise ActionError(
        f"there is no reason {name!r}",
        resource="reason",
        code="not_found",
        field="reason",
        hint=f"reasons: {', '.join(r.name for r in known)}; hub reason add adds one",
    )
