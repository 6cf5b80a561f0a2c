"""Companies as rows of the CRM: a contact's company and a lead's account.

Out, too: the people whose company must be derived again.

Both pointers are functions of the inputs (people's words, the sources' refs, keys), written at each
fold: a value that is set directly is lost with the next fold.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass

Links = Mapping[int, tuple[int | None, str | None]]
"""Person → the row of a company, and why it is that one; None: no company."""

# each look-up is a probe: tables that were filled since their statistics were made are not read whole
_STANDING = text("""
SELECT c.entity_id, c.id FROM unnest(CAST(:ids AS bigint[])) AS n(id) CROSS JOIN LATERAL (
  SELECT * FROM crm.contact c WHERE c.entity_id = n.id OFFSET 0) c
WHERE c.is_organization AND c.archived_at IS NULL AND c.merged_into IS NULL
""")


def standing(conn: Connection, company_ids: Collection[int]) -> dict[int, int]:
    """Return the rows of companies to which people may point: entity → contact."""
    if not company_ids:
        return {}
    rows = conn.execute(_STANDING, {"ids": sorted(company_ids)})
    return {row.entity_id: row.id for row in rows}


_SHOWN = text("""
SELECT c.* FROM unnest(CAST(:ids AS bigint[])) AS n(id) CROSS JOIN LATERAL (
  SELECT entity_id, organization_name, website, email, phone, city, postal_code, country
  FROM crm.contact c WHERE c.entity_id = n.id OFFSET 0) c
""")


def shown(conn: Connection, company_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return what the rows of companies say of them: entity → values."""
    if not company_ids:
        return {}
    found = conn.execute(_SHOWN, {"ids": sorted(company_ids)}).mappings()
    return {row["entity_id"]: dict(row) for row in found}


def arguments(links: Links) -> dict[str, list[Any]]:
    """Return links as the arrays that a statement takes: persons, companies, reasons."""
    return {
        "p": list(links),
        "c": [company for company, _ in links.values()],
        "w": [why for _, why in links.values()],
    }


# People that a change of a company may concern: they should point to it and do not, or the other
# way round. A record may name the company by one that the vendor merged into it, at any remove.
_CONCERNED = text("""
WITH RECURSIVE firm AS (
  SELECT i.id, c.* FROM unnest(CAST(:ids AS bigint[])) AS i(id)
  CROSS JOIN LATERAL (
    SELECT c.id AS contact, c.archived_at IS NULL AND c.merged_into IS NULL AS stands
    FROM crm.contact c WHERE c.entity_id = i.id OFFSET 0) c
), known_as AS (
  SELECT f.contact, f.stands, s.* FROM firm f
  CROSS JOIN LATERAL (
    SELECT s.source, s.stream, s.source_id FROM ops.source_record s
    WHERE s.entity_id = f.id AND s.target = 'organisation' OFFSET 0) s
  UNION
  SELECT k.contact, k.stands, s.* FROM known_as k
  CROSS JOIN LATERAL (
    SELECT s.source, s.stream, s.source_id FROM ops.source_record s
    WHERE s.source = k.source AND s.stream = k.stream AND s.alias_of = k.source_id
      AND s.target = 'organisation' OFFSET 0) s
), person AS (
  SELECT k.contact, k.stands, p.entity_id FROM known_as k
  CROSS JOIN LATERAL (
    SELECT p.entity_id FROM ops.source_record p
    WHERE p.source = k.source AND (p.refs ->> 'company') = k.source_id AND p.target = 'person'
    OFFSET 0) p
  UNION
  SELECT f.contact, f.stands, k.entity_id FROM firm f
  CROSS JOIN LATERAL (
    SELECT coalesce(e.merged_into, e.id) AS entity_id
    FROM ops.employment k JOIN ops.entity e ON e.id = k.person_id
    WHERE k.company_id = f.id AND k.revoked_at IS NULL AND k.until IS NULL AND NOT EXISTS (
      SELECT 1 FROM ops.employment n WHERE n.person_id = k.person_id AND n.revoked_at IS NULL
      AND (n.at, n.id) > (k.at, k.id)) OFFSET 0) k
  UNION
  SELECT f.contact, f.stands, theirs.entity_id FROM firm f
  CROSS JOIN LATERAL (
    SELECT hash FROM ops.company_key WHERE entity_id = f.id AND is_company OFFSET 0) own
  CROSS JOIN LATERAL (
    SELECT k.entity_id FROM ops.company_key k
    WHERE k.hash = own.hash AND NOT k.is_company OFFSET 0) theirs
  UNION
  SELECT f.contact, f.stands, l.entity_id FROM firm f CROSS JOIN LATERAL (
    SELECT l.entity_id FROM crm.lead l WHERE l.account_id = f.contact OFFSET 0) l
  UNION
  SELECT f.contact, f.stands, t.entity_id FROM firm f CROSS JOIN LATERAL (
    SELECT t.entity_id FROM crm.contact t WHERE t.company_id = f.contact OFFSET 0) t
)
SELECT DISTINCT p.entity_id FROM person p
LEFT JOIN LATERAL (
  SELECT l.id, l.account_id FROM crm.lead l WHERE l.entity_id = p.entity_id OFFSET 0) l ON true
LEFT JOIN LATERAL (
  SELECT t.id, t.company_id FROM crm.contact t
  WHERE t.entity_id = p.entity_id AND NOT t.is_organization OFFSET 0) t ON true
WHERE p.entity_id IS NOT NULL AND CASE WHEN p.stands
  THEN (l.id IS NOT NULL AND l.account_id IS DISTINCT FROM p.contact)
    OR (t.id IS NOT NULL AND t.company_id IS DISTINCT FROM p.contact)
  ELSE l.account_id = p.contact OR t.company_id = p.contact END
""")


def concerned(conn: Connection, company_ids: Sequence[int]) -> list[int]:
    """Return the people whose company or account may differ after companies were written."""
    return list(conn.execute(_CONCERNED, {"ids": list(company_ids)}).scalars())


@dataclass(frozen=True, slots=True)
class Company:
    """The facts by which a user distinguishes a company from another.

    Args:
        id: its number: contact/12.
        people_n: contacts who work for it.
        deals_n: deals that are not archived.
    """

    id: int
    entity_id: int
    name: str | None
    website: str | None
    street: str | None
    city: str | None
    country: str | None
    owner_id: int | None
    people_n: int
    deals_n: int

    @property
    def said(self) -> str:
        """Return its name with the facts that distinguish it: contact/12 (Acme, Leeds)."""
        what = ", ".join(w for w in (self.name, self.city, self.country, self.website) if w)
        return f"contact/{self.id} ({what})"


_COMPANIES = text("""
SELECT c.id, c.entity_id, c.organization_name, c.website, c.street, c.city, c.country, c.owner_id,
  (SELECT count(*) FROM crm.contact p WHERE p.company_id = c.id AND NOT p.is_organization
   AND p.archived_at IS NULL AND p.merged_into IS NULL) AS people_n,
  (SELECT count(*) FROM crm.deal d WHERE d.organization_id = c.id AND d.archived_at IS NULL) AS deals_n
FROM crm.contact c WHERE c.entity_id = ANY(:ids) AND c.is_organization
  AND c.archived_at IS NULL AND c.merged_into IS NULL
ORDER BY c.id
""")


def companies(conn: Connection, company_ids: Collection[int]) -> list[Company]:
    """Return the present companies of these entities, the oldest first."""
    if not company_ids:
        return []
    return [Company(*row) for row in conn.execute(_COMPANIES, {"ids": sorted(company_ids)})]


_QUESTIONS = text("""
SELECT q.name, array_agg(DISTINCT s.entity_id) AS companies
FROM ops.company_question q JOIN ops.source_record s ON s.id = q.record_id
JOIN crm.contact c ON c.entity_id = s.entity_id AND c.archived_at IS NULL AND c.merged_into IS NULL
WHERE CAST(:name AS text) IS NULL OR q.name = :name
GROUP BY q.name HAVING count(DISTINCT s.entity_id) > 1 ORDER BY min(q.asked_at), q.name LIMIT :limit
""")


_ASKED_ABOUT = text("""
SELECT t.entity_id, min(q.name) AS name
FROM ops.source_record s
JOIN ops.company_question q ON q.record_id = s.id
JOIN ops.company_question o ON o.name = q.name
JOIN ops.source_record t ON t.id = o.record_id
WHERE s.entity_id = :entity AND s.target = 'organisation'
  AND t.entity_id IS NOT NULL AND t.entity_id <> :entity
GROUP BY t.entity_id
""")


def asked_about(conn: Connection, company_id: int) -> dict[int, str]:
    """Return the other companies of the open questions about a company → the name that is asked about."""
    rows = conn.execute(_ASKED_ABOUT, {"entity": company_id})
    return {row.entity_id: row.name for row in rows}


def questions(conn: Connection, limit: int, *, name: str | None = None) -> dict[str, list[int]]:
    """Return the names that a person is asked about → the entities of their companies, oldest first.

    Args:
        conn: an open transaction.
        limit: names at most.
        name: of this normalised name alone.
    """
    rows = conn.execute(_QUESTIONS, {"limit": limit, "name": name})
    return {row.name: list(row.companies) for row in rows}
