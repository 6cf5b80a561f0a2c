"""Rows of leads, contacts and deals as values by column: what a bulk action compares. Reads only."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from hub.model.records import JsonValue

# what follows from other columns, or is written by other causes too
REST = frozenset(
    {"batch_id", "recorded_at", "last_activity_at", "sort_key", "names", "facts", "search_text"}
    | {"search_tokens", "modified_at", "updated_at", "last_stage_change_at"}
)
_READ = {
    kind: text(f"SELECT id, to_jsonb(r) AS row FROM crm.{kind} r WHERE id = ANY(:ids) ORDER BY id")  # noqa: S608 our own text
    for kind in ("lead", "contact", "deal")
}


def read(
    conn: Connection, kind: str, ids: Sequence[int], columns: Sequence[str] = ()
) -> dict[int, Mapping[str, JsonValue]]:
    """Return rows by number: the columns that are named, else all."""
    rows = conn.execute(_READ[kind], {"ids": list(ids)})
    return {
        row.id: {c: v for c, v in row.row.items() if not columns or c in columns} for row in rows
    }
