"""Conversions: what became of a lead, and what was there before, so that it can be undone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from hub.crm import leads


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion that stands; `made` says what it made itself, and what it changed."""

    id: int
    lead_id: int
    person_id: int | None
    company_id: int | None
    deal_id: int | None
    made: Mapping[str, Any]


_STANDING = text(
    "SELECT id, lead_id, person_id, company_id, deal_id, made FROM crm.conversion "
    "WHERE lead_id = :lead AND reopened_at IS NULL"
)
_LEAD = text("SELECT * FROM crm.lead WHERE entity_id = :entity")
_CONTACT = text("SELECT * FROM crm.contact WHERE entity_id = :entity")
_COPIED = ", ".join(leads.FOLDED)
_MAKE_PERSON = text(
    f"INSERT INTO crm.contact ({_COPIED}, entity_id, owner_id, batch_id, kept_by, last_activity_at, "  # noqa: S608 our own names
    "last_communication_at, next_task_at) "
    f"SELECT {_COPIED}, entity_id, :owner, batch_id, 'person', last_activity_at, "
    "last_communication_at, next_task_at FROM crm.lead WHERE id = :lead "
    "ON CONFLICT (entity_id) DO UPDATE SET kept_by = 'person', archived_at = NULL, "
    "owner_id = coalesce(contact.owner_id, excluded.owner_id) RETURNING id"
)


def lead_of(conn: Connection, entity_id: int) -> dict[str, Any] | None:
    """Return the lead of an entity, if it has one."""
    row = conn.execute(_LEAD, {"entity": entity_id}).mappings().one_or_none()
    return None if row is None else dict(row)


def contact_of(conn: Connection, entity_id: int) -> dict[str, Any] | None:
    """Return the contact of an entity, if it has one."""
    row = conn.execute(_CONTACT, {"entity": entity_id}).mappings().one_or_none()
    return None if row is None else dict(row)


def owners(conn: Connection, entity_id: int) -> dict[str, int | None]:
    """Return who owns the lead and the contact of an entity."""
    row = conn.execute(
        text(
            "SELECT l.owner_id AS lead, c.owner_id AS person FROM crm.lead l "
            "LEFT JOIN crm.contact c USING (entity_id) WHERE l.entity_id = :entity"
        ),
        {"entity": entity_id},
    ).one()
    return {"lead": row.lead, "person": row.person}


def standing(conn: Connection, lead_id: int) -> Conversion | None:
    """Return the conversion of a lead that was not undone, if there is one."""
    row = conn.execute(_STANDING, {"lead": lead_id}).one_or_none()
    return None if row is None else Conversion(*row)


def standing_of(conn: Connection, lead_ids: Sequence[int]) -> set[int]:
    """Return those of the leads that people have converted."""
    rows = conn.execute(
        text(
            "SELECT lead_id FROM crm.conversion WHERE lead_id = ANY(:ids) AND reopened_at IS NULL"
        ),
        {"ids": list(lead_ids)},
    )
    return set(rows.scalars())


def keep(conn: Connection, new: Conversion, who: str) -> None:
    """Keep a conversion; its number is given here."""
    conn.execute(
        text(
            "INSERT INTO crm.conversion (lead_id, person_id, company_id, deal_id, made, who) "
            "VALUES (:lead, :person, :company, :deal, CAST(:made AS jsonb), :who)"
        ),
        {
            "lead": new.lead_id, "person": new.person_id, "company": new.company_id,
            "deal": new.deal_id, "made": json.dumps(dict(new.made)), "who": who,
        },
    )  # fmt: skip


def let_go(conn: Connection, conversion: Conversion) -> None:
    """Let nothing that a conversion made be held by it any more; `end` names again what is left."""
    conn.execute(
        text(
            "UPDATE crm.conversion SET person_id = NULL, company_id = NULL, deal_id = NULL "
            "WHERE id = :id"
        ),
        {"id": conversion.id},
    )


def end(conn: Connection, conversion: Conversion, who: str, *, deleted: Mapping[str, bool]) -> None:
    """Note that a conversion was undone; rows that are gone are named in `made` alone."""
    ids = {
        "person": conversion.person_id, "company": conversion.company_id,
        "deal": conversion.deal_id,
    }  # fmt: skip
    left = {kind: None if deleted.get(kind) else number for kind, number in ids.items()}
    conn.execute(
        text(
            "UPDATE crm.conversion SET reopened_at = now(), reopened_by = :who, "
            "person_id = :person, company_id = :company, deal_id = :deal, "
            "made = made || CAST(:was AS jsonb) WHERE id = :id"
        ),
        {"id": conversion.id, "who": who, "was": json.dumps({"was": ids}), **left},
    )


def make_person(conn: Connection, lead_id: int, owner_id: int | None) -> int:
    """Make the contact of a lead's person; one that is there is kept from now on."""
    return int(conn.execute(_MAKE_PERSON, {"lead": lead_id, "owner": owner_id}).scalar_one())


def mark_converted(
    conn: Connection, lead_id: int, *, contact_id: int, owner_id: int | None
) -> None:
    """Freeze a lead's row: what its sources say later belongs to the contact."""
    conn.execute(
        text(
            "UPDATE crm.lead SET converted_at = coalesce(converted_at, now()), "
            "source_converted_at = NULL, unasked_since = NULL, "
            "contact_id = :contact, owner_id = coalesce(owner_id, :owner) WHERE id = :id"
        ),
        {"id": lead_id, "contact": contact_id, "owner": owner_id},
    )


def write_lead(conn: Connection, lead_id: int, values: Mapping[str, Any]) -> None:
    """Write back what a lead's row held before it was converted."""
    conn.execute(
        text(
            "UPDATE crm.lead SET converted_at = CAST(:converted_at AS timestamptz), "
            "contact_id = :contact_id, owner_id = :owner_id WHERE id = :id"
        ),
        {"id": lead_id, **values},
    )


def write_contact(conn: Connection, contact_id: int, values: Mapping[str, Any]) -> None:
    """Write back who keeps a contact, who owns it, and whether it is archived."""
    conn.execute(
        text(
            "UPDATE crm.contact SET kept_by = :kept_by, owner_id = :owner_id, "
            "archived_at = CAST(:archived_at AS timestamptz) WHERE id = :id"
        ),
        {"id": contact_id, **values},
    )


def remove_contact(conn: Connection, contact_id: int) -> bool:
    """Delete a contact; one to which something refers is archived and let go. Says whether it is gone."""
    args = {"id": contact_id}
    conn.execute(
        text(
            "UPDATE crm.lead SET contact_id = NULL WHERE contact_id = :id AND converted_at IS NULL"
        ),
        args,
    )
    try:
        with conn.begin_nested():
            conn.execute(text("DELETE FROM crm.contact WHERE id = :id"), args)
    except IntegrityError:
        conn.execute(
            text(
                "UPDATE crm.contact SET archived_at = coalesce(archived_at, now()), "
                "unasked_since = NULL, kept_by = 'nobody' WHERE id = :id"
            ),
            args,
        )
        return False
    return True


def delete_deal(conn: Connection, deal_id: int) -> bool:
    """Delete a deal to which nothing refers but its own first stage; says whether it is gone."""
    try:
        with conn.begin_nested():
            for statement in (
                "DELETE FROM crm.deal_contact WHERE deal_id = :id",
                "DELETE FROM crm.stage_transition WHERE deal_id = :id",
                "DELETE FROM crm.deal WHERE id = :id",
            ):
                conn.execute(text(statement), {"id": deal_id})
    except IntegrityError:
        return False
    return True


_DEAL_TOUCHED = text("""
SELECT (SELECT count(*) FROM crm.stage_transition WHERE deal_id = :id) > 1
  OR EXISTS (SELECT 1 FROM ops.change WHERE deal_id = :id)
  OR EXISTS (SELECT 1 FROM crm.deal_check WHERE deal_id = :id)
  OR EXISTS (SELECT 1 FROM crm.deal WHERE cloned_from = :id)
  OR EXISTS (SELECT 1 FROM crm.deal WHERE id = :id AND archived_at IS NOT NULL)
  OR EXISTS (SELECT 1 FROM crm.note WHERE deal_id = :id)
  OR EXISTS (SELECT 1 FROM crm.task WHERE deal_id = :id)
  OR EXISTS (SELECT 1 FROM crm.call WHERE deal_id = :id)
  OR EXISTS (SELECT 1 FROM crm.visit WHERE deal_id = :id)
  OR EXISTS (SELECT 1 FROM crm.message WHERE deal_id = :id)
""")
_HAS_DEALS = text("""
SELECT EXISTS (SELECT 1 FROM crm.deal WHERE contact_id = :id AND archived_at IS NULL)
  OR EXISTS (SELECT 1 FROM crm.deal WHERE organization_id = :id AND archived_at IS NULL)
  OR EXISTS (SELECT 1 FROM crm.deal_contact x JOIN crm.deal d ON d.id = x.deal_id
             WHERE x.contact_id = :id AND d.archived_at IS NULL)
""")
_COMPANY_TOUCHED = text("""
SELECT EXISTS (SELECT 1 FROM crm.contact WHERE company_id = c.id AND entity_id <> :person)
  OR EXISTS (SELECT 1 FROM crm.contact WHERE merged_into = c.id)
  OR EXISTS (SELECT 1 FROM ops.edit WHERE entity_id = c.entity_id)
  OR EXISTS (SELECT 1 FROM ops.change WHERE entity_id = c.entity_id AND who <> 'sync')
  OR EXISTS (SELECT 1 FROM ops.source_record WHERE entity_id = c.entity_id AND source <> 'hub'
             AND gone_at IS NULL)
  OR EXISTS (SELECT 1 FROM crm.note WHERE entity_id = c.entity_id)
  OR EXISTS (SELECT 1 FROM crm.task WHERE entity_id = c.entity_id)
  OR EXISTS (SELECT 1 FROM crm.call WHERE entity_id = c.entity_id)
  OR EXISTS (SELECT 1 FROM crm.visit WHERE entity_id = c.entity_id)
  OR EXISTS (SELECT 1 FROM crm.message WHERE entity_id = c.entity_id)
FROM crm.contact c WHERE c.id = :id
""")


def deal_is_touched(conn: Connection, deal_id: int) -> bool:
    """Tell whether anybody has worked on a deal since it was made."""
    return bool(conn.execute(_DEAL_TOUCHED, {"id": deal_id}).scalar_one())


def has_deals(conn: Connection, contact_id: int) -> bool:
    """Tell whether a contact has deals, or takes part in any."""
    return bool(conn.execute(_HAS_DEALS, {"id": contact_id}).scalar_one())


def company_is_touched(conn: Connection, contact_id: int, person_entity: int) -> bool:
    """Tell whether a company is more by now than the employer of one person."""
    found = conn.execute(_COMPANY_TOUCHED, {"id": contact_id, "person": person_entity})
    return bool(found.scalar_one())
