"""The history: changes and their authors; rows are appended, never changed."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.records import JsonValue

_APPEND = text(
    "INSERT INTO ops.change (entity_id, deal_id, who, fields, at) "
    "VALUES (:entity, :deal, :who, CAST(:fields AS jsonb), clock_timestamp())"
)


def note_change(
    conn: Connection,
    who: str,
    fields: Mapping[str, tuple[Any, Any]],
    *,
    entity_id: int | None = None,
    deal_id: int | None = None,
) -> None:
    """Append a change of fields (name → old, new) of a person, a company or a deal."""
    if fields:
        said = {name: {"old": old, "new": new} for name, (old, new) in fields.items()}
        conn.execute(
            _APPEND,
            {
                "entity": entity_id,
                "deal": deal_id,
                "who": who,
                "fields": json.dumps(said, default=_plain),
            },
        )


_APPEND_MANY = text("""
INSERT INTO ops.change (entity_id, deal_id, who, fields, at)
SELECT c.entity, c.deal, :who, c.fields, clock_timestamp()
FROM unnest(CAST(:entities AS bigint[]), CAST(:deals AS bigint[]), CAST(:fields AS jsonb[]))
  WITH ORDINALITY AS c(entity, deal, fields, ord) ORDER BY c.ord
""")


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of fields (name → old, new) of one record."""

    fields: Mapping[str, tuple[Any, Any]]
    entity_id: int | None = None
    deal_id: int | None = None


def note_changes(conn: Connection, who: str, changes: Sequence[Changed]) -> None:
    """Append changes of many records, in one statement."""
    if changes:
        said = [
            {n: {"old": old, "new": new} for n, (old, new) in c.fields.items()} for c in changes
        ]
        conn.execute(
            _APPEND_MANY,
            {
                "who": who,
                "entities": [c.entity_id for c in changes],
                "deals": [c.deal_id for c in changes],
                "fields": [json.dumps(fields, default=_plain) for fields in said],
            },
        )


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a history")


_APPEND_SAID = text("""
INSERT INTO ops.change (entity_id, who, fields)
SELECT c.entity, :who, c.fields
FROM unnest(CAST(:entities AS bigint[]), CAST(:fields AS jsonb[])) WITH ORDINALITY
  AS c(entity, fields, ord) ORDER BY c.ord
""")


def append_changes(conn: Connection, who: str, said: Mapping[int, Mapping[str, JsonValue]]) -> None:
    """Append changes of entities, in the history's own form (entity → field → old and new)."""
    if said:
        documents = [json.dumps(dict(fields)) for fields in said.values()]
        conn.execute(_APPEND_SAID, {"who": who, "entities": list(said), "fields": documents})
