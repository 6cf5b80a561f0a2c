"""The rules of survivorship in force; a change makes every entity stale."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from hub.records import entities

_CURRENT = text("SELECT document FROM ops.survivorship ORDER BY id DESC LIMIT 1")


def current(conn: Connection) -> dict[str, Any] | None:
    """Return the document in force, None if none was stored."""
    found: dict[str, Any] | None = conn.execute(_CURRENT).scalar_one_or_none()
    return found


def put(conn: Connection, document: Mapping[str, Any], usual: Mapping[str, Any]) -> int:
    """Put rules in force; if they differ from those before, every entity is folded again.

    Args:
        conn: an open transaction.
        document: the whole rules.
        usual: the rules in force while none was stored.

    Returns:
        How many entities became stale.
    """
    # Two processes may start at once: the second must see the document of the first.
    conn.execute(text("LOCK TABLE ops.survivorship IN SHARE ROW EXCLUSIVE MODE"))
    before = current(conn)
    if before == document:
        return 0
    conn.execute(
        text("INSERT INTO ops.survivorship (document) VALUES (CAST(:document AS jsonb))"),
        {"document": json.dumps(document)},
    )
    if before is None and document == usual:
        return 0
    return entities.bump_all(conn)
