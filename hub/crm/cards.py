"""What a card shows of one record: its row with the names that it points to, its deals, its people.

Reads only; every look-up goes by an index, however many rows the tables have. In: an open connection and
a number. Out: rows. Not here: activities (`activities`), tickets (`ticket_lists`), what a card is
(`hub.views`).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

_OWNER = "u.email AS owner_email, u.name AS owner_name, u.is_active AS owner_is_active"
_NAMED = (
    "CASE WHEN {0}.is_organization THEN {0}.organization_name ELSE coalesce(nullif("
    "concat_ws(' ', {0}.first_name, {0}.last_name), ''), {0}.organization_name, {0}.email) END"
)
_LEAD = text(
    "SELECT l.*, l.lead_source AS source, e.public_id, "  # noqa: S608 our own names
    "  nullif(concat_ws(' ', l.first_name, l.last_name), '') AS name, "
    f"  {_OWNER}, c.id AS contact_id, {_NAMED.format('c')} AS contact_name, "
    f"  a.id AS company_id, {_NAMED.format('a')} AS company_name "
    "FROM crm.lead l JOIN ops.entity e ON e.id = l.entity_id "
    'LEFT JOIN crm."user" u ON u.id = l.owner_id '
    "LEFT JOIN crm.contact c0 ON c0.id = l.contact_id "
    "LEFT JOIN crm.contact c ON c.id = coalesce(c0.merged_into, c0.id) "
    "LEFT JOIN crm.contact a0 ON a0.id = l.account_id "
    "LEFT JOIN crm.contact a ON a.id = coalesce(a0.merged_into, a0.id) WHERE l.id = :id"
)
_CONTACT = text(
    "SELECT k.*, k.lead_source AS source, e.public_id, "  # noqa: S608 our own names
    f"  {_NAMED.format('k')} AS name, {_OWNER}, "
    f"  a.id AS company_id, {_NAMED.format('a')} AS company_name "
    "FROM crm.contact k JOIN ops.entity e ON e.id = k.entity_id "
    'LEFT JOIN crm."user" u ON u.id = k.owner_id '
    "LEFT JOIN crm.contact a0 ON a0.id = k.company_id "
    "LEFT JOIN crm.contact a ON a.id = coalesce(a0.merged_into, a0.id) WHERE k.id = :id"
)
_DEAL = text(
    "SELECT d.*, p.name AS pipeline, s.name AS stage, s.category AS stage_category, "  # noqa: S608 our own names
    "  coalesce(d.customized_win_likelihood, s.likelihood) AS win_likelihood, "
    "  round(d.value * coalesce(d.customized_win_likelihood, s.likelihood) / 100, 2) "
    "    AS weighted_value, "
    f"  lr.name AS loss_reason, ur.name AS unqualified_reason, {_OWNER}, "
    f"  c.id AS contact_id, {_NAMED.format('c')} AS contact_name, "
    f"  o.id AS company_id, {_NAMED.format('o')} AS company_name, "
    "  (SELECT entity_id FROM crm.lead WHERE id = d.lead_id) AS lead_entity_id "
    "FROM crm.deal d JOIN crm.pipeline p ON p.id = d.pipeline_id "
    "JOIN crm.stage s ON s.id = d.stage_id "
    "JOIN crm.contact c0 ON c0.id = d.contact_id "
    "JOIN crm.contact c ON c.id = coalesce(c0.merged_into, c0.id) "
    "LEFT JOIN crm.contact o0 ON o0.id = d.organization_id "
    "LEFT JOIN crm.contact o ON o.id = coalesce(o0.merged_into, o0.id) "
    'LEFT JOIN crm."user" u ON u.id = d.owner_id '
    "LEFT JOIN crm.reason lr ON lr.id = d.loss_reason_id "
    "LEFT JOIN crm.reason ur ON ur.id = d.unqualified_reason_id WHERE d.id = :id"
)
_ROWS = {"lead": _LEAD, "contact": _CONTACT, "deal": _DEAL}


def row(conn: Connection, kind: str, number: int) -> dict[str, Any] | None:
    """Return a lead, contact or deal with the names of what it points to; None if there is none."""
    found = conn.execute(_ROWS[kind], {"id": number}).mappings().one_or_none()
    return None if found is None else dict(found)


# A contact has its own deals, those in which it takes part, and those of the contacts merged into it.
_DEALS = text("""
WITH RECURSIVE whole AS (
  SELECT CAST(:contact AS bigint) AS id
  UNION SELECT m.id FROM whole w CROSS JOIN LATERAL (
    SELECT id FROM crm.contact WHERE merged_into = w.id OFFSET 0) m
), found AS (
  SELECT d.id FROM whole w CROSS JOIN LATERAL (
    SELECT id FROM crm.deal WHERE contact_id = w.id
    UNION ALL SELECT id FROM crm.deal WHERE organization_id = w.id
    UNION ALL SELECT deal_id FROM crm.deal_contact WHERE contact_id = w.id OFFSET 0) d
  UNION SELECT id FROM crm.deal WHERE lead_id = :lead
)
SELECT d.id, d.name, s.name AS stage, s.category AS stage_category, d.value, d.currency,
       u.email AS owner, d.closed_at
FROM found f CROSS JOIN LATERAL (SELECT * FROM crm.deal WHERE id = f.id OFFSET 0) d
JOIN crm.stage s ON s.id = d.stage_id LEFT JOIN crm."user" u ON u.id = d.owner_id
WHERE d.archived_at IS NULL
ORDER BY s.is_active DESC, d.id DESC LIMIT :limit
""")


def deals_of(
    conn: Connection, *, contact_id: int | None, lead_id: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return the deals of a contact, or those that a lead became; open ones first, then the newest."""
    asked = {"contact": contact_id, "lead": lead_id, "limit": limit}
    return [dict(one) for one in conn.execute(_DEALS, asked).mappings()]


_PEOPLE = text("""
WITH RECURSIVE whole AS (
  SELECT CAST(:company AS bigint) AS id
  UNION SELECT m.id FROM whole w CROSS JOIN LATERAL (
    SELECT id FROM crm.contact WHERE merged_into = w.id OFFSET 0) m
), found AS (
  SELECT 0 AS place, 'contact/' || c.id AS record, c.* FROM whole w CROSS JOIN LATERAL (
    SELECT id, first_name, last_name, title, email, phone, mobile, owner_id, sort_key
    FROM crm.contact WHERE company_id = w.id AND merged_into IS NULL AND archived_at IS NULL OFFSET 0) c
  UNION ALL
  SELECT 1, 'lead/' || l.id, l.* FROM whole w CROSS JOIN LATERAL (
    SELECT id, first_name, last_name, title, email, phone, mobile, owner_id, sort_key
    FROM crm.lead WHERE account_id = w.id AND merged_into IS NULL AND archived_at IS NULL
      AND converted_at IS NULL AND contact_id IS NULL OFFSET 0) l
  ORDER BY place, sort_key, id LIMIT :limit
)
SELECT f.record, nullif(concat_ws(' ', f.first_name, f.last_name), '') AS name, f.title, f.email,
       coalesce(f.phone, f.mobile) AS phone, u.email AS owner
FROM found f LEFT JOIN crm."user" u ON u.id = f.owner_id ORDER BY f.place, f.sort_key, f.id
""")


def people_of(conn: Connection, company_id: int, limit: int) -> list[dict[str, Any]]:
    """Return the people of a company: its contacts, then the open leads who are no contacts, by name."""
    found = conn.execute(_PEOPLE, {"company": company_id, "limit": limit})
    return [dict(one) for one in found.mappings()]


# The other side of each open question about a person's records; a pair that is one person already
# is no question.
_IN_REVIEW = text("""
WITH own AS (
  SELECT id FROM ops.source_record WHERE entity_id = :entity AND target = 'person'
), pair AS (
  SELECT r.b AS other, r.weight FROM own o CROSS JOIN LATERAL (
    SELECT b, weight FROM ops.review WHERE a = o.id AND decided_at IS NULL OFFSET 0) r
  UNION ALL
  SELECT r.a, r.weight FROM own o CROSS JOIN LATERAL (
    SELECT a, weight FROM ops.review WHERE b = o.id AND decided_at IS NULL OFFSET 0) r
)
SELECT s.entity_id, max(p.weight) AS weight FROM pair p CROSS JOIN LATERAL (
  SELECT entity_id FROM ops.source_record WHERE id = p.other OFFSET 0) s
WHERE s.entity_id IS NOT NULL AND s.entity_id <> :entity GROUP BY s.entity_id
""")
_APART = text("""
WITH own AS (
  SELECT id FROM ops.source_record WHERE entity_id = :entity AND target = :target
), pair AS (
  SELECT e.b AS other FROM own o CROSS JOIN LATERAL (
    SELECT b FROM ops.edge WHERE a = o.id AND revoked_at IS NULL AND judgement = 'different'
      AND made_by NOT LIKE 'model:%' OFFSET 0) e
  UNION
  SELECT e.a FROM own o CROSS JOIN LATERAL (
    SELECT a FROM ops.edge WHERE b = o.id AND revoked_at IS NULL AND judgement = 'different'
      AND made_by NOT LIKE 'model:%' OFFSET 0) e
)
SELECT DISTINCT s.entity_id FROM pair p CROSS JOIN LATERAL (
  SELECT entity_id FROM ops.source_record WHERE id = p.other OFFSET 0) s
WHERE s.entity_id IS NOT NULL
""")


def in_review(conn: Connection, entity_id: int) -> dict[int, float]:
    """Return the people with an open question, and the weight in bits of their best pair."""
    rows = conn.execute(_IN_REVIEW, {"entity": entity_id})
    return {row.entity_id: row.weight for row in rows}


def judged_apart(conn: Connection, entity_id: int, target: str = "person") -> set[int]:
    """Return the people, or companies, that a user or a source has declared different."""
    return set(conn.execute(_APART, {"entity": entity_id, "target": target}).scalars())


_VALUES = text("""
SELECT to_jsonb(r) FROM (
  SELECT * FROM crm.contact WHERE entity_id = :entity AND NOT is_organization
) r
UNION ALL
SELECT to_jsonb(r) FROM (SELECT * FROM crm.lead WHERE entity_id = :entity) r LIMIT 1
""")


def person_values(conn: Connection, entity_id: int) -> dict[str, Any]:
    """Return the columns of a person's contact, else of the lead, as JSON; empty if there is neither."""
    found: dict[str, Any] | None = conn.execute(_VALUES, {"entity": entity_id}).scalar_one_or_none()
    return found or {}


_PARTIES = text("""
SELECT r.entity_id, r.kind || '/' || r.id AS name,
  coalesce(nullif(concat_ws(' ', r.first_name, r.last_name), ''), '') AS who, r.email,
  r.organization_name AS company, u.email AS owner
FROM (
  SELECT 1 AS place, 'contact' AS kind, c.id, c.entity_id, c.first_name, c.last_name, c.email,
         coalesce(o.organization_name, c.organization_name) AS organization_name, c.owner_id
  FROM unnest(CAST(:ids AS bigint[])) AS i(id) CROSS JOIN LATERAL (
    SELECT * FROM crm.contact WHERE entity_id = i.id AND merged_into IS NULL OFFSET 0) c
  LEFT JOIN LATERAL (SELECT * FROM crm.contact WHERE id = c.company_id OFFSET 0) o ON true
  UNION ALL
  SELECT CASE WHEN l.converted_at IS NULL THEN 0 ELSE 2 END, 'lead', l.id, l.entity_id, l.first_name,
         l.last_name, l.email, l.organization_name, l.owner_id
  FROM unnest(CAST(:ids AS bigint[])) AS i(id) CROSS JOIN LATERAL (
    SELECT * FROM crm.lead WHERE entity_id = i.id AND merged_into IS NULL OFFSET 0) l
) r LEFT JOIN crm."user" u ON u.id = r.owner_id
ORDER BY r.place DESC
""")


def parties(conn: Connection, entity_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return the row by which people name each entity: its open lead, else its contact, else its lead."""
    found = conn.execute(_PARTIES, {"ids": list(entity_ids)})
    return [dict(one) for one in found.mappings()]


_MAPPED = text("""
SELECT concat_ws('/', source, stream, source_id) AS record, mapping_version
FROM ops.source_record WHERE entity_id = :entity
""")


def mapping_versions(conn: Connection, entity_id: int) -> dict[str, str]:
    """Return the mapping's version by each source record of an entity."""
    rows = conn.execute(_MAPPED, {"entity": entity_id})
    return {row.record: row.mapping_version for row in rows}


_NAMED_ROWS = text(f"""
WITH asked AS (
  SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS bigint[])) AS i(kind, id)
)
SELECT i.kind, i.id, false AS is_company, nullif(concat_ws(' ', l.first_name, l.last_name), '') AS name,
       l.organization_name AS company, l.email, coalesce(l.phone, l.mobile) AS phone, u.email AS owner
FROM asked i CROSS JOIN LATERAL (SELECT * FROM crm.lead WHERE id = i.id OFFSET 0) l
LEFT JOIN crm."user" u ON u.id = l.owner_id
WHERE i.kind = 'lead'
UNION ALL
SELECT i.kind, i.id, c.is_organization, {_NAMED.format("c")},
       coalesce(o.organization_name, c.organization_name), c.email, coalesce(c.phone, c.mobile), u.email
FROM asked i CROSS JOIN LATERAL (SELECT * FROM crm.contact WHERE id = i.id OFFSET 0) c
LEFT JOIN LATERAL (SELECT * FROM crm.contact WHERE id = c.company_id OFFSET 0) o ON true
LEFT JOIN crm."user" u ON u.id = c.owner_id
WHERE i.kind = 'contact'
UNION ALL
SELECT i.kind, i.id, false, d.name, {_NAMED.format("o")}, NULL, NULL, u.email
FROM asked i CROSS JOIN LATERAL (SELECT * FROM crm.deal WHERE id = i.id OFFSET 0) d
LEFT JOIN LATERAL (SELECT * FROM crm.contact WHERE id = d.organization_id OFFSET 0) o ON true
LEFT JOIN crm."user" u ON u.id = d.owner_id WHERE i.kind = 'deal'
""")  # noqa: S608 our own text


def named(conn: Connection, keys: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Return what a search shows of rows that are named by kind (lead, contact, deal) and number."""
    asked = {"kinds": [kind for kind, _ in keys], "ids": [number for _, number in keys]}
    return [dict(one) for one in conn.execute(_NAMED_ROWS, asked).mappings()]
