"""Web alerts, and the facts of a record that a notification tells."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

from hub.crm.tables import alert


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is of: a lead, a contact or a deal; nothing, if it is of many."""

    lead_id: int | None = None
    contact_id: int | None = None
    deal_id: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a notification says of a record, and whom it goes to."""

    first_name: str | None
    last_name: str | None
    company: str | None
    email: str | None
    phone: str | None
    source: str | None
    owner_email: str | None
    owner_is_active: bool


_FACTS = text("""
SELECT coalesce(l.first_name, c.first_name), coalesce(d.name, l.last_name, c.last_name),
  coalesce(l.organization_name, c.organization_name, o.organization_name),
  coalesce(l.email, c.email), coalesce(l.phone, c.phone),
  CASE WHEN d.id IS NULL THEN coalesce(l.lead_source, c.lead_source) END, u.email, u.is_active
FROM crm."user" u
LEFT JOIN crm.lead l ON l.id = :lead
LEFT JOIN crm.contact c ON c.id = :contact
LEFT JOIN crm.deal d ON d.id = :deal
LEFT JOIN crm.contact o ON o.id = d.organization_id
WHERE u.id = :user
""")


def facts(conn: Connection, subject: Subject, user_id: int) -> Facts:
    """Read a record, if the event is of one, and the person to be told."""
    row = conn.execute(
        _FACTS,
        {
            "lead": subject.lead_id,
            "contact": subject.contact_id,
            "deal": subject.deal_id,
            "user": user_id,
        },
    ).one()
    return Facts(*row)


def add_alert(
    conn: Connection, *, dedupe_key: str, user_id: int, subject: Subject, event: str, words: str
) -> None:
    """Write a web alert; the same key twice is one alert."""
    conn.execute(
        insert(alert)
        .values(
            dedupe_key=dedupe_key,
            user_id=user_id,
            lead_id=subject.lead_id,
            contact_id=subject.contact_id,
            deal_id=subject.deal_id,
            event=event,
            text=words,
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
    )


_REMOVE = text("""
DELETE FROM crm.alert WHERE lead_id = ANY(:leads) OR contact_id = ANY(:contacts)
  OR dedupe_key = ANY(:keys)
""")


def remove(
    conn: Connection, leads: Sequence[int], contacts: Sequence[int], keys: Sequence[str]
) -> int:
    """Delete the alerts of leads, of contacts and of events; returns how many."""
    args = {"leads": list(leads), "contacts": list(contacts), "keys": list(keys)}
    return conn.execute(_REMOVE, args).rowcount
