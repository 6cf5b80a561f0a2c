"""Read records: cards and lists of leads, contacts, companies and deals. Every active member may."""

from typing import TYPE_CHECKING, Any

from hub.actions import targets
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup import smart_list
from hub.errors import ActionError
from hub.model import names

if TYPE_CHECKING:  # a list does not import the modules of a card
    from hub.views.card_forms import AnyCard
    from hub.views.finding import Found
    from hub.views.lists import Filters, ListPage

KINDS = ("lead", "contact", "company", "deal")


def show(
    ctx: Context,
    kind: str,
    name: str,
    *,
    activities: int | None = None,
    with_sources: bool = False,
) -> "AnyCard":
    """Return the card of a record; of a merged one that of its survivor.

    A person's own names mean the lead, or the contact if there is no open lead.

    Args:
        ctx: the actor, and the open connection.
        kind: lead, contact, company or deal.
        name: a number of that kind, or any name that `hub.model.names` knows.
        activities: of the timeline, at most; None: as many as a card shows.
        with_sources: whether to say where each value comes from.

    Raises:
        ActionError: there is no such record, or it is of another kind.
    """
    from hub.views import cards  # noqa: PLC0415 see above
    from hub.views.card_forms import CompanyCard, ContactCard  # noqa: PLC0415 see above
    from hub.views.cards import Asked  # noqa: PLC0415 see above

    require(ctx, Right.READ)
    conn = ctx.conn
    of = "contact" if kind == "company" else kind
    target = targets.resolve(conn, name, of)
    if of == "contact" and target.kind == "lead":
        target = targets.contact_of(conn, target) or target
    shown = cards.SHOWN if activities is None else min(activities, cards.MOST)
    asked = Asked(smart_list.asking(ctx).moment, shown, with_sources)
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


def listed(
    ctx: Context,
    kind: str,
    asked: "Filters",
    *,
    limit: int = 50,
    page: int = 1,
    after: str | None = None,
) -> "ListPage":
    """Return a page of records, filtered as a smart list is.

    Args:
        ctx: the actor, and the open connection.
        kind: lead, contact, company or deal.
        asked: the filters, of which all hold, the order and the columns.
        limit: rows at most.
        page: number of the page.
        after: the mark of the page before, in place of a number.

    Raises:
        ActionError: a field, value, order or page cannot be asked for.
    """
    from hub.lists import document  # noqa: PLC0415 see above
    from hub.views import lists  # noqa: PLC0415 see above

    require(ctx, Right.READ)
    said: dict[str, Any] = {
        "object": lists.OBJECT_OF[kind],
        "filter": {"all": lists.conditions(kind, asked)},
        "sort": asked.sort,
        "columns": list(asked.columns),
    }
    query = smart_list.query(ctx, document.read(said), with_archived=asked.with_archived)
    return lists.page(ctx.conn, query, limit=limit, number=page, after=after)


def find(ctx: Context, said: str, *, limit: int = 20) -> "Found":
    """Return the records that have a text in a name, an address, a number or a company.

    Args:
        ctx: the actor, and the open connection.
        said: the text.
        limit: records at most.

    Raises:
        ActionError: the text is too short or too long.
    """
    from hub.views import finding  # noqa: PLC0415 see above

    require(ctx, Right.READ)
    return finding.find(ctx.conn, said, smart_list.asking(ctx), limit=limit)
