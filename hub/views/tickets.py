"""The support tickets of a person or a company, open ones first."""

from sqlalchemy import Connection

from hub.crm import ticket_lists
from hub.views.parts import Ticket, Tickets


def of_entity(conn: Connection, entity_id: int, *, limit: int = 100) -> Tickets:
    """Return the tickets of a person, or of a company and its employees and leads."""
    found = ticket_lists.tickets_of(conn, entity_id, limit=limit + 1)
    items = tuple(
        Ticket(
            f"ticket/{t.id}", t.record, t.subject, t.status, t.priority, t.channel, t.satisfaction,
            t.url, t.created_at, t.updated_at, t.person, t.is_open,
        )
        for t in found[:limit]
    )  # fmt: skip
    return Tickets(items, len(found) > limit)
