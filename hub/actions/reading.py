"""Read records: cards of leads, contacts, companies and deals. Everybody in the team may."""

from hub.actions import targets
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup import smart_list
from hub.errors import ActionError
from hub.model import names
from hub.views import cards
from hub.views.cards import AnyCard, Asked, CompanyCard, ContactCard

KINDS = ("lead", "contact", "company", "deal")


def show(
    ctx: Context, kind: str, name: str, *, activities: int = cards.SHOWN, with_sources: bool = False
) -> AnyCard:
    """Return the card of a record; of a merged one that of its survivor.

    A person's own names stand for the lead, or for the contact where there is no open lead.

    Args:
        ctx: who acts, and the open connection.
        kind: lead, contact, company or deal.
        name: a number of that kind, or any name that `hub.model.names` knows.
        activities: of the timeline, at most.
        with_sources: whether to say where each value comes from.

    Raises:
        ActionError: there is no such record, or it is of another kind.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    of = "contact" if kind == "company" else kind
    target = targets.resolve(conn, name, of)
    if of == "contact" and target.kind == "lead":
        target = targets.contact_of(conn, target) or target
    asked = Asked(smart_list.asking(ctx).moment, min(activities, cards.MOST), with_sources)
    card = cards.of_row(conn, target.kind, target.id, asked)
    if card is None:
        raise names.missing(name, kind)
    is_of = {CompanyCard: "company", ContactCard: "contact"}.get(type(card), target.kind)
    if is_of != kind:
        raise ActionError(
            f"{names.full(name, of)} is a {is_of}, not a {kind}",
            resource=kind,
            code="not_found",
            hint=f"hub {is_of} show {target.name}",
        )
    return card
