"""What a batch brought, and its way back: source records, raw versions, heads, edges.

A record that the batch made is marked as undone, one that it changed says again what it said
before (`ops.record_version`). The raw rows stay, marked: nobody reads them as the newest again. Not
here: the rows of the CRM, and who may do it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Known:
    """A batch that may be undone."""

    id: int
    kind: str
    source: str
    state: str
    started_at: datetime
    finished_at: datetime | None


_BATCH = text("""
SELECT b.id, b.kind, b.source, b.state, b.started_at, b.finished_at FROM ops.batch b WHERE b.id = :id FOR UPDATE OF b
""")


def batch(conn: Connection, batch_id: int) -> Known | None:
    """Lock and return a batch; None where there is none."""
    row = conn.execute(_BATCH, {"id": batch_id}).one_or_none()
    return None if row is None else Known(*row)


def source_of(conn: Connection, batch_id: int) -> str | None:
    """Return the source that a batch is of."""
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
        target: what of the object it is.
        entity_id: whom it is in now.
        is_latest: no later batch brought the object again.
        was_known: it had said something before the batch.
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
        """Return the object it is of."""
        return self.source, self.stream, self.source_id

    @property
    def name(self) -> str:
        """Return how people name it."""
        return "/".join(self.key)


_BROUGHT = text("""
WITH o AS MATERIALIZED (
  SELECT source, stream, source_id, array_agg(id) AS raws FROM landing.raw
  WHERE batch_id = :batch AND withdrawn_by IS NULL GROUP BY source, stream, source_id
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
""")


def brought(conn: Connection, batch_id: int) -> list[Brought]:
    """Return the records that a batch made or changed and that were not undone yet."""
    return [Brought(*row) for row in conn.execute(_BROUGHT, {"batch": batch_id})]


def co_members(conn: Connection, record_ids: Sequence[int], target: str) -> dict[int, int]:
    """Return every record of a target that shares an entity with one of these: record → entity."""
    rows = conn.execute(
        text(
            "SELECT DISTINCT o.id, o.entity_id FROM ops.source_record s "
            "JOIN ops.source_record o USING (entity_id) "
            "WHERE s.id = ANY(:ids) AND s.target = :target AND o.target = :target"
        ),
        {"ids": list(record_ids), "target": target},
    )
    return {row.id: row.entity_id for row in rows}


_RESTORE = text("""
WITH first AS (
  SELECT DISTINCT ON (v.record_id) v.* FROM ops.record_version v
  JOIN landing.raw r ON r.id = v.replaced_by
  WHERE v.record_id = ANY(:ids) AND r.batch_id = :batch AND r.withdrawn_by IS NULL
  ORDER BY v.record_id, v.replaced_by
)
UPDATE ops.source_record s SET
  raw_id = f.raw_id, batch_id = f.batch_id, lane = f.lane, mapping_version = f.mapping_version,
  trust = f.trust, role = f.role, canonical = f.canonical, canonical_hash = f.canonical_hash,
  refs = f.refs, source_at = f.source_at, gone_at = f.gone_at, gone_why = f.gone_why,
  alias_of = f.alias_of,
  verdict = f.verdict, withdrawn_by = f.withdrawn_by,
  entity_id = CASE WHEN f.withdrawn_by IS NULL THEN s.entity_id END
FROM first f WHERE s.id = f.record_id
RETURNING s.id, s.withdrawn_by IS NOT NULL AS is_undone
""")
_FORGET_VERSIONS = text("""
DELETE FROM ops.record_version v USING landing.raw r
WHERE r.id = v.replaced_by AND r.batch_id = :batch AND v.record_id = ANY(:ids)
""")


def restore(conn: Connection, batch_id: int, record_ids: Sequence[int]) -> set[int]:
    """Let records say what they said before the batch; returns those that were undone then."""
    args = {"batch": batch_id, "ids": list(record_ids)}
    undone = {row.id for row in conn.execute(_RESTORE, args) if row.is_undone}
    conn.execute(_FORGET_VERSIONS, args)
    return undone


def mark_undone(conn: Connection, record_ids: Sequence[int], undo_id: int) -> None:
    """Take records out of everything, until their source brings them again."""
    conn.execute(
        text(
            "UPDATE ops.source_record SET withdrawn_by = :undo, entity_id = NULL, "
            "joined_batch_id = NULL, verdict = NULL WHERE id = ANY(:ids)"
        ),
        {"undo": undo_id, "ids": list(record_ids)},
    )


def move_anchors(conn: Connection, undone: Sequence[int], co_members: dict[int, int]) -> None:
    """Let entities that began with an undone record begin with the oldest that they still have."""
    left: dict[int, int] = {}
    for record, entity in co_members.items():
        left[entity] = min(record, left.get(entity, record))
    conn.execute(
        text(
            "UPDATE ops.entity e SET anchor_id = l.record FROM unnest(CAST(:e AS bigint[]), "
            "CAST(:r AS bigint[])) AS l(entity, record) "
            "WHERE e.id = l.entity AND e.anchor_id = ANY(:gone)"
        ),
        {"e": list(left), "r": list(left.values()), "gone": list(undone)},
    )


def forget_links(conn: Connection, undone: Sequence[int], changed: Sequence[int]) -> None:
    """Drop what was judged of undone records, and what vendors said of any of these.

    What people decided stands: it counts again when the record comes back.
    """
    conn.execute(
        text(
            "UPDATE ops.edge SET revoked_at = now() WHERE revoked_at IS NULL "
            "AND made_by = 'vendor' AND (a = ANY(:ids) OR b = ANY(:ids))"
        ),
        {"ids": [*undone, *changed]},
    )
    for statement in _FORGET_JUDGED:
        conn.execute(statement, {"ids": list(undone)})


_FORGET_JUDGED = (
    text(
        "DELETE FROM ops.edge WHERE revoked_at IS NULL "
        "AND (made_by LIKE 'model:%' OR made_by = 'held') "
        "AND (a = ANY(:ids) OR b = ANY(:ids))"
    ),
    text("DELETE FROM ops.review WHERE decided_at IS NULL AND (a = ANY(:ids) OR b = ANY(:ids))"),
    text("DELETE FROM ops.pending WHERE stage = 'match' AND ref = ANY(:ids)"),
)

# Only streams that are mapped have verdicts: a form's definition stays.
_MARK_RAWS = text("""
WITH kept AS (
  SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:streams AS text[]), CAST(:ids AS text[]))
    AS k(source, stream, source_id)
), marked AS (
  UPDATE landing.raw r SET withdrawn_by = :undo
  WHERE r.batch_id = :batch AND r.withdrawn_by IS NULL
    AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.source = r.source AND k.stream = r.stream
                    AND k.source_id = r.source_id)
    AND EXISTS (SELECT 1 FROM ops.verdict v WHERE v.batch_id = r.batch_id
                AND v.source = r.source AND v.stream = r.stream AND v.source_id = r.source_id)
    AND EXISTS (SELECT 1 FROM landing.head h JOIN landing.raw n ON n.id = h.raw_id
                WHERE h.source = r.source AND h.stream = r.stream AND h.source_id = r.source_id
                  AND n.batch_id = r.batch_id)
  RETURNING r.id, r.source, r.stream, r.source_id
), closed AS (
  UPDATE landing.quarantine q SET resolved_at = now() FROM marked m
  WHERE q.raw_id = m.id AND q.resolved_at IS NULL
), before AS (
  SELECT m.source, m.stream, m.source_id, p.id, p.hash, p.op
  FROM (SELECT DISTINCT source, stream, source_id FROM marked) m
  LEFT JOIN LATERAL (
    SELECT r.id, r.hash, r.op FROM landing.raw r
    WHERE r.source = m.source AND r.stream = m.stream AND r.source_id = m.source_id
      AND r.withdrawn_by IS NULL AND r.id NOT IN (SELECT id FROM marked)
    ORDER BY r.id DESC LIMIT 1) p ON true
), pointed AS (
  UPDATE landing.head h SET raw_id = b.id, hash = b.hash, op = b.op FROM before b
  WHERE b.id IS NOT NULL
    AND h.source = b.source AND h.stream = b.stream AND h.source_id = b.source_id
)
DELETE FROM landing.head h USING before b
WHERE b.id IS NULL AND h.source = b.source AND h.stream = b.stream AND h.source_id = b.source_id
""")


def mark_raws_undone(
    conn: Connection, batch_id: int, undo_id: int, kept: Sequence[tuple[str, str, str]]
) -> None:
    """Mark the batch's raw rows, and point each object's head to the version before.

    An object without one has no head: it lands again when the source is read from the beginning,
    changed or not.
    """
    conn.execute(
        _MARK_RAWS,
        {
            "batch": batch_id,
            "undo": undo_id,
            "sources": [k[0] for k in kept],
            "streams": [k[1] for k in kept],
            "ids": [k[2] for k in kept],
        },
    )


_DECIDED = text("""
SELECT DISTINCT s.entity_id FROM ops.edge e JOIN ops.source_record s ON s.id IN (e.a, e.b)
WHERE e.revoked_at IS NULL AND e.judgement = 'same' AND starts_with(e.made_by, 'person:')
  AND e.made_at >= :since AND s.entity_id IS NOT NULL
  AND (e.a = ANY(:ids) OR e.b = ANY(:ids))
""")


def decided(conn: Connection, record_ids: Sequence[int], since: datetime) -> set[int]:
    """Return the entities in which people made one of these records one with another."""
    rows = conn.execute(_DECIDED, {"ids": list(record_ids), "since": since})
    return set(rows.scalars())


_CREATED_BY = text("""
WITH RECURSIVE whole AS (
  SELECT id AS root, id FROM ops.entity WHERE id = ANY(:ids)
  UNION
  SELECT w.root, m.id FROM whole w JOIN ops.entity m ON m.merged_into = w.id)
SELECT w.root, w.id FROM whole w JOIN ops.entity e USING (id) JOIN ops.batch b ON b.id = :batch
LEFT JOIN crm.lead l ON l.entity_id = w.id LEFT JOIN crm.contact c ON c.entity_id = w.id
WHERE b.id IN (e.batch_id, l.batch_id, c.batch_id)
  OR l.recorded_at BETWEEN b.started_at AND coalesce(b.finished_at, now())
  OR c.recorded_at BETWEEN b.started_at AND coalesce(b.finished_at, now())
""")


def created_by(conn: Connection, batch_id: int, entity_ids: Sequence[int]) -> dict[int, int]:
    """Return who of these, and of those merged into them, came into the CRM with the batch.

    Returns:
        Entity → the one that holds its records now.
    """
    rows = conn.execute(_CREATED_BY, {"ids": list(entity_ids), "batch": batch_id})
    return {row.id: row.root for row in rows}


_EDITED = text("""
SELECT entity_id FROM ops.edit WHERE revoked_at IS NULL AND entity_id = ANY(:ids)
UNION
SELECT entity_id FROM ops.change WHERE entity_id = ANY(:ids) AND who NOT IN ('sync', 'inquiry')
  AND NOT fields ?| ARRAY['merged', 'unmerged', 'review', 'undone']
""")


def edited(conn: Connection, entity_ids: Sequence[int]) -> set[int]:
    """Return the entities that somebody has typed into, or given away."""
    return set(conn.execute(_EDITED, {"ids": list(entity_ids)}).scalars())


_CONSENTS = text("""
SELECT concat_ws('/', s.source, s.stream, s.source_id) AS record, c.channel, c.state
FROM ops.consent_event c JOIN ops.source_record s ON s.id = c.record_id
WHERE c.record_id = ANY(:ids) ORDER BY c.id
""")


def consents(conn: Connection, record_ids: Sequence[int]) -> list[tuple[str, str, str]]:
    """Return what these records said of consent: (record, channel, state) each."""
    return [
        (row.record, row.channel, row.state)
        for row in conn.execute(_CONSENTS, {"ids": list(record_ids)})
    ]


_ROUTED = text("""
SELECT DISTINCT l.id FROM ops.batch b JOIN ops.assignment t ON t.at BETWEEN b.started_at AND b.finished_at
JOIN crm.lead l ON l.id = t.lead_id JOIN ops.batch o ON o.id = l.batch_id
WHERE b.id = :batch AND o.finished_at < b.started_at ORDER BY l.id
""")


def routed_meanwhile(conn: Connection, batch_id: int) -> list[int]:
    """Return leads of earlier batches that got their owner while this one ran."""
    return list(conn.execute(_ROUTED, {"batch": batch_id}).scalars())


def note_undone(conn: Connection, who: str, entity_ids: Sequence[int], batch_id: int) -> None:
    """Append to the history of entities that a batch was taken back."""
    conn.execute(
        text(
            "INSERT INTO ops.change (entity_id, who, fields) SELECT e, :who, "
            "jsonb_build_object('undone', jsonb_build_object('old', CAST(:batch AS bigint), "
            "'new', NULL)) FROM unnest(CAST(:ids AS bigint[])) AS e"
        ),
        {"who": who, "batch": batch_id, "ids": sorted(set(entity_ids))},
    )


def undone_of(conn: Connection, record_ids: Sequence[int]) -> set[int]:
    """Return those of the records that are undone."""
    rows = conn.execute(
        text("SELECT id FROM ops.source_record WHERE withdrawn_by IS NOT NULL AND id = ANY(:ids)"),
        {"ids": list(record_ids)},
    )
    return set(rows.scalars())
