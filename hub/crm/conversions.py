"""Conversions: what became of a lead, and what was there before, so that it can be undone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text


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


_DEAL_LEFT = text("""
SELECT d.id FROM crm.conversion x JOIN crm.deal d ON d.id = x.deal_id
WHERE x.lead_id = :lead AND x.reopened_at IS NOT NULL AND d.archived_at IS NULL
ORDER BY x.id DESC LIMIT 1
""")


def deal_left(conn: Connection, lead_id: int) -> int | None:
    """Return the deal of an earlier conversion of a lead that was reopened, if it still stands."""
    found: int | None = conn.execute(_DEAL_LEFT, {"lead": lead_id}).scalar_one_or_none()
    return found


_COMPANY_LEFT = text("""
SELECT company_id FROM crm.conversion WHERE lead_id = :lead AND reopened_at IS NOT NULL
  AND company_id IS NOT NULL ORDER BY id DESC LIMIT 1
""")


def company_left(conn: Connection, lead_id: int) -> int | None:
    """Return the company of an earlier conversion of a lead that was reopened; it may be archived."""
    found: int | None = conn.execute(_COMPANY_LEFT, {"lead": lead_id}).scalar_one_or_none()
    return found


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
WITH had AS (
  SELECT id FROM crm.deal WHERE contact_id = :id
  UNION ALL SELECT id FROM crm.deal WHERE organization_id = :id
  UNION ALL SELECT deal_id FROM crm.deal_contact WHERE contact_id = :id
)
SELECT EXISTS (SELECT 1 FROM had h JOIN crm.deal d USING (id) JOIN crm.stage s ON s.id = d.stage_id
               WHERE d.archived_at IS NULL OR s.category = 'won')
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
    """Tell whether a user has worked on a deal since it was made."""
    return bool(conn.execute(_DEAL_TOUCHED, {"id": deal_id}).scalar_one())


def has_deals(conn: Connection, contact_id: int) -> bool:
    """Tell whether a contact has deals, or takes part in any; of archived ones only won ones count."""
    return bool(conn.execute(_HAS_DEALS, {"id": contact_id}).scalar_one())


def company_is_touched(conn: Connection, contact_id: int, person_entity: int) -> bool:
    """Tell whether a company is more by now than the employer of one person."""
    found = conn.execute(_COMPANY_TOUCHED, {"id": contact_id, "person": person_entity})
    return bool(found.scalar_one())
