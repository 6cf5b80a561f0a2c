"""How far an undo has come: one row for each of its chunks. Owns `ops.undo_part`.

A chunk and its part commit together, so after a kill the next call sees what is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from hub.records.batch_tables import undo_part


@dataclass(frozen=True, slots=True)
class Part:
    """The result of one chunk: its report, and the entities to fold when all chunks are done."""

    report: Mapping[str, Any]
    stale: Sequence[int]


def keep_part(conn: Connection, undo_id: int, part: Part) -> None:
    """Store the part of a chunk; call in its transaction."""
    n = select(func.coalesce(func.max(undo_part.c.n), 0) + 1).where(undo_part.c.undo_id == undo_id)
    conn.execute(
        insert(undo_part).values(
            undo_id=undo_id,
            n=n.scalar_subquery(),
            report=dict(part.report),
            stale=list(part.stale),
        )
    )


def parts(conn: Connection, undo_id: int) -> list[Part]:
    """Return the parts of the finished chunks of an undo, in their order."""
    found = select(undo_part.c.report, undo_part.c.stale).where(undo_part.c.undo_id == undo_id)
    return [Part(*row) for row in conn.execute(found.order_by(undo_part.c.n))]
