"""Parents of companies as rows: `crm.contact.parent_id` points to the company above.

The pointer follows the sources' records (`hub.etl.parents`). A merged parent is followed by its readers.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, text

_ROWS = text("""
SELECT c.entity_id, c.id, c.parent_id FROM unnest(CAST(:ids AS bigint[])) AS i(id)
CROSS JOIN LATERAL (
  SELECT entity_id, id, parent_id FROM crm.contact
  WHERE entity_id = i.id AND is_organization OFFSET 0) c
""")


def rows_of(conn: Connection, company_ids: Sequence[int]) -> dict[int, tuple[int, int | None]]:
    """Return the rows of companies with their parents: entity → (row, parent's row)."""
    rows = conn.execute(_ROWS, {"ids": list(company_ids)})
    return {row.entity_id: (row.id, row.parent_id) for row in rows}


_ABOVE = text("""
WITH RECURSIVE up AS (
  SELECT id, parent_id, entity_id FROM crm.contact WHERE id = ANY(CAST(:ids AS bigint[]))
  UNION SELECT c.id, c.parent_id, c.entity_id FROM up CROSS JOIN LATERAL (
    SELECT id, parent_id, entity_id FROM crm.contact WHERE id = up.parent_id OFFSET 0) c)
SELECT id, parent_id, entity_id FROM up
""")


def above(conn: Connection, row_ids: Collection[int]) -> dict[int, tuple[int | None, int]]:
    """Return companies and all above them: row → (parent's row, entity)."""
    if not row_ids:
        return {}
    rows = conn.execute(_ABOVE, {"ids": sorted(row_ids)})
    return {row.id: (row.parent_id, row.entity_id) for row in rows}


_CHILDREN = text("""
SELECT DISTINCT k.entity_id FROM unnest(CAST(:ids AS bigint[])) AS i(id)
CROSS JOIN LATERAL (SELECT id FROM crm.contact WHERE entity_id = i.id OFFSET 0) c
CROSS JOIN LATERAL (SELECT entity_id FROM crm.contact WHERE parent_id = c.id OFFSET 0) k
""")


def children_of(conn: Connection, company_ids: Sequence[int]) -> list[int]:
    """Return the companies whose parent is one of these."""
    if not company_ids:
        return []
    return list(conn.execute(_CHILDREN, {"ids": list(company_ids)}).scalars())
