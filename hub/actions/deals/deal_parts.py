"""What belongs to a deal beside its fields: the contacts who take part, and the checks that are ticked."""

from hub.actions.context import Context
from hub.actions.deals import deal as actions
from hub.actions.deals.deal_fields import columns
from hub.crm import deals, pipelines
from hub.errors import ActionError
from hub.records.history import note_change

_PRIMARY = "primary"


def associate(ctx: Context, name: str, contact: str, role: str = "involved") -> int:
    """Add a contact to a deal, in a role; returns the contact's number.

    Raises:
        ActionError: there is no such deal or contact, or it is the primary one already.
    """
    conn = ctx.conn
    before, _ = actions.opened(ctx, name)
    contact_id = actions.contact_of(conn, contact)
    if contact_id == deals.contact_root(conn, before["contact_id"]):
        raise ActionError(
            f"contact/{contact_id} is the primary contact already", resource="deal", code="conflict"
        )
    role = str(columns({"name": role}, ctx.now)["name"])
    if role.casefold() == _PRIMARY:
        raise ActionError(
            f"deal/{before['id']} has a primary contact already",
            resource="deal",
            field="role",
            code="conflict",
            hint=f"hub deal edit {before['id']} contact=contact/{contact_id} makes this one the "
            "primary contact",
        )
    deals.associate(conn, before["id"], contact_id, role)
    note_change(conn, ctx.who, {f"contact/{contact_id}": (None, role)}, deal_id=int(before["id"]))
    return contact_id


def dissociate(ctx: Context, name: str, contact: str) -> int:
    """Remove a contact from a deal; returns the contact's number.

    Raises:
        ActionError: there is no such deal, or the contact takes no part in it.
    """
    conn = ctx.conn
    before, _ = actions.opened(ctx, name)
    contact_id = actions.contact_of(conn, contact)
    named = [
        c["contact_id"]
        for c in deals.contacts_of(conn, before["id"])
        if c["role"] != "primary" and deals.contact_root(conn, c["contact_id"]) == contact_id
    ]
    if not named:
        raise ActionError(
            f"contact/{contact_id} is not a contact of deal/{before['id']}",
            resource="deal",
            field="contact",
            code="not_found",
        )
    for one in named:
        deals.dissociate(conn, before["id"], one)
    note_change(
        conn, ctx.who, {f"contact/{contact_id}": ("involved", None)}, deal_id=int(before["id"])
    )
    return contact_id


def check(ctx: Context, name: str, words: str, *, undo: bool = False) -> str:
    """Tick a check of the deal's pipeline, or take the tick back; returns its words.

    Raises:
        ActionError: there is no such deal or check.
    """
    conn = ctx.conn
    before, _ = actions.opened(ctx, name)
    pipeline = actions.pipeline_of(conn, before)
    checks = [c for c in pipelines.criteria(conn, [s.id for s in pipeline.stages])
              if c.kind == "check"]  # fmt: skip
    for one in checks:
        if one.what.casefold() == words.strip().casefold():
            if undo:
                deals.untick(conn, before["id"], one.id)
            else:
                deals.tick(conn, before["id"], one.id, ctx.who)
            note_change(
                conn, ctx.who, {f"check {one.what}": (undo, not undo)}, deal_id=int(before["id"])
            )
            return one.what
    raise ActionError(
        f"{pipeline.name} has no exit criterion {words!r}",
        resource="deal",
        field="check",
        code="not_found",
        hint=f"criteria: {', '.join(c.what for c in checks) or 'none'}",
    )
