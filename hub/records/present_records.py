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


# As `hub.model.folding.by_mode` decides which rows of files count.
_IN_FORCE = text("""
SELECT DISTINCT s.source_id FROM ops.source_record s
WHERE s.source = :source AND s.stream = :stream AND s.source_id = ANY(CAST(:ids AS text[]))
  AND s.gone_at IS NULL AND s.withdrawn_by IS NULL AND CASE s.refs ->> 'mode'
    WHEN 'update' THEN EXISTS (
      SELECT 1 FROM ops.source_record o WHERE o.entity_id = s.entity_id AND o.target = s.target
        AND o.gone_at IS NULL AND o.withdrawn_by IS NULL
        AND o.refs ->> 'mode' IS DISTINCT FROM 'update')
    WHEN 'add' THEN NOT EXISTS (
      SELECT 1 FROM ops.source_record o WHERE o.entity_id = s.entity_id AND o.target = s.target
        AND o.withdrawn_by IS NULL AND o.id < s.id
        AND o.refs ->> 'mode' IS DISTINCT FROM 'update')
    ELSE true END
""")


def known_ids(
    conn: Connection, source: str, stream: str, source_ids: Sequence[str]
) -> frozenset[str]:
    """Return the ids of objects that have a record in force; one that its mode left out is not."""
    args = {"source": source, "stream": stream, "ids": [*source_ids]}
    return frozenset(conn.execute(_IN_FORCE, args).scalars())
