"""Statuses of leads, and the reasons why one is unqualified: what a team has set up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.crm import leads


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


def reasons(conn: Connection) -> list[str]:
    """Return why a lead may be unqualified."""
    rows = conn.execute(
        text("SELECT name FROM crm.reason WHERE kind = 'lead_unqualified' ORDER BY id")
    )
    return list(rows.scalars())


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


def add_reason(conn: Connection, name: str) -> bool:
    """Write a reason why a lead is unqualified; False if the name is there already."""
    return write_reason(conn, "lead_unqualified", name)


def write_reason(conn: Connection, kind: str, name: str) -> bool:
    """Write a reason of a kind; False if the name is there already."""
    done = conn.execute(
        text(
            "INSERT INTO crm.reason (kind, name) VALUES (:kind, :name) "
            "ON CONFLICT (kind, lower(name)) DO NOTHING"
        ),
        {"kind": kind, "name": name},
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


def rename_reason(conn: Connection, number: int, name: str) -> None:
    """Write the name of a reason."""
    conn.execute(
        text("UPDATE crm.reason SET name = :name WHERE id = :id"), {"id": number, "name": name}
    )


def delete_reason(conn: Connection, number: int) -> None:
    """Delete a reason that no deal has."""
    conn.execute(text("DELETE FROM crm.reason WHERE id = :id"), {"id": number})


_ENSURE_REASONS = text("""
INSERT INTO crm.reason (kind, name, batch_id)
SELECT kind, name, batch FROM unnest(CAST(:kinds AS text[]), CAST(:names AS text[]),
  CAST(:batches AS bigint[])) WITH ORDINALITY AS n(kind, name, batch, ord) ORDER BY ord
ON CONFLICT (kind, lower(name)) DO NOTHING
""")


def reason_ids(
    conn: Connection, wanted: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    """Return the numbers of reasons: (kind, name in lower case) → number; unknown ones are added.

    Args:
        conn: an open transaction.
        wanted: kind and name of each reason → the batch that brings it.
    """
    if not wanted:
        return {}
    rows = conn.execute(text("SELECT id, kind, name FROM crm.reason")).all()
    known = {(row.kind, row.name.casefold()): row.id for row in rows}
    new = {w: b for w, b in wanted.items() if (w[0], w[1].casefold()) not in known}
    if not new:
        return known
    args = {"kinds": [w[0] for w in new], "names": [w[1] for w in new]}
    conn.execute(_ENSURE_REASONS, {**args, "batches": list(new.values())})
    rows = conn.execute(text("SELECT id, kind, name FROM crm.reason")).all()
    return {(row.kind, row.name.casefold()): row.id for row in rows}


def forget_reasons(conn: Connection, batch_id: int) -> int:
    """Delete the reasons that a batch brought and that no deal has; returns how many."""
    done = conn.execute(
        text(
            "DELETE FROM crm.reason r WHERE batch_id = :batch AND NOT EXISTS (SELECT 1 FROM crm.deal d "
            "WHERE r.id IN (d.loss_reason_id, d.unqualified_reason_id))"
        ),
        {"batch": batch_id},
    )
    return done.rowcount
