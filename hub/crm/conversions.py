"""Conversions: what became of a lead, and what was there before, so that it can be undone.

A conversion with a `record_id` was made by the lead's source. It follows this record, and no user undoes it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion in force; `made` says what it made itself, and what it changed."""

    id: int
    lead_id: int
    person_id: int | None
    company_id: int | None
    deal_id: int | None
    made: Mapping[str, Any]


_STANDING = text(
    "SELECT id, lead_id, person_id, company_id, deal_id, made FROM crm.conversion "
    "WHERE lead_id = ANY(:leads) AND reopened_at IS NULL AND record_id IS NULL"
)
_LEADS = text("SELECT * FROM crm.lead WHERE entity_id = ANY(:entities)")
_CONTACTS = text("SELECT * FROM crm.contact WHERE entity_id = ANY(:entities)")


def leads_of(conn: Connection, entity_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the leads of entities, by entity; those that have none are left out."""
    rows = conn.execute(_LEADS, {"entities": list(entity_ids)}).mappings()
    return {int(row["entity_id"]): dict(row) for row in rows}


def lead_of(conn: Connection, entity_id: int) -> dict[str, Any] | None:
    """Return the lead of an entity, if it has one."""
    return leads_of(conn, [entity_id]).get(entity_id)


def contacts_of(conn: Connection, entity_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return the contacts of entities, by entity; those that have none are left out."""
    if not entity_ids:
        return {}
    rows = conn.execute(_CONTACTS, {"entities": list(entity_ids)}).mappings()
    return {int(row["entity_id"]): dict(row) for row in rows}


def contact_of(conn: Connection, entity_id: int) -> dict[str, Any] | None:
    """Return the contact of an entity, if it has one."""
    return contacts_of(conn, [entity_id]).get(entity_id)


_OWNERS = text(
    "SELECT l.entity_id, l.owner_id AS lead, c.owner_id AS person FROM crm.lead l "
    "LEFT JOIN crm.contact c USING (entity_id) WHERE l.entity_id = ANY(:entities)"
)


def owners(conn: Connection, entity_ids: Sequence[int]) -> dict[int, dict[str, int | None]]:
    """Return who owns the lead and the contact of each entity."""
    rows = conn.execute(_OWNERS, {"entities": list(entity_ids)})
    return {row.entity_id: {"lead": row.lead, "person": row.person} for row in rows}


def standing(conn: Connection, lead_ids: Sequence[int]) -> dict[int, Conversion]:
    """Return the conversions by users that were not undone, by lead."""
    rows = conn.execute(_STANDING, {"leads": list(lead_ids)})
    return {row.lead_id: Conversion(*row) for row in rows}


def standing_of(conn: Connection, lead_ids: Sequence[int]) -> set[int]:
    """Return those of the leads that people have converted."""
    rows = conn.execute(
        text(
            "SELECT lead_id FROM crm.conversion "
            "WHERE lead_id = ANY(:ids) AND reopened_at IS NULL AND record_id IS NULL"
        ),
        {"ids": list(lead_ids)},
    )
    return set(rows.scalars())


_BECAME = text(
    "SELECT lead_id, person_id, company_id, deal_id FROM crm.conversion "
    "WHERE lead_id = ANY(:ids) AND reopened_at IS NULL"
)


def became(
    conn: Connection, lead_ids: Sequence[int]
) -> dict[int, tuple[int | None, int | None, int | None]]:
    """Return what leads became, by a user or by their source: lead → contact, company, deal."""
    if not lead_ids:
        return {}
    rows = conn.execute(_BECAME, {"ids": list(lead_ids)})
    return {row.lead_id: (row.person_id, row.company_id, row.deal_id) for row in rows}


_DEALS_LEFT = text("""
SELECT DISTINCT ON (x.lead_id) x.lead_id, d.id
FROM crm.conversion x JOIN crm.deal d ON d.id = x.deal_id
WHERE x.lead_id = ANY(:leads) AND x.reopened_at IS NOT NULL AND d.archived_at IS NULL
ORDER BY x.lead_id, x.id DESC
""")


def deals_left(conn: Connection, lead_ids: Sequence[int]) -> dict[int, int]:
    """Return the deals of earlier conversions of leads that were reopened, if they still exist."""
    return dict(conn.execute(_DEALS_LEFT, {"leads": list(lead_ids)}).all())


_COMPANIES_LEFT = text("""
SELECT DISTINCT ON (lead_id) lead_id, company_id FROM crm.conversion
WHERE lead_id = ANY(:leads) AND reopened_at IS NOT NULL AND company_id IS NOT NULL
ORDER BY lead_id, id DESC
""")


def companies_left(conn: Connection, lead_ids: Sequence[int]) -> dict[int, int]:
    """Return the companies of earlier conversions of leads that were reopened; they may be archived."""
    if not lead_ids:
        return {}
    return dict(conn.execute(_COMPANIES_LEFT, {"leads": list(lead_ids)}).all())


_KEEP = text(
    "INSERT INTO crm.conversion (lead_id, person_id, company_id, deal_id, made, who) "
    "SELECT n.lead, n.person, n.company, n.deal, n.made, :who FROM unnest("
    "CAST(:leads AS bigint[]), CAST(:people AS bigint[]), CAST(:companies AS bigint[]), "
    "CAST(:deals AS bigint[]), CAST(:made AS jsonb[])) "
    "WITH ORDINALITY AS n(lead, person, company, deal, made, ord) ORDER BY n.ord"
)


def keep(conn: Connection, new: Sequence[Conversion], who: str) -> None:
    """Keep conversions; their numbers are given here."""
    conn.execute(
        _KEEP,
        {
            "leads": [one.lead_id for one in new],
            "people": [one.person_id for one in new],
            "companies": [one.company_id for one in new],
            "deals": [one.deal_id for one in new],
            "made": [json.dumps(dict(one.made)) for one in new],
            "who": who,
        },
    )


_LET_GO = text(
    "UPDATE crm.conversion SET person_id = NULL, company_id = NULL, deal_id = NULL "
    "WHERE id = ANY(:ids)"
)


def let_go(conn: Connection, ids: Sequence[int]) -> None:
    """Release the records that conversions made; `end` names again what is left."""
    conn.execute(_LET_GO, {"ids": list(ids)})


_END = text("""
UPDATE crm.conversion x SET reopened_at = now(), reopened_by = :who, person_id = n.person,
  company_id = n.company, deal_id = n.deal, made = x.made || n.was
FROM unnest(CAST(:ids AS bigint[]), CAST(:people AS bigint[]), CAST(:companies AS bigint[]),
            CAST(:deals AS bigint[]), CAST(:was AS jsonb[])) AS n(id, person, company, deal, was)
WHERE x.id = n.id
""")


def end(conn: Connection, ended: Sequence[tuple[Conversion, Collection[str]]], who: str) -> None:
    """Note that conversions were undone, each with the kinds of rows that are gone: `made` alone names these."""
    left = [
        {kind: None if kind in gone else number for kind, number in _parts(conversion).items()}
        for conversion, gone in ended
    ]
    conn.execute(
        _END,
        {
            "who": who,
            "ids": [conversion.id for conversion, _ in ended],
            "people": [one["person"] for one in left],
            "companies": [one["company"] for one in left],
            "deals": [one["deal"] for one in left],
            "was": [json.dumps({"was": _parts(conversion)}) for conversion, _ in ended],
        },
    )


def _parts(one: Conversion) -> dict[str, int | None]:
    return {"person": one.person_id, "company": one.company_id, "deal": one.deal_id}


_DEALS_TOUCHED = text("""
SELECT i.id FROM unnest(CAST(:ids AS bigint[])) AS i(id)
WHERE (SELECT count(*) FROM crm.stage_transition WHERE deal_id = i.id) > 1
  OR EXISTS (SELECT 1 FROM ops.change WHERE deal_id = i.id)
  OR EXISTS (SELECT 1 FROM crm.deal_check WHERE deal_id = i.id)
  OR EXISTS (SELECT 1 FROM crm.deal WHERE cloned_from = i.id)
  OR EXISTS (SELECT 1 FROM crm.deal WHERE id = i.id AND archived_at IS NOT NULL)
  OR EXISTS (SELECT 1 FROM crm.note WHERE deal_id = i.id)
  OR EXISTS (SELECT 1 FROM crm.task WHERE deal_id = i.id)
  OR EXISTS (SELECT 1 FROM crm.call WHERE deal_id = i.id)
  OR EXISTS (SELECT 1 FROM crm.visit WHERE deal_id = i.id)
  OR EXISTS (SELECT 1 FROM crm.message WHERE deal_id = i.id)
""")
_HAVE_DEALS = text("""
SELECT i.id FROM unnest(CAST(:ids AS bigint[])) AS i(id) WHERE EXISTS (
  SELECT 1 FROM (
    SELECT id FROM crm.deal WHERE contact_id = i.id
    UNION ALL SELECT id FROM crm.deal WHERE organization_id = i.id
    UNION ALL SELECT deal_id FROM crm.deal_contact WHERE contact_id = i.id
  ) h JOIN crm.deal d USING (id) JOIN crm.stage s ON s.id = d.stage_id
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


def deals_touched(conn: Connection, deal_ids: Collection[int]) -> set[int]:
    """Return those of the deals on which a user has worked since they were made."""
    return (
        set(conn.execute(_DEALS_TOUCHED, {"ids": list(deal_ids)}).scalars()) if deal_ids else set()
    )


def having_deals(conn: Connection, contact_ids: Collection[int]) -> set[int]:
    """Return the contacts that have deals, or take part in any; of archived ones only won ones count."""
    return (
        set(conn.execute(_HAVE_DEALS, {"ids": list(contact_ids)}).scalars())
        if contact_ids
        else set()
    )


def company_is_touched(conn: Connection, contact_id: int, person_entity: int) -> bool:
    """Tell whether a company is more by now than the employer of one person."""
    found = conn.execute(_COMPANY_TOUCHED, {"id": contact_id, "person": person_entity})
    return bool(found.scalar_one())


@dataclass(frozen=True, slots=True)
class SourceConversion:
    """A conversion by a lead's source.

    Args:
        record_id: the lead's record.
        entity_id: the person.
        person_id: the contact, if it is here.
        company_id: the company, if it is here.
        deal_id: the deal, if it is here.
        who: the source.
    """

    record_id: int
    entity_id: int
    person_id: int | None
    company_id: int | None
    deal_id: int | None
    who: str


# A lead that is not converted here, because a user works on it, has no conversion by its source.
_FORGET_OTHERS = text("""
DELETE FROM crm.conversion x USING crm.lead l
WHERE l.entity_id = ANY(CAST(:entities AS bigint[])) AND x.lead_id = l.id AND x.record_id IS NOT NULL
  AND (l.converted_at IS NULL OR x.record_id <> ALL(CAST(:records AS bigint[])))
RETURNING x.lead_id
""")
_SAY = text("""
INSERT INTO crm.conversion AS x (lead_id, person_id, company_id, deal_id, who, at, record_id)
SELECT l.id, n.person, n.company, n.deal, n.who, l.converted_at, n.record
FROM unnest(CAST(:records AS bigint[]), CAST(:entities AS bigint[]), CAST(:people AS bigint[]),
  CAST(:companies AS bigint[]), CAST(:deals AS bigint[]), CAST(:who AS text[]))
  AS n(record, entity, person, company, deal, who)
JOIN crm.lead l ON l.entity_id = n.entity AND l.converted_at IS NOT NULL
ORDER BY n.record
ON CONFLICT (lead_id) WHERE reopened_at IS NULL DO UPDATE SET person_id = excluded.person_id,
  company_id = excluded.company_id, deal_id = excluded.deal_id, at = excluded.at
WHERE x.record_id IS NOT NULL AND (x.person_id, x.company_id, x.deal_id, x.at) IS DISTINCT FROM
  (excluded.person_id, excluded.company_id, excluded.deal_id, excluded.at)
RETURNING x.lead_id, x.deal_id
""")


def say(
    conn: Connection, entity_ids: Sequence[int], said: Sequence[SourceConversion]
) -> tuple[list[int], dict[int, int]]:
    """Write the conversions of people as their sources say them now.

    A conversion by a user stays, and counts instead.

    Args:
        conn: an open transaction.
        entity_ids: the people.
        said: what their sources say, one for each person at most.

    Returns:
        The leads that have none any more, and lead → deal of those that changed.
    """
    args = {"entities": list(entity_ids), "records": [one.record_id for one in said]}
    gone = list(conn.execute(_FORGET_OTHERS, args).scalars())
    if not said:
        return gone, {}
    rows = conn.execute(
        _SAY,
        {
            "records": [one.record_id for one in said],
            "entities": [one.entity_id for one in said],
            "people": [one.person_id for one in said],
            "companies": [one.company_id for one in said],
            "deals": [one.deal_id for one in said],
            "who": [one.who for one in said],
        },
    )
    return gone, {row.lead_id: row.deal_id for row in rows}


_LOSE = text("""
UPDATE crm.conversion SET
  person_id = CASE WHEN person_id = ANY(CAST(:contacts AS bigint[])) THEN NULL ELSE person_id END,
  company_id = CASE WHEN company_id = ANY(CAST(:contacts AS bigint[])) THEN NULL ELSE company_id END,
  deal_id = CASE WHEN deal_id = ANY(CAST(:deals AS bigint[])) THEN NULL ELSE deal_id END
WHERE record_id IS NOT NULL AND (person_id = ANY(CAST(:contacts AS bigint[]))
  OR company_id = ANY(CAST(:contacts AS bigint[])) OR deal_id = ANY(CAST(:deals AS bigint[])))
RETURNING lead_id
""")
_ENTITIES_OF = text("SELECT entity_id FROM crm.lead WHERE id = ANY(:ids)")


def lose(conn: Connection, *, contacts: Sequence[int] = (), deals: Sequence[int] = ()) -> list[int]:
    """Let conversions by sources no longer point to rows that are about to go; returns their people."""
    if not contacts and not deals:
        return []
    leads = conn.execute(_LOSE, {"contacts": list(contacts), "deals": list(deals)}).scalars().all()
    return list(conn.execute(_ENTITIES_OF, {"ids": list(leads)}).scalars()) if leads else []


def forget_by_sources(conn: Connection, leads: Sequence[int]) -> None:
    """Delete the conversions by sources of leads that are about to go."""
    conn.execute(
        text("DELETE FROM crm.conversion WHERE lead_id = ANY(:ids) AND record_id IS NOT NULL"),
        {"ids": list(leads)},
    )
