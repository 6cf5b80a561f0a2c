"""The history of names, as users read it: who renamed or removed what, and when."""

from collections.abc import Sequence

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm.named import LABELS
from hub.errors import ActionError
from hub.model.nearest import hint
from hub.records import name_changes
from hub.records.name_changes import NameChange

KINDS = (*LABELS, "list", "link")


def newest(
    ctx: Context, kind: str | None = None, *, name: str | None = None, limit: int = 50
) -> Sequence[NameChange]:
    """Return changes of names, the newest first.

    Args:
        ctx: the actor, in an open transaction.
        kind: one of `KINDS`; None is every kind.
        name: a former or a present name, or a user's address; None is every name.
        limit: changes at most.

    Raises:
        ActionError: there is no such kind, or the actor may not read.
    """
    require(ctx, Right.READ)
    if kind is not None and kind not in KINDS:
        raise ActionError(
            f"there is no kind of name {kind[:100]!r}",
            resource="name", field="kind", code="invalid", hint=hint(kind, KINDS),
        )  # fmt: skip
    return name_changes.newest(ctx.conn, kind=kind, name=name, limit=limit)
