"""Companies as rows of the CRM: a contact's company, a lead's account, and who must be asked anew.

Both pointers are functions of the inputs (people's words, the sources' refs, keys), written at each
fold: what is set directly is lost with the next one.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, TextClause, text

# each look-up is a probe: tables that were filled since their statistics were made are not read whole
_POINT = """
WITH said AS (
  SELECT n.person, n.why, (SELECT c.id FROM crm.contact c WHERE c.entity_id = n.company
                           AND c.is_organization AND c.archived_at IS NULL
                           AND c.merged_into IS NULL) AS company
  FROM unnest(CAST(:p AS bigint[]), CAST(:c AS bigint[]), CAST(:w AS text[]))
    AS n(person, company, why))
"""
_LEADS = text(
    _POINT
    + """
UPDATE crm.lead l SET account_id = s.company,
  account_why = CASE WHEN s.company IS NOT NULL THEN s.why END
FROM said s WHERE l.entity_id = s.person AND l.entity_id = ANY(:p)
  AND (l.account_id IS DISTINCT FROM s.company
       OR (s.company IS NOT NULL AND l.account_why IS DISTINCT FROM s.why))
"""
)
_CONTACTS = text(
    _POINT
    + """
UPDATE crm.contact t SET company_id = s.company
FROM said s WHERE t.entity_id = s.person AND t.entity_id = ANY(:p) AND NOT t.is_organization
  AND t.company_id IS DISTINCT FROM s.company
"""
)
Employers = Mapping[int, tuple[int | None, str | None]]


def point_leads(conn: Connection, accounts: Employers) -> None:
    """Give leads their account: person → (company or None, why)."""
    _point(conn, _LEADS, accounts)


def point_contacts(conn: Connection, employers: Employers) -> None:
    """Give contacts the company they work for: person → (company or None, why)."""
    _point(conn, _CONTACTS, employers)


def _point(conn: Connection, statement: TextClause, said: Employers) -> None:
    if said:
        conn.execute(
            statement,
            {
                "p": list(said),
                "c": [company for company, _ in said.values()],
                "w": [why for _, why in said.values()],
            },
        )


# Whoever a company may concern and does not point to it, or should not any more.
_CONCERNED = text("""
WITH firm AS (
  SELECT e.id, c.id AS contact, c.archived_at IS NULL AND c.merged_into IS NULL AS stands
  FROM ops.entity e JOIN crm.contact c ON c.entity_id = e.id WHERE e.id = ANY(:ids)
), person AS (
  SELECT f.contact, f.stands, p.entity_id FROM firm f
  JOIN ops.source_record s ON s.entity_id = f.id AND s.target = 'organisation'
  JOIN ops.source_record p ON p.source = s.source AND (p.refs ->> 'company') = s.source_id
  WHERE p.target = 'person'
  UNION
  SELECT f.contact, f.stands, coalesce(e.merged_into, e.id) FROM firm f
  JOIN ops.employment k ON k.company_id = f.id JOIN ops.entity e ON e.id = k.person_id
  UNION
  SELECT f.contact, f.stands, theirs.entity_id FROM firm f
  JOIN ops.company_key own ON own.entity_id = f.id
  JOIN ops.company_key theirs ON theirs.kind = own.kind AND theirs.value = own.value
    AND NOT theirs.is_company
  UNION
  SELECT f.contact, f.stands, l.entity_id FROM firm f JOIN crm.lead l ON l.account_id = f.contact
  UNION
  SELECT f.contact, f.stands, t.entity_id FROM firm f JOIN crm.contact t ON t.company_id = f.contact
)
SELECT DISTINCT p.entity_id FROM person p
LEFT JOIN crm.lead l ON l.entity_id = p.entity_id
LEFT JOIN crm.contact t ON t.entity_id = p.entity_id
WHERE p.entity_id IS NOT NULL AND CASE WHEN p.stands
  THEN (l.id IS NOT NULL AND l.account_id IS DISTINCT FROM p.contact)
    OR (t.id IS NOT NULL AND NOT t.is_organization AND t.company_id IS DISTINCT FROM p.contact)
  ELSE l.account_id = p.contact OR t.company_id = p.contact END
""")


def concerned(conn: Connection, company_ids: Sequence[int]) -> list[int]:
    """Return the people whose company or account may be another now that companies were written."""
    return list(conn.execute(_CONCERNED, {"ids": list(company_ids)}).scalars())
