"""Ticket → lead by hand: the requester becomes a lead, as a rule of the mapping would make them.

What the person decides is a record of the source `hub` with the role lead, joined to the requester
by their word; the same fold makes the lead, the same routing gives it an owner who is told.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.actions import decisions, people
from hub.actions.rights import Right, require
from hub.crm.ticket_lists import FoundTicket, ShownTicket, find_ticket, tickets_of
from hub.db.locks import identity_lock
from hub.errors import ActionError
from hub.model import names
from hub.model.verdicts import Judgement, Lane, Trust
from hub.records import sources

SOURCE, STREAM = "hub", "tickets"
_RESOURCE = "ticket"


@dataclass(frozen=True, slots=True)
class MadeLead:
    """The lead of a ticket's requester; `is_new`: it was not there before."""

    name: str
    entity_id: int
    is_new: bool


def tickets(conn: Connection, name: str) -> list[ShownTicket]:
    """Return the tickets of a lead, a person or a company, open ones first.

    Raises:
        ActionError: there is nobody of that name.
    """
    return tickets_of(conn, people.find(conn, name).root_id)


def make_lead(conn: Connection, who: str, name: str) -> MadeLead:
    """Make a lead of a ticket's requester; one who is a lead already stays the one they are.

    Args:
        conn: an open transaction, in which nothing was read yet.
        who: who decides it.
        name: the ticket: 12, ticket/12, or zendesk/tickets/9.

    Raises:
        ActionError: there is no such ticket (`not_found`), nobody is known to have asked, or who
            asked is a contact already (`conflict`), or they may not (`forbidden`).
    """
    identity_lock(conn)
    ticket = find_ticket(conn, name)
    if ticket is None:
        raise names.missing(name, _RESOURCE)
    if ticket.entity_id is None or ticket.requester_record_id is None:
        raise ActionError(
            f"nobody is known to have asked ticket/{ticket.id}",
            resource=_RESOURCE,
            code="conflict",
            field="requester",
            hint="the next sync of its source brings who asked",
        )
    entity = people.root(conn, ticket.entity_id)
    require(conn, who, Right.WORK, *people.owners_of(conn, entity))
    there = _lead_of(conn, entity)
    if there is not None:
        return MadeLead(f"lead/{there}", entity, is_new=False)
    _refuse_contact(conn, ticket, entity)
    record = _write(conn, ticket)
    pair = (record, ticket.requester_record_id)
    decisions.decide(conn, who, pair, Judgement.SAME, why="ticket by hand")
    decisions.apply(conn, who, pair, {"lead": {"old": None, "new": f"ticket/{ticket.id}"}})
    return MadeLead(f"lead/{_lead_of(conn, entity)}", entity, is_new=True)


def _lead_of(conn: Connection, entity: int) -> int | None:
    found: int | None = conn.execute(
        text(
            "SELECT id FROM crm.lead WHERE entity_id = :entity AND merged_into IS NULL "
            "AND archived_at IS NULL AND converted_at IS NULL"
        ),
        {"entity": entity},
    ).scalar_one_or_none()
    return found


def _refuse_contact(conn: Connection, ticket: FoundTicket, entity: int) -> None:
    contact = conn.execute(
        text(
            "SELECT id FROM crm.contact WHERE entity_id = :entity AND merged_into IS NULL "
            "AND archived_at IS NULL"
        ),
        {"entity": entity},
    ).scalar_one_or_none()
    if contact is not None:
        raise ActionError(
            f"who asked ticket/{ticket.id} is a contact already: contact/{contact}",
            resource=_RESOURCE,
            code="conflict",
            field="requester",
            hint=f"the ticket stands there: hub tickets contact/{contact}; "
            f"a deal: hub deal add, with contact/{contact}",
        )


_CANONICAL = text("""
SELECT r.raw_id, r.source_at,
       jsonb_strip_nulls(jsonb_build_object(
         'description', coalesce(r.canonical -> 'description', r.canonical -> 'subject'),
         'lead_source', 'Support/' || coalesce(r.canonical ->> 'channel', 'web'),
         'tags', r.canonical -> 'tags', 'created_at', r.canonical -> 'created_at')) AS lead,
       jsonb_strip_nulls(jsonb_build_object(
         'channel', r.source, 'subject', r.canonical -> 'subject',
         'message', r.canonical -> 'description', 'at', r.canonical -> 'created_at')) AS inquiry
FROM ops.source_record r WHERE r.id = :record
""")


def _write(conn: Connection, ticket: FoundTicket) -> int:
    """Store the ticket as a lead and an inquiry, as the mapping's rule does; returns the lead's record."""
    said = conn.execute(_CANONICAL, {"record": ticket.record_id}).one()
    batch = conn.execute(
        text(
            "INSERT INTO ops.batch (kind, source, lane, state, finished_at) "
            "VALUES ('action', :source, 'live', 'done', now()) RETURNING id"
        ),
        {"source": SOURCE},
    ).scalar_one()
    written = sources.upsert(
        conn,
        [
            sources.NewSourceRecord(
                source=SOURCE,
                stream=STREAM,
                source_id=f"{ticket.source}/{ticket.source_id}",
                target=target,
                role=role,
                raw_id=said.raw_id,
                batch_id=batch,
                lane=Lane.LIVE,
                mapping_version="by hand",
                trust=Trust.OPEN,
                values=values,
                refs={},
                source_at=said.source_at,
            )
            for target, role, values in (
                ("person", "lead", said.lead),
                ("inquiry", None, said.inquiry),
            )
        ],
    )
    return next(w.id for w in written if w.target == "person")
