"""Alerts in the hub, and the facts of a record that a notification names."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

from hub.crm.tables import alert
from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is of: a lead, a contact or a deal; nothing, if it is of many."""

    lead_id: int | None = None
    contact_id: int | None = None
    deal_id: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a record in a notification, and its receiver."""

    first_name: str | None
    last_name: str | None
    company: str | None
    email: str | None
    phone: str | None
    source: str | None
    owner_email: str | None
    owner_is_active: bool
    timezone: str


_FACTS = text("""
SELECT coalesce(l.first_name, c.first_name), coalesce(d.name, l.last_name, c.last_name),
  coalesce(l.organization_name, c.organization_name, o.organization_name),
  coalesce(l.email, c.email), coalesce(l.phone, c.phone),
  CASE WHEN d.id IS NULL THEN coalesce(l.lead_source, c.lead_source) END, u.email, coalesce(u.is_active, true),
  coalesce(u.timezone, 'UTC')
FROM (VALUES (1)) AS event(n)
LEFT JOIN crm."user" u ON u.id = :user
LEFT JOIN crm.lead l ON l.id = :lead
LEFT JOIN crm.contact c ON c.id = :contact
LEFT JOIN crm.deal d ON d.id = :deal
LEFT JOIN crm.contact o ON o.id = d.organization_id
""")


def facts(conn: Connection, subject: Subject, user_id: int | None) -> Facts:
    """Read the record of an event, if it has one, and the receiver, if it is a user."""
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


_PERSON = "nullif(concat_ws(' ', r.first_name, r.last_name), ''), r.organization_name"
_NAMES = {
    kind: text(
        f"SELECT '{kind}/' || r.id || ' ' || concat_ws(', ', {name}) AS name "  # noqa: S608 our own text
        f"FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS i(id, ord) "
        f"JOIN crm.{kind} r ON r.id = i.id {company} ORDER BY i.ord"
    )
    for kind, name, company in (
        ("lead", _PERSON, ""),
        ("contact", _PERSON, ""),
        (
            "deal",
            "r.name, o.organization_name",
            "LEFT JOIN crm.contact o ON o.id = r.organization_id",
        ),
    )
}


def names_of(conn: Connection, kind: str, ids: Sequence[int]) -> list[str]:
    """Return records as a notification names them, in their order: `lead/12 Ann Lee, Acme`."""
    return list(conn.execute(_NAMES[kind], {"ids": list(ids)}).scalars())


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as its reader sees it; `record` is the name of the record, if it is of one."""

    id: int
    at: datetime
    event: str
    text: str
    record: str | None
    read_at: datetime | None


_OF_USER = text("""
SELECT id, at, event, text, CASE WHEN lead_id IS NOT NULL THEN 'lead/' || lead_id
  WHEN contact_id IS NOT NULL THEN 'contact/' || contact_id
  WHEN deal_id IS NOT NULL THEN 'deal/' || deal_id END AS record, read_at
FROM crm.alert WHERE user_id = :user AND (read_at IS NULL OR NOT CAST(:unread AS boolean))
ORDER BY id DESC LIMIT :limit
""")
_READ = text("""
UPDATE crm.alert SET read_at = :at WHERE user_id = :user AND read_at IS NULL
  AND (CAST(:ids AS bigint[]) IS NULL OR id = ANY(:ids))
""")


def of_user(conn: Connection, user_id: int, *, unread: bool, limit: int) -> list[Alert]:
    """Return the alerts of a user, the newest first."""
    args = {"user": user_id, "unread": unread, "limit": limit}
    return [Alert(*row) for row in conn.execute(_OF_USER, args)]


def unknown(conn: Connection, user_id: int, ids: Sequence[int]) -> list[int]:
    """Return the numbers that are of no alert of the user."""
    there = conn.execute(
        text("SELECT id FROM crm.alert WHERE user_id = :user AND id = ANY(:ids)"),
        {"user": user_id, "ids": list(ids)},
    )
    return sorted({*ids} - {*there.scalars()})


def mark_read(conn: Connection, user_id: int, ids: Sequence[int] | None, at: datetime) -> int:
    """Mark alerts of a user as read, all where none is named; returns how many were not yet."""
    args = {"user": user_id, "ids": None if ids is None else list(ids), "at": at}
    return conn.execute(_READ, args).rowcount


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
