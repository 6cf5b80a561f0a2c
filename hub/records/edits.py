"""Edits: values that users typed into people and companies, until undone. Owns `ops.edit`."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from hub.model.records import JsonValue

_KEEP = text(
    "INSERT INTO ops.edit (entity_id, field, value, who, at) "
    "VALUES (:entity, :field, CAST(:value AS jsonb), :who, clock_timestamp())"
)
_REVOKE = text(
    "UPDATE ops.edit SET revoked_at = now() WHERE entity_id = :entity AND field = :field "
    "AND revoked_at IS NULL"
)
# A living entity has the record with which it began; a merged one is found by this record.
_TYPED_INTO = text("""
SELECT typed.record, typed.field, typed.value FROM (
  SELECT s.id AS record, e.id, e.at, e.field, e.value FROM ops.source_record s
  JOIN ops.entity n ON n.id = s.entity_id AND n.anchor_id = s.id
  JOIN ops.edit e ON e.entity_id = n.id AND e.revoked_at IS NULL
  WHERE s.id = ANY(:records)
  UNION
  SELECT n.anchor_id, e.id, e.at, e.field, e.value FROM ops.entity n
  JOIN ops.edit e ON e.entity_id = n.id AND e.revoked_at IS NULL
  WHERE n.anchor_id = ANY(:records) AND n.merged_into IS NOT NULL AND n.kind = 'person'
) typed ORDER BY typed.at, typed.id
""")


def keep(conn: Connection, entity_id: int, who: str, values: Mapping[str, JsonValue]) -> None:
    """Store the values that a user typed, by field; null is a blank."""
    if values:
        conn.execute(
            _KEEP,
            [
                {"entity": entity_id, "field": field, "value": json.dumps(value), "who": who}
                for field, value in values.items()
            ],
        )


_KEEP_MANY = text("""
INSERT INTO ops.edit (entity_id, field, value, who, at)
SELECT e.entity, e.field, e.value, :who, clock_timestamp()
FROM unnest(CAST(:entities AS bigint[]), CAST(:fields AS text[]), CAST(:values AS jsonb[]))
  WITH ORDINALITY AS e(entity, field, value, ord) ORDER BY e.ord
RETURNING id, entity_id
""")


def keep_many(
    conn: Connection, who: str, typed: Mapping[int, Mapping[str, JsonValue]]
) -> dict[int, list[int]]:
    """Store what a user typed into many people at once, by entity; returns their edits."""
    rows = [(entity, field, value) for entity, of in typed.items() for field, value in of.items()]
    written = conn.execute(
        _KEEP_MANY,
        {
            "who": who,
            "entities": [entity for entity, _, _ in rows],
            "fields": [field for _, field, _ in rows],
            "values": [json.dumps(value) for _, _, value in rows],
        },
    )
    found: dict[int, list[int]] = defaultdict(list)
    for row in written:
        found[row.entity_id].append(row.id)
    return found


def named(conn: Connection, ids: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Return of each edit its entity and its field."""
    rows = conn.execute(
        text("SELECT id, entity_id, field FROM ops.edit WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )
    return {row.id: (row.entity_id, row.field) for row in rows}


_REVOKE_THESE = text("""
UPDATE ops.edit e SET revoked_at = now() WHERE id = ANY(:ids) AND revoked_at IS NULL
AND NOT EXISTS (SELECT 1 FROM ops.edit l WHERE l.entity_id = e.entity_id AND l.field = e.field
                AND l.id > e.id AND l.revoked_at IS NULL)
RETURNING id
""")


def revoke_these(conn: Connection, ids: Iterable[int]) -> set[int]:
    """Undo edits that no later edit of the same field covers; returns those that were in force."""
    return {*conn.execute(_REVOKE_THESE, {"ids": list(ids)}).scalars()}


def revoke(conn: Connection, entity_id: int, field: str) -> int:
    """Undo the edits of a field; returns how many there were."""
    return conn.execute(_REVOKE, {"entity": entity_id, "field": field}).rowcount


def typed_into(conn: Connection, records: Iterable[int]) -> dict[int, dict[str, JsonValue]]:
    """Return edits in force by the record with which their person began; the newest of each field.

    So an edit stays with one record, through all merges and unmerges.
    """
    found: dict[int, dict[str, JsonValue]] = defaultdict(dict)
    for row in conn.execute(_TYPED_INTO, {"records": list(records)}):
        found[row.record][row.field] = row.value
    return found


_TYPED_AT = text("""
SELECT entity_id, max(at) AS at FROM ops.edit
WHERE entity_id = ANY(:ids) AND field = :field AND revoked_at IS NULL GROUP BY entity_id
""")


def typed_at(conn: Connection, entity_ids: Sequence[int], field: str) -> dict[int, datetime]:
    """Return entity → when a user typed the present value of a field."""
    if not entity_ids:
        return {}
    rows = conn.execute(_TYPED_AT, {"ids": list(entity_ids), "field": field})
    return {row.entity_id: row.at for row in rows}
