"""The deals of a person or company, as lines on a card."""

from sqlalchemy import Connection

from hub.crm import cards
from hub.views.parts import DealLine

_DEALS = 50


def of_party(
    conn: Connection, *, contact_id: int | None, lead_id: int | None
) -> tuple[DealLine, ...]:
    """Return the deals of a contact, and those that a lead became; open ones first, then the newest."""
    found = cards.deals_of(conn, contact_id=contact_id, lead_id=lead_id, limit=_DEALS)
    return tuple(
        DealLine(record=f"deal/{one['id']}", **{k: v for k, v in one.items() if k != "id"})
        for one in found
    )
