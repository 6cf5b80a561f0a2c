"""Who shares a key with somebody who has no record yet."""

from collections.abc import Mapping

from sqlalchemy import Connection, text

from hub.records.match_keys import Key

_HOLDERS = text("""
SELECT DISTINCT found.record_id
FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[]), CAST(:limits AS int[]))
  AS k(kind, value, most)
CROSS JOIN LATERAL (
  SELECT m.record_id FROM ops.match_key m
  WHERE m.kind = k.kind AND m.value = k.value LIMIT k.most) found
""")


def holders(conn: Connection, limits: Mapping[Key, int]) -> list[int]:
    """Return records that have one of the keys; of a crowded key, as many as its limit."""
    if not limits:
        return []
    rows = conn.execute(
        _HOLDERS,
        {
            "kinds": [k for k, _ in limits],
            "values": [v for _, v in limits],
            "limits": list(limits.values()),
        },
    )
    return sorted(rows.scalars())
