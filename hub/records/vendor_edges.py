"""Edges that sources state: a vendor's merge, and a person whom a record names.

They are a function of the present versions of records, so they are replaced, never only added. In:
records whose version may be another. Out: the edges of these, and which records were parted. Call
under the identity lock. Not here: edges of the model (`hub.records.identity`) and of people.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

MADE_BY = "vendor"

# Each look-up probes an index for some records. One join with OR would read every record. The
# relation stands in the text, since an index on it serves no parameter.
_STATED = """
stated AS (
  SELECT g.id, s.id AS other, 'vendor merge' AS why
  FROM ops.source_record g JOIN ops.source_record s
    ON s.source = g.source AND s.stream = g.stream AND s.source_id = g.alias_of
    AND s.target = g.target AND num_nonnulls(g.withdrawn_by, s.withdrawn_by) = 0
  WHERE g.id = ANY(:ids) AND g.alias_of IS NOT NULL AND g.target = 'person' AND g.id <> s.id
  UNION ALL
  SELECT g.id, s.id, 'vendor merge'
  FROM ops.source_record s JOIN ops.source_record g
    ON g.source = s.source AND g.stream = s.stream AND g.alias_of = s.source_id
    AND g.target = s.target AND num_nonnulls(g.withdrawn_by, s.withdrawn_by) = 0
  WHERE s.id = ANY(:ids) AND g.alias_of IS NOT NULL AND s.target = 'person' AND g.id <> s.id
  UNION ALL
  SELECT g.id, s.id, 'named by the source'
  FROM ops.source_record g JOIN ops.source_record s
    ON s.source = g.source AND s.stream = 'users' AND s.target = 'person'
    AND s.source_id = g.refs ->> 'requester' AND num_nonnulls(g.withdrawn_by, s.withdrawn_by) = 0
  WHERE g.id = ANY(:ids) AND g.target = 'person' AND g.stream <> 'users'
  UNION ALL
  SELECT g.id, s.id, 'named by the source'
  FROM ops.source_record s JOIN ops.source_record g
    ON g.source = s.source AND g.refs ->> 'requester' = s.source_id
    AND g.target = 'person' AND num_nonnulls(g.withdrawn_by, s.withdrawn_by) = 0
    AND g.stream <> 'users'
  WHERE s.id = ANY(:ids) AND s.stream = 'users' AND s.target = 'person'
), pairs AS (
  SELECT least(id, other) AS a, greatest(id, other) AS b, max(why) AS why
  FROM stated GROUP BY 1, 2
)
"""
_REPLACE = text(f"""
WITH {_STATED}, unstated AS (
  UPDATE ops.edge e SET revoked_at = now()
  WHERE e.made_by = 'vendor' AND e.revoked_at IS NULL AND (e.a = ANY(:ids) OR e.b = ANY(:ids))
    AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.a = e.a AND p.b = e.b)
  RETURNING e.a, e.b
), added AS (
  INSERT INTO ops.edge (a, b, judgement, weight, reasons, made_by)
  SELECT a, b, 'same', 100, jsonb_build_array(jsonb_build_array(why, 100.0)), 'vendor'
  FROM pairs ORDER BY a, b
  ON CONFLICT DO NOTHING
)
SELECT a, b FROM unstated
""")  # noqa: S608 our own text


def replace(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Write the edges that the present versions of records state; revoke those they no longer do.

    Args:
        conn: in the matching transaction.
        ids: people's records, also withdrawn ones.

    Returns:
        The ends of revoked edges: the other records of their entities must be clustered again.
    """
    return {end for pair in conn.execute(_REPLACE, {"ids": list(ids)}) for end in pair}
