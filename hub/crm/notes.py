"""Notes that came with source records, as the present versions of these records say them.

Not here: notes that people write (`hub.crm.activities`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from hub.crm.siblings import SIBLINGS

_REPLACE = text(f"""
WITH {SIBLINGS}, before AS (
  SELECT n.record_id, n.entity_id FROM crm.note n JOIN siblings s USING (record_id)
), taken_back AS (
  DELETE FROM crm.note n USING siblings s WHERE n.record_id = s.record_id AND s.is_taken_back
), followed AS (
  UPDATE crm.note n SET entity_id = s.entity_id FROM siblings s
  WHERE n.record_id = s.record_id AND NOT s.is_living AND NOT s.is_taken_back
    AND n.entity_id <> s.entity_id
), written AS (
  INSERT INTO crm.note AS n (record_id, entity_id, content, created_at)
  SELECT record_id, entity_id, v ->> 'content', CAST(v ->> 'at' AS timestamptz)
  FROM siblings WHERE is_living AND v ->> 'content' IS NOT NULL ORDER BY record_id
  ON CONFLICT (record_id) DO UPDATE SET
    entity_id = excluded.entity_id, content = excluded.content, created_at = excluded.created_at
  WHERE (n.entity_id, n.content, n.created_at) IS DISTINCT FROM
    (excluded.entity_id, excluded.content, excluded.created_at)
)
SELECT DISTINCT b.entity_id FROM before b JOIN siblings s USING (record_id)
WHERE b.entity_id <> s.entity_id
""")  # noqa: S608 our own text


def replace(conn: Connection, entity_ids: Sequence[int]) -> list[int]:
    """Write the notes of entities as their records say them now; return the entities that notes left.

    A note that a newer version of its record does not repeat stays. One that today's mapping does
    not give is removed.
    """
    args = {"entities": list(entity_ids), "target": "note"}
    return list(conn.execute(_REPLACE, args).scalars())


def delete_of_records(conn: Connection, record_ids: Sequence[int]) -> int:
    """Delete the notes of source records that are undone; returns how many."""
    done = conn.execute(
        text("DELETE FROM crm.note WHERE record_id = ANY(:ids)"), {"ids": list(record_ids)}
    )
    return done.rowcount
