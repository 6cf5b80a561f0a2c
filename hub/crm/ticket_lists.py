"""Tickets as they are shown on a person, a lead or a company: open ones first, newest first.

A company shows those of its employees, and of the leads that point to it, as well. What was merged
shows with its survivor.
"""

from datetime import datetime

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model import names
from hub.model.names import RecordName, RowName

CLOSED = ("solved", "closed")
"""Statuses of finished tickets; a ticket with any other status is open."""

HAS_OPEN = (
    "EXISTS (SELECT 1 FROM crm.ticket t WHERE t.entity_id = {alias}.entity_id "
    "AND t.archived_at IS NULL AND coalesce(t.status, '') NOT IN ('solved', 'closed'))"
)
"""Condition of a lead or contact named `alias`: it has an open ticket."""


@dataclass(frozen=True, slots=True)
class ShownTicket:
    """A ticket, and its requester.

    Args:
        id: our number.
        record: the source record: zendesk/tickets/9.
        person: the requester: lead/12 or contact/5; None for a person without a row.
        is_open: whether it waits for an answer.
    """

    id: int
    record: str
    subject: str | None
    status: str | None
    priority: str | None
    channel: str | None
    satisfaction: str | None
    url: str | None
    created_at: datetime | None
    updated_at: datetime | None
    person: str | None
    is_open: bool


_OF = text("""
WITH RECURSIVE named AS (
  SELECT CAST(:entity AS bigint) AS id
), staff AS (
  SELECT p.entity_id AS id FROM crm.contact c JOIN crm.contact p ON p.company_id = c.id
  WHERE c.entity_id = :entity AND c.is_organization
  UNION SELECT l.entity_id FROM crm.contact c JOIN crm.lead l ON l.account_id = c.id
  WHERE c.entity_id = :entity AND c.is_organization
), whose AS (
  SELECT id FROM named UNION SELECT id FROM staff
  UNION SELECT e.id FROM ops.entity e JOIN whose w ON e.merged_into = w.id
)
SELECT t.id, t.source || '/tickets/' || t.source_id, t.subject, t.status, t.priority, t.channel,
       t.satisfaction, t.url, t.created_at, t.updated_at,
       coalesce((SELECT 'contact/' || c.id FROM crm.contact c WHERE c.entity_id = t.entity_id
                 AND c.merged_into IS NULL AND c.archived_at IS NULL),
                (SELECT 'lead/' || l.id FROM crm.lead l WHERE l.entity_id = t.entity_id
                 AND l.merged_into IS NULL)),
       coalesce(t.status, '') <> ALL(CAST(:closed AS text[])) AS is_open
FROM crm.ticket t JOIN whose w ON w.id = t.entity_id
WHERE t.archived_at IS NULL
ORDER BY is_open DESC, t.updated_at DESC NULLS LAST, t.id DESC LIMIT :limit
""")


def tickets_of(conn: Connection, entity_id: int, *, limit: int = 100) -> list[ShownTicket]:
    """Return the tickets of a person or a company."""
    args = {"entity": entity_id, "closed": list(CLOSED), "limit": limit}
    return [ShownTicket(*row) for row in conn.execute(_OF, args)]


@dataclass(frozen=True, slots=True)
class FoundTicket:
    """A ticket that was named, with what making a lead of it needs."""

    id: int
    record_id: int
    source: str
    source_id: str
    entity_id: int | None
    requester_record_id: int | None


_ONE = """
SELECT t.id, t.record_id, t.source, t.source_id, t.entity_id, u.id
FROM crm.ticket t LEFT JOIN ops.source_record u ON u.source = t.source AND u.stream = 'users'
  AND u.source_id = t.requester AND u.target = 'person'
WHERE t.archived_at IS NULL AND
"""
_BY_ID = text(_ONE + " t.id = :id")
_BY_KEY = text(
    _ONE  # noqa: S608 our own text
    + " t.record_id = (SELECT id FROM ops.source_record WHERE source = :source AND stream = 'tickets'"
    " AND source_id = :id AND target = 'ticket')"
)


def find_ticket(conn: Connection, name: str) -> FoundTicket | None:
    """Return the ticket named `12`, `ticket/12`, or `zendesk/tickets/9`."""
    match names.read(name, "ticket"):
        case RowName("ticket", int(number)):
            row = conn.execute(_BY_ID, {"id": number}).one_or_none()
        case RecordName(source, "tickets", source_id):
            row = conn.execute(_BY_KEY, {"source": source, "id": source_id}).one_or_none()
        case _:
            row = None
    return None if row is None else FoundTicket(*row)
