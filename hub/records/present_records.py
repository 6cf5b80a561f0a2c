"""The living source records of a stream's objects. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.model.records import JsonValue
from hub.records.queue import Queued

_PEOPLE_OF = text("""
SELECT id, lane, batch_id FROM ops.source_record WHERE source = :source AND stream = :stream
AND source_id = ANY(CAST(:ids AS text[])) AND target = 'person' AND withdrawn_by IS NULL
""")


def people_of(conn: Connection, source: str, stream: str, ids: Sequence[str]) -> list[Queued]:
    """Return the people that objects gave, as the matching queue takes them."""
    if not ids:
        return []
    rows = conn.execute(_PEOPLE_OF, {"source": source, "stream": stream, "ids": list(ids)})
    return [(row.id, row.lane, row.batch_id) for row in rows]


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored canonical record."""

    source_id: str
    target: str
    role: str | None
    values: Mapping[str, JsonValue]
    refs: Mapping[str, str]


def stored(conn: Connection, source: str, stream: str, source_ids: Sequence[str]) -> list[Stored]:
    """Return the living canonical records of objects."""
    rows = conn.execute(
        text(
            "SELECT source_id, target, role, canonical, refs FROM ops.source_record "
            "WHERE source = :source AND stream = :stream AND source_id = ANY(:ids) "
            "AND gone_at IS NULL AND withdrawn_by IS NULL"
        ),
        {"source": source, "stream": stream, "ids": list(source_ids)},
    )
    return [Stored(*row) for row in rows]
