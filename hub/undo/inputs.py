"""The records of a batch, and what users have done with them since. Reads only.

In: a batch, or some of its objects. Out: its records, the entities that it created, the entities
that users have edited or decided about, the earlier values. Not here: changes (`hub.undo.restoring`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from hub.records import entities, sources
from hub.records.companies import ORGANISATION


@dataclass(frozen=True, slots=True)
class Known:
    """A batch that may be undone."""

    id: int
    kind: str
    source: str
    state: str
    started_at: datetime
    finished_at: datetime | None


PERSON = "person"
HAVE_ENTITIES = (PERSON, ORGANISATION)
Key = tuple[str, str, str]  # source, stream, the vendor's id of an object


_BATCH = """
SELECT b.id, b.kind, b.source, b.state, b.started_at, b.finished_at FROM ops.batch b
WHERE b.id = :id
"""
_LOCKED = text(f"{_BATCH} FOR UPDATE")
_READ = text(_BATCH)


def batch(conn: Connection, batch_id: int, *, lock: bool = True) -> Known | None:
    """Return a batch, and lock it; None where there is none."""
    row = conn.execute(_LOCKED if lock else _READ, {"id": batch_id}).one_or_none()
    return None if row is None else Known(*row)


def source_of(conn: Connection, batch_id: int) -> str | None:
    """Return the source of a batch."""
    found: str | None = conn.execute(
        text("SELECT source FROM ops.batch WHERE id = :id"), {"id": batch_id}
    ).scalar_one_or_none()
    return found


@dataclass(frozen=True, slots=True)
class Brought:
    """A record that the batch made or changed.

    Args:
        id: the source record.
        source: vendor name.
        stream: stream name.
        source_id: the vendor's id of the object.
        target: person, organisation, ticket, inquiry, user, …
        entity_id: the entity that it belongs to now.
        is_latest: no later batch read the object again.
        was_known: the record had a version before the batch.
    """

    id: int
    source: str
    stream: str
    source_id: str
    target: str
    entity_id: int | None
    is_latest: bool
    was_known: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """Return the key of its object."""
        return self.source, self.stream, self.source_id

    @property
    def name(self) -> str:
        """Return its name as users type it: source/stream/id."""
        return "/".join(self.key)


_BROUGHT = """
WITH o AS MATERIALIZED (
  SELECT r.source, r.stream, r.source_id, array_agg(r.id) AS raws FROM {raws}
  WHERE r.batch_id = :batch AND r.withdrawn_by IS NULL GROUP BY r.source, r.stream, r.source_id
)
SELECT s.id, s.source, s.stream, s.source_id, s.target, s.entity_id,
       h.raw_id = ANY(o.raws) AS is_latest, v.first IS NOT NULL AS was_known
FROM o JOIN landing.head h USING (source, stream, source_id)
JOIN ops.source_record s USING (source, stream, source_id)
CROSS JOIN LATERAL (SELECT min(replaced_by) AS first FROM ops.record_version
                    WHERE record_id = s.id AND replaced_by = ANY(o.raws)) v
WHERE s.withdrawn_by IS NULL
  AND (s.raw_id = ANY(o.raws) OR v.first IS NOT NULL OR h.raw_id <> ALL(o.raws))
ORDER BY s.id
"""
KEYS = """
unnest(CAST(:sources AS text[]), CAST(:streams AS text[]), CAST(:source_ids AS text[]))
  AS k(source, stream, source_id)
"""
# OFFSET 0 makes PostgreSQL probe the index for each object: read by batch, a large one is read whole.
RAWS_OF_KEYS = f"""
{KEYS} CROSS JOIN LATERAL (
  SELECT x.id, x.source, x.stream, x.source_id, x.batch_id, x.withdrawn_by FROM landing.raw x
  WHERE x.source = k.source AND x.stream = k.stream AND x.source_id = k.source_id OFFSET 0) r
"""  # noqa: S608 our own text
_ALL_BROUGHT = text(_BROUGHT.format(raws="landing.raw r"))
_BROUGHT_OF = text(_BROUGHT.format(raws=RAWS_OF_KEYS))


def key_arrays(keys: Sequence[Key]) -> dict[str, list[str]]:
    """Return the values of `KEYS`, a list of objects in SQL."""
    return {
        "sources": [k[0] for k in keys],
        "streams": [k[1] for k in keys],
        "source_ids": [k[2] for k in keys],
    }


def brought(conn: Connection, batch_id: int, keys: Sequence[Key] | None = None) -> list[Brought]:
    """Return the records that a batch made or changed and that were not undone yet.

    Args:
        conn: an open connection.
        batch_id: the batch.
        keys: only the records of these objects.
    """
    if keys is None:
        rows = conn.execute(_ALL_BROUGHT, {"batch": batch_id})
    else:
        rows = conn.execute(_BROUGHT_OF, {"batch": batch_id, **key_arrays(keys)})
    return [Brought(*row) for row in rows]


# Only streams that are mapped have verdicts: a form's definition stays. An object stays too if a
# later batch has read it.
UNMARKED = """
WHERE r.batch_id = :batch AND r.withdrawn_by IS NULL
  AND EXISTS (SELECT 1 FROM ops.verdict v WHERE v.batch_id = r.batch_id
              AND v.source = r.source AND v.stream = r.stream AND v.source_id = r.source_id)
  AND EXISTS (SELECT 1 FROM landing.head h JOIN landing.raw n ON n.id = h.raw_id
              WHERE h.source = r.source AND h.stream = r.stream AND h.source_id = r.source_id
                AND n.batch_id = r.batch_id)
"""
_RAW_KEYS = text(f"""
SELECT DISTINCT r.source, r.stream, r.source_id FROM landing.raw r {UNMARKED}
ORDER BY r.source, r.stream, r.source_id
""")  # noqa: S608 our own text


def raw_keys(conn: Connection, batch_id: int) -> list[Key]:
    """Return the objects whose newest raw version is of the batch and not undone."""
    rows = conn.execute(_RAW_KEYS, {"batch": batch_id})
    return [(row.source, row.stream, row.source_id) for row in rows]


_DECIDED = text("""
SELECT DISTINCT s.entity_id FROM ops.edge e JOIN ops.source_record s ON s.id IN (e.a, e.b)
WHERE e.revoked_at IS NULL AND e.judgement = 'same' AND starts_with(e.made_by, 'person:')
  AND e.made_at >= :since AND s.entity_id IS NOT NULL
  AND (e.a = ANY(:ids) OR e.b = ANY(:ids))
""")


def decided(conn: Connection, record_ids: Sequence[int], since: datetime) -> set[int]:
    """Return the entities in which a user merged one of these records with another."""
    rows = conn.execute(_DECIDED, {"ids": list(record_ids), "since": since})
    return set(rows.scalars())


_CREATED_BY = text("""
SELECT e.id FROM ops.entity e JOIN ops.batch b ON b.id = :batch
LEFT JOIN crm.lead l ON l.entity_id = e.id LEFT JOIN crm.contact c ON c.entity_id = e.id
WHERE e.id = ANY(:ids) AND (b.id IN (e.batch_id, l.batch_id, c.batch_id)
  OR l.recorded_at BETWEEN b.started_at AND coalesce(b.finished_at, now())
  OR c.recorded_at BETWEEN b.started_at AND coalesce(b.finished_at, now()))
""")


def created_by(conn: Connection, batch_id: int, entity_ids: Sequence[int]) -> dict[int, int]:
    """Return which of these entities, and of those merged into them, the batch created.

    Returns:
        Entity → the one that holds its records now.
    """
    root_of = entities.roots(conn, entity_ids)
    rows = conn.execute(_CREATED_BY, {"ids": sorted(root_of), "batch": batch_id})
    return {i: root_of[i] for i in rows.scalars()}


_EDITED = text("""
SELECT entity_id FROM ops.edit WHERE revoked_at IS NULL AND entity_id = ANY(:ids)
UNION
SELECT entity_id FROM ops.change WHERE entity_id = ANY(:ids) AND who NOT IN ('sync', 'inquiry')
  AND NOT fields ?| ARRAY['merged', 'unmerged', 'review', 'undone']
""")


def edited(conn: Connection, entity_ids: Sequence[int]) -> set[int]:
    """Return the entities that a user has edited, or whose owner a user has changed."""
    return set(conn.execute(_EDITED, {"ids": list(entity_ids)}).scalars())


_ROUTED = text("""
SELECT DISTINCT l.id FROM ops.batch b JOIN ops.assignment t ON t.at BETWEEN b.started_at AND b.finished_at
JOIN crm.lead l ON l.id = t.lead_id JOIN ops.batch o ON o.id = l.batch_id
WHERE b.id = :batch AND o.finished_at < b.started_at ORDER BY l.id
""")


def routed_meanwhile(conn: Connection, batch_id: int) -> list[int]:
    """Return leads of earlier batches that got their owner while this one ran."""
    return list(conn.execute(_ROUTED, {"batch": batch_id}).scalars())


@dataclass(frozen=True, slots=True)
class Before:
    """What a record was before the batch: taken out by an earlier undo, or in a role."""

    is_undone: bool
    role: str | None


_BEFORE = text(f"""
SELECT f.record_id, f.withdrawn_by IS NOT NULL AS is_undone, f.role FROM ({sources.FIRST_VERSIONS}) f
""")  # noqa: S608 our own text


def before(conn: Connection, batch_id: int, record_ids: Sequence[int]) -> dict[int, Before]:
    """Return what records were before the batch; a record that the batch made is not in it."""
    rows = conn.execute(_BEFORE, {"batch": batch_id, "ids": list(record_ids)})
    return {row.record_id: Before(row.is_undone, row.role) for row in rows}


def roles(conn: Connection, record_ids: Sequence[int]) -> dict[int, str]:
    """Return the roles that records ask for now: lead, contact, person; of a company, organisation."""
    rows = conn.execute(
        text(
            "SELECT id, coalesce(role, target) AS role FROM ops.source_record "
            "WHERE id = ANY(:ids) AND withdrawn_by IS NULL"
        ),
        {"ids": list(record_ids)},
    )
    return {row.id: row.role for row in rows}
