"""Ticket → lead by hand: the requester becomes a lead, as a rule of the mapping would make them.

The user's decision is a record of the source `hub`, joined to the requester by an edge of the user;
the same fold makes the lead, the same routing gives it an owner and notifies the owner. Who is a
contact stays one: then the record makes no lead, the request is an inquiry of the contact, and its
owner is notified.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.actions import lookup
from hub.actions.context import Context
from hub.actions.identity import decisions
from hub.actions.rights import Right, require
from hub.crm.ticket_lists import FoundTicket, find_ticket
from hub.db.locks import identity_lock
from hub.errors import ActionError
from hub.model import names
from hub.model.verdicts import Judgement, Lane, Trust
from hub.records import batches, sources
from hub.views import tickets as views
from hub.views.parts import Tickets

SOURCE, STREAM = "hub", "tickets"
_RESOURCE = "ticket"


@dataclass(frozen=True, slots=True)
class MadeLead:
    """What a ticket's requester is now.

    Args:
        name: lead/12; contact/5 of a person who stays a contact.
        entity_id: who it is.
        is_new: whether the lead, or the contact's inquiry, is new.
        told: who owns the contact, by e-mail; None if there is none, and for a lead.
    """

    name: str
    entity_id: int
    is_new: bool
    told: str | None = None


def tickets(ctx: Context, name: str) -> Tickets:
    """Return the tickets of a lead, a person or a company, open ones first.

    Raises:
        ActionError: there is no person of that name.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    return views.of_entity(conn, lookup.find(conn, name).root_id)


def make_lead(ctx: Context, name: str) -> MadeLead:
    """Make a lead of a ticket's requester; one who is a lead already stays the one they are.

    If the requester is a contact, the ticket becomes an inquiry, once.

    Args:
        ctx: the actor, in an open transaction, in which nothing was read yet.
        name: the ticket: 12, ticket/12, or zendesk/tickets/9.

    Raises:
        ActionError: there is no such ticket (`not_found`), its requester is not known (`conflict`),
            or the actor lacks the right (`forbidden`).
    """
    conn = ctx.conn
    identity_lock(conn)
    ticket = find_ticket(conn, name)
    if ticket is None:
        raise names.missing(name, _RESOURCE)
    requester = ticket.requester_record_id
    if ticket.entity_id is None or requester is None:
        raise ActionError(
            f"the requester of ticket/{ticket.id} is not known",
            resource=_RESOURCE,
            code="conflict",
            field="requester",
            hint="the next sync of its source imports the requester",
        )
    entity = lookup.root(conn, ticket.entity_id)
    require(ctx, Right.WORK, *lookup.owners_of(conn, entity), entities=[entity])
    there = _lead_of(conn, entity)
    if there is not None:
        return MadeLead(f"lead/{there}", entity, is_new=False)
    contact = conn.execute(_CONTACT, {"entity": entity}).one_or_none()
    if contact is not None:
        is_new = conn.execute(_ASKED, _keys(ticket)).one_or_none() is None
        if is_new:
            _join(ctx, ticket, requester, role="person")
        return MadeLead(f"contact/{contact.id}", entity, is_new, contact.email)
    _join(ctx, ticket, requester, role="lead")
    return MadeLead(f"lead/{_lead_of(conn, entity)}", entity, is_new=True)


def _join(ctx: Context, ticket: FoundTicket, requester: int, *, role: str) -> None:
    """Store that a ticket is a request of its requester, and fold this person."""
    what = "lead" if role == "lead" else "inquiry"
    pair = (_write(ctx.conn, ticket, role), requester)
    decisions.decide(ctx, pair, Judgement.SAME, why="ticket by hand")
    decisions.apply(ctx, pair, {what: {"old": None, "new": f"ticket/{ticket.id}"}})


def _lead_of(conn: Connection, entity: int) -> int | None:
    found: int | None = conn.execute(
        text(
            "SELECT id FROM crm.lead WHERE entity_id = :entity AND merged_into IS NULL "
            "AND archived_at IS NULL AND converted_at IS NULL"
        ),
        {"entity": entity},
    ).scalar_one_or_none()
    return found


_CONTACT = text("""
SELECT c.id, u.email FROM crm.contact c LEFT JOIN crm."user" u ON u.id = c.owner_id AND u.is_active
WHERE c.entity_id = :entity AND c.merged_into IS NULL AND c.archived_at IS NULL
""")
# by the rule it is the ticket's own inquiry, by hand it is one of our record
_ASKED = text("""
SELECT 1 FROM crm.inquiry i JOIN ops.source_record s ON s.id = i.record_id
WHERE (s.source, s.stream, s.source_id) IN ((:source, 'tickets', :id), (:ours, :stream, :our_id))
LIMIT 1
""")


def _keys(ticket: FoundTicket) -> dict[str, str]:
    return {
        "source": ticket.source, "id": ticket.source_id,
        "ours": SOURCE, "stream": STREAM, "our_id": f"{ticket.source}/{ticket.source_id}",
    }  # fmt: skip


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


def _write(conn: Connection, ticket: FoundTicket, role: str) -> int:
    """Store the ticket as a person and an inquiry, as the mapping's rule does; returns the person's record.

    Of a lead it says what they want; a person with the role `person` needs no further evidence.
    """
    said = conn.execute(_CANONICAL, {"record": ticket.record_id}).one()
    batch = batches.action_batch(conn, SOURCE)
    written = sources.upsert(
        conn,
        [
            sources.NewSourceRecord(
                source=SOURCE,
                stream=STREAM,
                source_id=f"{ticket.source}/{ticket.source_id}",
                target=target,
                role=as_what,
                raw_id=said.raw_id,
                batch_id=batch,
                lane=Lane.LIVE,
                mapping_version="by hand",
                trust=Trust.OPEN,
                values=values,
                refs={},
                source_at=said.source_at,
            )
            for target, as_what, values in (
                ("person", role, said.lead if role == "lead" else {}),
                ("inquiry", None, said.inquiry),
            )
        ],
    )
    return next(w.id for w in written if w.target == "person")
