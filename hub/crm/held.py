"""Owners that a row took over from another row, and how they are given up again.

A row takes them over from the people that it absorbed, and from its contact.

The owner is held: nothing folds it. The row that took the owner over is in the history. When the
cause is undone, the owner is removed again, if it is still the same.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, text

from hub.records.history import note_change

Write = Callable[[Connection, int, int | None], None]
"""Writes the owner of an entity's row: a function of the module that owns the table."""
_CAUSE = {"lead": "absorbed", "contact": "absorbed_contact"}


def take_over(
    conn: Connection, kind: str, entity: int, owner: int, absorbed: int, *, write: Write
) -> None:
    """Give the row of an entity the owner of the one that it absorbs.

    Args:
        conn: an open transaction.
        kind: lead or contact.
        entity: whose row.
        owner: a user.
        absorbed: the entity that is merged into it.
        write: writes the owner.
    """
    write(conn, entity, owner)
    note_change(
        conn, "sync", {"owner_id": (None, owner), _CAUSE[kind]: (None, absorbed)}, entity_id=entity
    )


_TAKEN = """
SELECT s.entity_id, s.owner_id, m.entity_id AS absorbed
FROM crm.{kind} m JOIN crm.{kind} s ON s.id = m.merged_into
CROSS JOIN LATERAL (
  SELECT c.fields FROM ops.change c
  WHERE c.entity_id = s.entity_id AND c.fields ?| ARRAY['owner_id', 'owner'] AND NOT c.fields ? :not
  ORDER BY c.id DESC LIMIT 1) last
WHERE m.entity_id = ANY(:e) AND s.owner_id IS NOT NULL
  AND CAST(last.fields -> :cause ->> 'new' AS bigint) = m.entity_id
  AND CAST(last.fields -> 'owner_id' ->> 'new' AS bigint) = s.owner_id
"""
_TAKEN_OVER = {kind: text(_TAKEN.replace("{kind}", kind)) for kind in _CAUSE}


def remove_taken_owners(
    conn: Connection, kind: str, entity_ids: Sequence[int], *, write: Write
) -> None:
    """Remove the owners that absorbing rows took over from these rows.

    Call before the rows are separated. A row that absorbed such a row loses the owner too.
    """
    args = {"cause": _CAUSE[kind], "not": _CAUSE["contact" if kind == "lead" else "lead"]}
    asked = list(entity_ids)
    while asked:
        given = conn.execute(_TAKEN_OVER[kind], {**args, "e": asked}).all()
        for row in given:
            write(conn, row.entity_id, None)
            note_change(
                conn,
                "sync",
                {"owner_id": (row.owner_id, None), _CAUSE[kind]: (row.absorbed, None)},
                entity_id=row.entity_id,
            )
        asked = [row.entity_id for row in given]
