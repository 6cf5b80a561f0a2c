"""Web alerts, and the facts of a lead that a notification tells."""

from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from hub.crm.tables import alert, lead, user


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """What a notification says of a lead, and whom it goes to."""

    lead_id: int | None
    first_name: str | None
    last_name: str | None
    company: str | None
    email: str | None
    phone: str | None
    source: str | None
    owner_email: str | None
    owner_is_active: bool


def facts(conn: Connection, lead_id: int | None, user_id: int) -> LeadFacts:
    """Read a lead, if the event is of one, and the person to be told."""
    row = conn.execute(
        select(
            lead.c.id,
            lead.c.first_name,
            lead.c.last_name,
            lead.c.organization_name,
            lead.c.email,
            lead.c.phone,
            lead.c.lead_source,
            user.c.email,
            user.c.is_active,
        )
        .select_from(user.outerjoin(lead, lead.c.id == lead_id))
        .where(user.c.id == user_id)
    ).one()
    return LeadFacts(*row)


def add_alert(
    conn: Connection, *, dedupe_key: str, user_id: int, lead_id: int | None, event: str, words: str
) -> None:
    """Write a web alert; the same key twice is one alert."""
    conn.execute(
        insert(alert)
        .values(dedupe_key=dedupe_key, user_id=user_id, lead_id=lead_id, event=event, text=words)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
    )
