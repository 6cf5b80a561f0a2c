"""Entities: the record each began with, and where those that were merged belong."""

from collections.abc import Sequence

from sqlalchemy import Connection, text


def anchors(conn: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Return entity → the record it began with."""
    rows = conn.execute(
        text("SELECT id, anchor_id FROM ops.entity WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )
    return {row.id: row.anchor_id for row in rows}


_ASTRAY = text("""
WITH RECURSIVE up AS (
  SELECT e.id AS lost, e.anchor_id, e.id, e.merged_into
  FROM ops.entity e WHERE e.anchor_id = ANY(:ids) AND e.merged_into IS NOT NULL AND e.kind = 'person'
  UNION
  SELECT u.lost, u.anchor_id, n.id, n.merged_into FROM up u JOIN ops.entity n ON n.id = u.merged_into
)
UPDATE ops.entity e SET merged_into = s.entity_id
FROM up u JOIN ops.source_record s ON s.id = u.anchor_id
WHERE u.merged_into IS NULL AND e.id = u.lost AND s.entity_id IS NOT NULL
  AND s.entity_id NOT IN (u.id, e.id)
RETURNING e.id
""")


def call_home(conn: Connection, record_ids: Sequence[int]) -> set[int]:
    """Point merged entities to whoever holds the record that they began with.

    Of a chain, A into B into C, one link may have been taken out: what was merged follows its own
    record. Call when the records have been moved. Returns the entities that point elsewhere now.
    """
    return set(conn.execute(_ASTRAY, {"ids": list(record_ids)}).scalars())


_WHOLE = text("""
WITH RECURSIVE whole AS (
  SELECT id FROM ops.entity WHERE id = ANY(:ids)
  UNION
  SELECT m.id FROM whole w JOIN ops.entity m ON m.merged_into = w.id)
SELECT id FROM whole ORDER BY id
""")


def whole(conn: Connection, ids: Sequence[int]) -> list[int]:
    """Return entities, and all that were merged into them."""
    return list(conn.execute(_WHOLE, {"ids": list(ids)}).scalars())


def made_by(conn: Connection, batch_id: int, ids: Sequence[int]) -> set[int]:
    """Return those of the entities that a batch made."""
    rows = conn.execute(
        text("SELECT id FROM ops.entity WHERE batch_id = :batch AND id = ANY(:ids)"),
        {"batch": batch_id, "ids": list(ids)},
    )
    return set(rows.scalars())
