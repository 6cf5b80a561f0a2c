"""Drift: keys, list values and types that a source sends and its mapping does not know.

A `field` is a key that no rule reads. A `value` is not in a known list. A `type` is another JSON type
than text. A `placeholder` is a text without a meaning (N/A): it is no drift, and counted separately. Only
values of lists and placeholders are kept, shortened; never personal values.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from hub.model.drift import Fill, Unknown
from hub.records.source_tables import drift

_LONGEST = 60


def count(conn: Connection, source: str, stream: str, found: Mapping[Unknown, int]) -> None:
    """Add what was found in a number of records."""
    sums: dict[tuple[str, str, str], int] = {}
    for (kind, field, value), n in found.items():
        key = (kind, field, value[:_LONGEST])
        sums[key] = sums.get(key, 0) + n
    if not sums:
        return
    statement = insert(drift).values(
        [
            {"source": source, "stream": stream, "kind": k, "field": f, "value": v, "n": n}
            for (k, f, v), n in sorted(
                sums.items()
            )  # one order for all transactions, so that none waits for another in a cycle
        ]
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "stream", "kind", "field", "value"],
            set_={"n": drift.c.n + statement.excluded.n, "last_seen": func.now()},
        )
    )


def most(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the most frequent drift."""
    rows = conn.execute(
        select(drift)
        .order_by(drift.c.n.desc(), drift.c.source, drift.c.stream, drift.c.field, drift.c.value)
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


def of_stream(conn: Connection, source: str, stream: str) -> list[dict[str, Any]]:
    """Return a stream's drift, the most frequent first."""
    rows = conn.execute(
        select(drift)
        .where(drift.c.source == source, drift.c.stream == stream)
        .order_by(drift.c.n.desc(), drift.c.kind, drift.c.field, drift.c.value)
    )
    return [dict(row) for row in rows.mappings()]


def of_source(conn: Connection, source: str) -> list[dict[str, Any]]:
    """Return the drift of all streams of a source."""
    return [
        dict(row) for row in conn.execute(select(drift).where(drift.c.source == source)).mappings()
    ]


def forget(conn: Connection, source: str, stream: str) -> None:
    """Delete the counts of a stream, whose whole history is mapped again."""
    conn.execute(delete(drift).where(drift.c.source == source, drift.c.stream == stream))


# The newest records by when they landed, and as many as ten times those before them.
_FILL = text("""
WITH recent AS (
  SELECT canonical, row_number() OVER (ORDER BY raw_id DESC) <= :newest AS is_newest
  FROM (SELECT s.canonical, s.raw_id
        FROM landing.raw r JOIN ops.source_record s USING (source, stream, source_id)
        WHERE r.source = :source AND r.stream = :stream AND s.raw_id = r.id
          AND s.target IN ('person', 'ticket', 'user') AND s.gone_at IS NULL
        ORDER BY r.id DESC LIMIT :newest * 11) r
), total AS (
  SELECT count(*) FILTER (WHERE is_newest) AS newest_n,
         count(*) FILTER (WHERE NOT is_newest) AS before_n FROM recent
)
SELECT f.key AS field, count(*) FILTER (WHERE is_newest) AS newest, min(newest_n) AS newest_n,
       count(*) FILTER (WHERE NOT is_newest) AS before, min(before_n) AS before_n
FROM recent CROSS JOIN total CROSS JOIN LATERAL jsonb_each(canonical) f
WHERE f.value NOT IN ('null', '""', '[]', '{}') GROUP BY f.key ORDER BY f.key
""")


def fill(conn: Connection, source: str, stream: str, *, newest: int = 200) -> list[Fill]:
    """Return how often each canonical field is filled, in the newest records and before."""
    rows = conn.execute(_FILL, {"source": source, "stream": stream, "newest": newest})
    return [
        Fill(
            row.field,
            row.newest / max(1, row.newest_n),
            row.newest_n,
            row.before / max(1, row.before_n),
            row.before_n,
        )
        for row in rows
    ]
