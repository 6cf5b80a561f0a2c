"""What a notification says about a person beside the record itself: open tickets, likely relatives.

Reads only. Not here: the record's own values (`hub.crm.alerts`).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from hub.crm import cards
from hub.crm.alerts import Subject
from hub.frozen import dataclass

_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """A ticket of the person that is not solved."""

    source_id: str
    subject: str | None
    status: str | None
    channel: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Relative:
    """A record that is likely of the same person or company: `lead/12`, its name, company and owner."""

    record: str
    who: str
    company: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Background:
    """What is known around the person of an event."""

    tickets: Sequence[OpenTicket] = ()
    relatives: Sequence[Relative] = ()


_WHO = text("""
SELECT entity_id, account_id AS company_id FROM crm.lead WHERE id = :lead
UNION ALL SELECT entity_id, company_id FROM crm.contact WHERE id = :contact
""")
_TICKETS = text("""
SELECT source_id, subject, status, channel, created_at FROM crm.ticket
WHERE entity_id = :entity AND archived_at IS NULL AND coalesce(status, '') NOT IN ('solved', 'closed')
ORDER BY created_at DESC NULLS LAST, id DESC LIMIT :n
""")
# Both are read by their indexes of the company; a person is shown once.
_COLLEAGUES = text("""
SELECT entity_id FROM (
  (SELECT entity_id, 1 AS place, id FROM crm.contact
   WHERE company_id = :company AND NOT is_organization AND archived_at IS NULL AND merged_into IS NULL
     AND entity_id <> :entity ORDER BY id DESC LIMIT :n)
  UNION ALL
  (SELECT entity_id, 2, id FROM crm.lead
   WHERE account_id = :company AND archived_at IS NULL AND merged_into IS NULL AND entity_id <> :entity
   ORDER BY id DESC LIMIT :n)
) r ORDER BY place, id DESC
""")


def background(conn: Connection, subject: Subject) -> Background:
    """Return the open tickets and the likely relatives of the person of an event; of none, nothing."""
    asked = {"lead": subject.lead_id, "contact": subject.contact_id}
    who = conn.execute(_WHO, asked).first()
    if who is None:
        return Background()
    tickets = conn.execute(_TICKETS, {"entity": who.entity_id, "n": _AT_MOST})
    return Background(
        [OpenTicket(*row) for row in tickets], _relatives(conn, who.entity_id, who.company_id)
    )


def _relatives(conn: Connection, entity_id: int, company_id: int | None) -> list[Relative]:
    """Return people who are in review with a person, then people of the same company."""
    near = list(cards.in_review(conn, entity_id))
    if company_id is not None:
        args = {"company": company_id, "entity": entity_id, "n": _AT_MOST}
        near += conn.execute(_COLLEAGUES, args).scalars()
    ids = list(dict.fromkeys(near))[:_AT_MOST]
    if not ids:
        return []
    named = {row["entity_id"]: row for row in cards.parties(conn, ids)}
    return [
        Relative(row["name"], row["who"] or row["email"] or "", row["company"], row["owner"])
        for entity in ids
        if (row := named.get(entity)) is not None
    ]
