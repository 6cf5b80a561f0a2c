"""Objects that records name and that are not there yet. Owns `ops.wanted`.

A deal may arrive before its contact, an activity before its deal, a company before its parent. Load
writes here what a record names in vain. When such an object is loaded, the records that name it are
loaded again. Not here: which stage loads them (`hub.etl.relations`).
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, TextClause, text

from hub.frozen import dataclass

ObjectKey = tuple[str, str, str]
"""Source, stream, and the id of an object there."""

_FORGET = text("DELETE FROM ops.wanted WHERE record_id = ANY(CAST(:ids AS bigint[]))")
_WANT = text("""
INSERT INTO ops.wanted (record_id, source, stream, source_id)
SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:sources AS text[]), CAST(:streams AS text[]),
  CAST(:source_ids AS text[])) ON CONFLICT DO NOTHING
""")


def replace(
    conn: Connection, record_ids: Sequence[int], wanted: Iterable[tuple[int, ObjectKey]]
) -> None:
    """Note what records name in vain, in place of what was noted of them before.

    Args:
        conn: an open transaction.
        record_ids: the records.
        wanted: record and object, once for each object that is not there.
    """
    rows = sorted(set(wanted))
    if record_ids and is_any(conn):
        conn.execute(_FORGET, {"ids": list(record_ids)})
    if rows:
        conn.execute(
            _WANT,
            {
                "ids": [record for record, _ in rows],
                "sources": [key[0] for _, key in rows],
                "streams": [key[1] for _, key in rows],
                "source_ids": [key[2] for _, key in rows],
            },
        )


def is_any(conn: Connection) -> bool:
    """Tell whether any record waits for an object."""
    return bool(conn.execute(text("SELECT EXISTS (SELECT 1 FROM ops.wanted)")).scalar_one())


# An object may be named by the id of one that the vendor merged into it.
_TAKE = """
WITH came AS (
  SELECT s.source, s.stream, s.source_id FROM unnest(CAST(:ids AS bigint[])) AS i(id)
  CROSS JOIN LATERAL (
    SELECT source, stream, source_id FROM ops.source_record WHERE {column} = i.id OFFSET 0) s
), named AS (
  SELECT * FROM came
  UNION SELECT a.source, a.stream, a.source_id FROM came c CROSS JOIN LATERAL (
    SELECT source, stream, source_id FROM ops.source_record
    WHERE source = c.source AND stream = c.stream AND alias_of = c.source_id OFFSET 0) a
)
DELETE FROM ops.wanted w USING named n
WHERE w.source = n.source AND w.stream = n.stream AND w.source_id = n.source_id
RETURNING w.record_id
"""
_TAKE_OF_ENTITIES = text(_TAKE.format(column="entity_id"))
_TAKE_OF_RECORDS = text(_TAKE.format(column="id"))


def take_of_entities(conn: Connection, entity_ids: Sequence[int]) -> list[int]:
    """Return the records that wait for objects of people or companies; they wait no longer."""
    return _taken(conn, _TAKE_OF_ENTITIES, entity_ids)


def take_of_records(conn: Connection, record_ids: Sequence[int]) -> list[int]:
    """Return the records that wait for the objects of these records; they wait no longer."""
    return _taken(conn, _TAKE_OF_RECORDS, record_ids)


def _taken(conn: Connection, statement: TextClause, ids: Sequence[int]) -> list[int]:
    if not ids or not is_any(conn):
        return []
    return sorted(set(conn.execute(statement, {"ids": list(ids)}).scalars()))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that has no verdict yet, because what it names is not there."""

    record_id: int
    target: str
    lane: str
    batch_id: int
    raw_id: int
    key: ObjectKey
    names: str


# The verdict is open: the record is in no queue, and no stage has given it one.
_WITHOUT_VERDICT = text("""
SELECT s.id, s.target, s.lane, s.batch_id, s.raw_id, s.source, s.stream, s.source_id,
  string_agg(w.stream || '/' || w.source_id, ', ' ORDER BY w.stream, w.source_id) AS names
FROM ops.wanted w JOIN ops.source_record s ON s.id = w.record_id
WHERE s.batch_id = :batch AND s.withdrawn_by IS NULL AND s.gone_at IS NULL
  AND s.target = ANY(CAST(:targets AS text[]))
  AND EXISTS (SELECT 1 FROM ops.verdict v WHERE v.batch_id = s.batch_id AND v.source = s.source
              AND v.stream = s.stream AND v.source_id = s.source_id AND v.verdict IS NULL)
GROUP BY s.id ORDER BY s.id
""")


def without_verdict(conn: Connection, batch_id: int, targets: Sequence[str]) -> list[Waiting]:
    """Return the records of a batch that wait for objects and have no verdict."""
    if not is_any(conn):
        return []
    rows = conn.execute(_WITHOUT_VERDICT, {"batch": batch_id, "targets": list(targets)})
    return [
        Waiting(
            row.id,
            row.target,
            row.lane,
            row.batch_id,
            row.raw_id,
            (row.source, row.stream, row.source_id),
            row.names,
        )
        for row in rows
    ]


# A load that ran beside the one that brought the object may have missed it.
_TAKE_THERE = text("""
DELETE FROM ops.wanted w USING ops.source_record s
WHERE s.source = w.source AND s.stream = w.stream AND s.source_id = w.source_id
  AND s.withdrawn_by IS NULL AND s.gone_why IS DISTINCT FROM 'rejected'
  AND (s.entity_id IS NOT NULL OR s.target IN ('deal', 'user'))
RETURNING w.record_id
""")


def take_there(conn: Connection) -> list[int]:
    """Return the records that wait for objects of which there is a record; they wait no longer."""
    return sorted(set(conn.execute(_TAKE_THERE).scalars())) if is_any(conn) else []
