"""Customer and prospect status of contacts: what their deals say, and nothing else.

A customer is `current` once a deal was won. It is `past` when the deal that closed last is a lost
renewal (a deal lost in a pipeline of renewals). A prospect is `current` while a deal is open, and
`lost` when none is and nothing was ever won. A company has the deals of its own, and those of its
people that are of no other company; of merged contacts the survivor has them.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

# One recursion, of probes by index. The planner takes every recursion for a hundred rows, one over
# another for ten thousand, and makes room for a million before it begins: twenty milliseconds.
_CONCERNED = text("""
WITH RECURSIVE near(id, merged_into, company_id, is_employer) AS (
  SELECT id, merged_into, company_id, false FROM crm.contact WHERE id = ANY(:ids)
  UNION SELECT c.* FROM near n CROSS JOIN LATERAL (
    SELECT id, merged_into, company_id, n.is_employer FROM crm.contact WHERE id = n.merged_into
    UNION ALL SELECT id, merged_into, company_id, false
    FROM crm.contact WHERE merged_into = n.id AND NOT n.is_employer
    UNION ALL SELECT id, merged_into, company_id, true
    FROM crm.contact WHERE id = n.company_id AND NOT n.is_employer) c)
SELECT DISTINCT id FROM near WHERE merged_into IS NULL
""")
_LOCK = text("SELECT 1 FROM crm.contact WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")
_DERIVE = text("""
WITH RECURSIVE whole(root, id, is_staff) AS (
  SELECT i, i, false FROM unnest(CAST(:ids AS bigint[])) AS i
  UNION SELECT w.root, c.id, c.is_staff FROM whole w CROSS JOIN LATERAL (
    SELECT id, w.is_staff FROM crm.contact WHERE merged_into = w.id
    UNION ALL SELECT id, true FROM crm.contact WHERE company_id = w.id AND NOT w.is_staff) c),
counted(root, id) AS (
  SELECT w.root, d.id FROM whole w CROSS JOIN LATERAL (
    SELECT d.id FROM crm.deal d WHERE d.contact_id = w.id AND (
      NOT w.is_staff OR d.organization_id IS NULL OR EXISTS (
        SELECT 1 FROM whole o WHERE o.root = w.root AND NOT o.is_staff AND o.id = d.organization_id))
    UNION ALL SELECT id FROM crm.deal WHERE organization_id = w.id AND NOT w.is_staff) d
  GROUP BY w.root, d.id),
facts AS (
  SELECT n.root, bool_or(s.is_active) AS is_open, bool_or(s.category = 'won') AS was_won,
         (array_agg(s.category = 'lost' ORDER BY d.closed_at DESC, d.id DESC)
          FILTER (WHERE s.category = 'won' OR s.category = 'lost' AND p.is_renewal))[1] AS has_left
  FROM counted n CROSS JOIN LATERAL (
    SELECT * FROM crm.deal WHERE id = n.id AND archived_at IS NULL OFFSET 0) d
  JOIN crm.stage s ON s.id = d.stage_id JOIN crm.pipeline p ON p.id = d.pipeline_id
  GROUP BY n.root),
said AS (
  SELECT i.id, CASE WHEN f.was_won IS NOT TRUE THEN 'none' WHEN f.has_left THEN 'past'
                    ELSE 'current' END AS customer,
         CASE WHEN f.is_open THEN 'current' WHEN f.root IS NOT NULL AND NOT f.was_won THEN 'lost'
              ELSE 'none' END AS prospect
  FROM unnest(CAST(:ids AS bigint[])) AS i(id) LEFT JOIN facts f ON f.root = i.id)
UPDATE crm.contact c SET customer_status = s.customer, prospect_status = s.prospect
FROM said s WHERE c.id = s.id
  AND (c.customer_status, c.prospect_status) IS DISTINCT FROM (s.customer, s.prospect)
""")


def recompute(conn: Connection, contact_ids: Iterable[int | None]) -> None:
    """Derive the status of contacts, of those that absorbed them, and of their employers.

    Call after a deal, an employment or a merge has changed. The rows are locked before the deals are
    read, so that the last of two that change one customer's deals at once sees both.
    """
    ids = sorted({i for i in contact_ids if i is not None})
    concerned: list[int] = []
    while ids and concerned != (found := _concerned(conn, ids)):  # what was merged meanwhile
        concerned = found
        conn.execute(_LOCK, {"ids": concerned})
    if concerned:
        conn.execute(_DERIVE, {"ids": concerned})


def recompute_entities(conn: Connection, entity_ids: Sequence[int]) -> None:
    """Derive the status of the contacts of entities; call when these were merged or split."""
    if not entity_ids:
        return
    rows = conn.execute(
        text("SELECT id FROM crm.contact WHERE entity_id = ANY(:e)"), {"e": list(entity_ids)}
    )
    recompute(conn, rows.scalars().all())


def _concerned(conn: Connection, ids: Sequence[int]) -> list[int]:
    return sorted(conn.execute(_CONCERNED, {"ids": list(ids)}).scalars())
