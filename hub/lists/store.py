"""Lists as they are kept: a person's own, the team's, and what the team takes as a pattern."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import Row

from hub.frozen import dataclass
from hub.lists.document import ListDocument, filter_json, read


@dataclass(frozen=True, slots=True)
class SavedList:
    """A list that is kept.

    Args:
        id: its number; None for a template of the hub, which is no row.
        name: as people call it.
        document: what it asks.
        user_id: whose it is; None is the team's.
        is_shared: whether others may use it.
        is_template: whether it is a pattern.
    """

    id: int | None
    name: str
    document: ListDocument
    user_id: int | None
    is_shared: bool
    is_template: bool


_COLUMNS = "id, object, name, filter, sort, columns, user_id, is_shared, is_template"
_SEEN = text(
    f"SELECT {_COLUMNS} FROM crm.smart_list "  # noqa: S608 our own names
    "WHERE user_id IS NULL OR user_id = :user OR is_shared OR :all "
    "ORDER BY user_id IS DISTINCT FROM :user, user_id IS NOT NULL, object, lower(name), id"
)
_SAVE = text(
    "INSERT INTO crm.smart_list (object, name, filter, sort, columns, user_id, is_shared, is_template) "
    "VALUES (:object, :name, CAST(:filter AS jsonb), CAST(:sort AS jsonb), "
    "        CAST(:columns AS jsonb), :user, :shared, :template) "
    "ON CONFLICT DO NOTHING RETURNING id"
)


def visible(conn: Connection, user_id: int | None) -> list[SavedList]:
    """Return the lists that a user may use, their own before the team's; all for the machine."""
    rows = conn.execute(_SEEN, {"user": user_id, "all": user_id is None})
    return [_saved(row) for row in rows]


def everything(conn: Connection) -> list[SavedList]:
    """Return all lists that are kept, of all users."""
    return visible(conn, None)


def update(conn: Connection, list_id: int, document: ListDocument) -> None:
    """Write another document of a list."""
    conn.execute(
        text(
            "UPDATE crm.smart_list SET filter = CAST(:filter AS jsonb), sort = CAST(:sort AS jsonb), "
            "columns = CAST(:columns AS jsonb) WHERE id = :id"
        ),
        {
            "id": list_id,
            "filter": filter_json(document),
            "sort": json.dumps(_sort(document)),
            "columns": json.dumps(document.columns),
        },
    )


def insert(conn: Connection, wanted: SavedList) -> int | None:
    """Keep a new list; returns its number, or None where the name is taken."""
    found: int | None = conn.execute(
        _SAVE,
        {
            "object": wanted.document.object,
            "name": wanted.name,
            "filter": filter_json(wanted.document),
            "sort": json.dumps(_sort(wanted.document)),
            "columns": json.dumps(wanted.document.columns),
            "user": wanted.user_id,
            "shared": wanted.is_shared,
            "template": wanted.is_template,
        },
    ).scalar_one_or_none()
    return found


_RENAME = text("""
UPDATE crm.smart_list l SET name = :name WHERE id = :id AND NOT EXISTS (
  SELECT 1 FROM crm.smart_list o WHERE o.id <> l.id AND o.object = l.object
  AND o.user_id IS NOT DISTINCT FROM l.user_id AND lower(o.name) = lower(:name))
""")


def rename(conn: Connection, list_id: int, name: str) -> bool:
    """Write the name of a list; says whether it was free."""
    return conn.execute(_RENAME, {"id": list_id, "name": name}).rowcount == 1


def set_shared(conn: Connection, list_id: int, *, is_shared: bool) -> None:
    """Share a list, or stop sharing it."""
    conn.execute(
        text("UPDATE crm.smart_list SET is_shared = :shared WHERE id = :id"),
        {"id": list_id, "shared": is_shared},
    )


def delete(conn: Connection, list_id: int) -> None:
    """Forget a list."""
    conn.execute(text("DELETE FROM crm.smart_list WHERE id = :id"), {"id": list_id})


def _sort(document: ListDocument) -> Sequence[dict[str, Any]]:
    return [] if document.sort is None else [document.sort.model_dump()]


def _saved(row: Row[Any]) -> SavedList:
    document = read(
        {"object": row.object, "filter": row.filter, "sort": row.sort, "columns": row.columns}
    )
    return SavedList(row.id, row.name, document, row.user_id, row.is_shared, row.is_template)
