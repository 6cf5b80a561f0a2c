"""Drift: keys, list values and types that a source sends and its mapping does not know.

A `field` is a key that no rule reads, a `value` stands outside a known list, a `type` is another
JSON type than text. The only values kept are those of lists, shortened; none of a person.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from hub.records.tables import drift

_LONGEST = 60


def count(
    conn: Connection, source: str, stream: str, found: Mapping[tuple[str, str, str], int]
) -> None:
    """Add what was found, as (kind, field, value) → number of records."""
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
            )  # one order for all, so that none wait in a ring
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
