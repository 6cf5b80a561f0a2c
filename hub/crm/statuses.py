"""Statuses of leads, as a team has set them up. Not here: reasons (`pick_lists`)."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from hub.crm import leads
from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class LeadStatus:
    """A status that people choose; an unqualified one needs a reason."""

    name: str
    is_unqualified: bool


def statuses(conn: Connection) -> list[LeadStatus]:
    """Return the statuses in their order."""
    rows = conn.execute(
        text("SELECT name, is_unqualified FROM crm.lead_status ORDER BY position, id")
    )
    return [LeadStatus(*row) for row in rows]


def add_status(conn: Connection, status: LeadStatus) -> bool:
    """Write a status after all others; False if the name is there already."""
    done = conn.execute(
        text(
            "INSERT INTO crm.lead_status (name, position, is_unqualified) "
            "SELECT :name, coalesce(max(position), 0) + 1, :is_unqualified FROM crm.lead_status "
            "ON CONFLICT (lower(name)) DO NOTHING"
        ),
        {"name": status.name, "is_unqualified": status.is_unqualified},
    )
    return done.rowcount == 1


@dataclass(frozen=True, slots=True)
class Standing:
    """The status of a lead; `entity_id` is who it is, `set_by` None while it follows its sources."""

    id: int
    entity_id: int
    status: str
    reason: str | None
    set_by: str | None
    is_converted: bool


def standing(conn: Connection, lead_ids: Sequence[int]) -> list[Standing]:
    """Lock leads and return their statuses."""
    rows = conn.execute(
        text(
            "SELECT id, entity_id, status, unqualified_reason, status_set_by, "
            "  converted_at IS NOT NULL "
            "FROM crm.lead WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"
        ),
        {"ids": list(lead_ids)},
    )
    return [Standing(*row) for row in rows]


PERSON, INQUIRY = "person", "inquiry"  # who holds a status


_UNQUALIFIED = text("""
SELECT l.id FROM crm.lead l JOIN crm.lead_status s ON lower(s.name) = lower(l.status)
WHERE l.id = ANY(:ids) AND s.is_unqualified AND l.converted_at IS NULL AND l.merged_into IS NULL
""")


def reopen(conn: Connection, lead_ids: Sequence[int], to: str) -> Mapping[int, Standing]:
    """Give unqualified leads another status; returns the former status by lead."""
    ids = list(conn.execute(_UNQUALIFIED, {"ids": list(lead_ids)}).scalars())
    before = {s.id: s for s in standing(conn, ids)} if ids else {}
    if before:
        leads.set_status(conn, list(before), to, None, by=INQUIRY)
    return before


def rename_status(conn: Connection, number: int, name: str) -> None:
    """Write the name of a status."""
    conn.execute(
        text("UPDATE crm.lead_status SET name = :name WHERE id = :id"), {"id": number, "name": name}
    )


def delete_status(conn: Connection, number: int) -> None:
    """Delete a status that no lead has."""
    conn.execute(text("DELETE FROM crm.lead_status WHERE id = :id"), {"id": number})
