"""Reasons that users choose for lost deals and unqualified deals and leads. Not here: `hub.crm.pick_lists`."""

from collections.abc import Mapping
from typing import get_args

from sqlalchemy import Connection

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup.thing_names import check_name, same
from hub.crm import former, pick_lists
from hub.crm.pick_lists import REASONS, ReasonKind
from hub.errors import ActionError

_THING: Mapping[ReasonKind, str] = {
    "loss": "loss_reason", "deal_unqualified": "deal_reason", "lead_unqualified": "lead_reason",
}  # fmt: skip


def add_reason(ctx: Context, kind: str, name: str) -> int:
    """Add a reason that people can choose; one that is there already is returned.

    Raises:
        ActionError: there is no such kind of reason, or the name is none.
    """
    require(ctx, Right.SET_UP)
    for known in get_args(ReasonKind):
        if known == kind:
            check_name(name, "reason", ())
            return _added(ctx.conn, known, name.strip())
    raise ActionError(
        f"there are no reasons of the kind {kind!r}",
        resource="reason",
        code="invalid",
        field="kind",
        hint=f"kinds: {', '.join(get_args(ReasonKind))}",
    )


def _added(conn: Connection, kind: ReasonKind, name: str) -> int:
    number = pick_lists.number_of(conn, REASONS, kind, name)
    if number is None:
        number = pick_lists.add(conn, REASONS, kind, name)
    if number is None:  # another transaction has just added it
        number = pick_lists.number_of(conn, REASONS, kind, name)
    assert number is not None  # noqa: S101 one of the two wrote it
    return number


def find_reason(conn: Connection, kind: ReasonKind, name: str) -> int:
    """Return a reason by its name; a former name means the reason of today.

    Raises:
        ActionError: there is none.
    """
    known = pick_lists.options(conn, REASONS, kind)
    for said in (name, former.today(conn, _THING[kind], name)):
        for reason in known:
            if said is not None and same(reason.name, said):
                return reason.id
    raise ActionError(
        f"there is no reason {name!r}",
        resource="reason",
        code="not_found",
        field="reason",
        hint=f"reasons: {', '.join(r.name for r in known)}; hub reason add adds one",
    )
