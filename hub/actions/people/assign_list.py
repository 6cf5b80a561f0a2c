"""Assign all records of a smart list, in the list's order."""

from hub.actions.context import Context
from hub.actions.people.assign import Given, assign_many
from hub.actions.setup import smart_list
from hub.errors import ActionError

_KIND = {"lead": "lead", "person": "contact", "company": "contact", "deal": "deal"}


def assign_list(ctx: Context, kind: str, *, name: str, to: str) -> Given:
    """Give the records of a list, as it is now, to a person or a group.

    Args:
        ctx: the actor, in an open transaction.
        kind: lead, contact or deal.
        name: the list.
        to: a person's e-mail, or a group's name.

    Raises:
        ActionError: there is no such list, or it is of other records; else as `assign_many`.
    """
    object_, ids = smart_list.selection(ctx, name)
    if _KIND[object_] != kind:
        raise ActionError(
            f"the list {name!r} is of {object_} records, not of {kind}s",
            resource=kind,
            field="list",
            code="conflict",
            hint="hub list show lists them with their kinds of record",
        )
    return assign_many(ctx, kind, ids, to, is_bulk=True)
