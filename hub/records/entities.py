"""Entities: their anchors (the records with which they began), merges, and versions. Owns `ops.entity`."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.folding import StaleEntity

WHOLE = """
whole AS (
  SELECT id AS root, id FROM ops.entity WHERE id = ANY(:ids)
  UNION
  SELECT w.root, m.id FROM whole w CROSS JOIN LATERAL (
    SELECT id FROM ops.entity WHERE merged_into = w.id OFFSET 0) m
)
"""
"""SQL: the entities `ids`, each with those that were merged into it: (root, id); write RECURSIVE before it."""


@dataclass(frozen=True, slots=True)
class NewEntity:
    """An entity to make: the record that it begins with, the batch that makes it, and its lane."""

    anchor_id: int
    batch_id: int
    lane: str


_INSERT = text("""
INSERT INTO ops.entity (kind, anchor_id, batch_id, lane)
SELECT :kind, anchor, batch, lane
FROM unnest(CAST(:anchors AS bigint[]), CAST(:batches AS bigint[]), CAST(:lanes AS text[]))
  AS n(anchor, batch, lane)
ORDER BY anchor
RETURNING id, anchor_id
""")


def insert(conn: Connection, new: Sequence[NewEntity], *, kind: str = "person") -> dict[int, int]:
    """Make entities, each with another anchor; returns anchor → entity.

    A new entity is stale (version 1, folded 0), so no caller needs to bump it.
    """
    if not new:
        return {}
    args = {
        "kind": kind,
        "anchors": [one.anchor_id for one in new],
        "batches": [one.batch_id for one in new],
        "lanes": [one.lane for one in new],
    }
    return {row.anchor_id: row.id for row in conn.execute(_INSERT, args)}


_LOCK = text(
    "SELECT id, merged_into FROM ops.entity WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"
)


def lock_entities(conn: Connection, ids: Iterable[int]) -> set[int]:
    """Lock entities in their order; call before their records are moved or written.

    Returns:
        Those that are merged into another.
    """
    wanted = sorted(set(ids))
    rows = conn.execute(_LOCK, {"ids": wanted}).all() if wanted else ()
    return {row.id for row in rows if row.merged_into is not None}


_MERGE = text("""
UPDATE ops.entity e SET merged_into = m.survivor
FROM unnest(CAST(:merged AS bigint[]), CAST(:survivors AS bigint[])) AS m(id, survivor)
WHERE e.id = m.id AND e.id = ANY(:merged)
""")


def merge_entities(conn: Connection, merged: Mapping[int, int]) -> None:
    """Point entities that lost all their records to their survivors (merged → survivor)."""
    if merged:
        conn.execute(_MERGE, {"merged": list(merged), "survivors": list(merged.values())})


def lost_entities(conn: Connection, ids: Sequence[int], kind: str) -> dict[int, list[int]]:
    """Return merged entities that began with one of the records: record → entities, oldest first."""
    if not ids:
        return {}
    rows = conn.execute(
        text(
            "SELECT anchor_id, id FROM ops.entity WHERE anchor_id = ANY(:ids) "
            "AND merged_into IS NOT NULL AND kind = :kind ORDER BY id"
        ),
        {"ids": list(ids), "kind": kind},
    )
    found: dict[int, list[int]] = {}
    for record, entity in rows:
        found.setdefault(record, []).append(entity)
    return found


def revive_entities(conn: Connection, ids: Sequence[int]) -> None:
    """Entities that hold records again are no longer merged into another."""
    if ids:
        conn.execute(
            text(
                "UPDATE ops.entity SET merged_into = NULL "
                "WHERE id = ANY(:ids) AND merged_into IS NOT NULL"
            ),
            {"ids": list(ids)},
        )


_BUMP_QUIETLY = text("""
UPDATE ops.entity SET version = version + 1, quiet_version = CASE
  WHEN version IN (folded_version, quiet_version) THEN version + 1 ELSE quiet_version END
WHERE id = ANY(:ids)
""")


def bump(conn: Connection, ids: Iterable[int], *, quietly: bool = False) -> None:
    """Mark entities as stale, so that load folds them again.

    Args:
        conn: an open transaction.
        ids: entities.
        quietly: only the hub's own rules changed, so the fold sends no single alerts. Other causes
            before the fold still send their notifications.
    """
    statement = text("UPDATE ops.entity SET version = version + 1 WHERE id = ANY(:ids)")
    if wanted := sorted(set(ids)):
        conn.execute(_BUMP_QUIETLY if quietly else statement, {"ids": wanted})


_HASTEN = text("""
UPDATE ops.entity e SET lane = 'live' FROM ops.source_record s
WHERE s.id = ANY(:ids) AND s.entity_id = e.id AND e.lane = 'bulk'
  AND e.folded_version > 0 AND e.version > e.folded_version
""")


def hasten(conn: Connection, record_ids: Sequence[int]) -> None:
    """Put stale entities of live records into the live lane, though an initial load has made them.

    An entity that has no rows yet stays in the lane of its load. Call it under the identity lock, in the
    transaction that has made the entities stale.
    """
    conn.execute(_HASTEN, {"ids": list(record_ids)})


def of_records(conn: Connection, record_ids: Sequence[int]) -> list[int]:
    """Return the entities that hold records."""
    rows = conn.execute(
        text(
            "SELECT DISTINCT entity_id FROM ops.source_record "
            "WHERE id = ANY(:ids) AND entity_id IS NOT NULL ORDER BY 1"
        ),
        {"ids": list(record_ids)},
    )
    return list(rows.scalars())


def mark_folded(conn: Connection, folded: Sequence[StaleEntity]) -> None:
    """Store the folded version; an entity that was bumped meanwhile stays stale."""
    conn.execute(
        text(
            "UPDATE ops.entity e SET folded_version = f.version FROM unnest(CAST(:ids AS bigint[]), "
            "CAST(:versions AS bigint[])) AS f(id, version) WHERE e.id = f.id"
        ),
        {"ids": [e.id for e in folded], "versions": [e.version for e in folded]},
    )


def bump_all(conn: Connection) -> int:
    """Make every entity stale, because a rule of the fold has changed; returns how many."""
    conn.execute(text("SELECT 1 FROM ops.entity ORDER BY id FOR NO KEY UPDATE"))
    done = conn.execute(
        text("UPDATE ops.entity SET version = version + 1 WHERE merged_into IS NULL")
    )
    return done.rowcount


def anchors(conn: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Return entity → the record it began with."""
    rows = conn.execute(
        text("SELECT id, anchor_id FROM ops.entity WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )
    return {row.id: row.anchor_id for row in rows}


_ASTRAY = text("""
WITH RECURSIVE up AS (
  SELECT e.id AS lost, e.anchor_id, e.id, e.merged_into
  FROM ops.entity e WHERE e.anchor_id = ANY(:ids) AND e.merged_into IS NOT NULL AND e.kind = 'person'
  UNION
  SELECT u.lost, u.anchor_id, n.id, n.merged_into FROM up u JOIN ops.entity n ON n.id = u.merged_into
)
UPDATE ops.entity e SET merged_into = s.entity_id
FROM up u JOIN ops.source_record s ON s.id = u.anchor_id
WHERE u.merged_into IS NULL AND e.id = u.lost AND s.entity_id IS NOT NULL
  AND s.entity_id NOT IN (u.id, e.id)
RETURNING e.id
""")


def call_home(conn: Connection, record_ids: Sequence[int]) -> set[int]:
    """Point merged entities to the entity that now has the record with which they began.

    In a chain, A into B into C, one merge may have been undone. A merged entity follows its own
    record. Call when the records have been moved. Returns the entities that point elsewhere now.
    """
    return set(conn.execute(_ASTRAY, {"ids": list(record_ids)}).scalars())


_MERGED_INTO = text("""
SELECT m.id, i.id AS into_id FROM unnest(CAST(:ids AS bigint[])) AS i(id)
CROSS JOIN LATERAL (SELECT id FROM ops.entity WHERE merged_into = i.id OFFSET 0) m
""")


def roots(conn: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Return entities, and all entities that were merged into them, each with the one of `ids` that it is now.

    Few have such entities: a probe for each is cheaper than the room that a recursion makes for its rows.
    """
    found = {i: i for i in ids}
    left = list(ids)
    while left:
        rows = conn.execute(_MERGED_INTO, {"ids": left}).all()
        fresh = {row.id: found[row.into_id] for row in rows if row.id not in found}
        found |= fresh
        left = list(fresh)
    return found


def whole(conn: Connection, ids: Sequence[int]) -> list[int]:
    """Return entities, and all entities that were merged into them."""
    return sorted(roots(conn, ids))


def made_by(conn: Connection, batch_id: int, ids: Sequence[int]) -> set[int]:
    """Return those of the entities that a batch made."""
    rows = conn.execute(
        text("SELECT id FROM ops.entity WHERE batch_id = :batch AND id = ANY(:ids)"),
        {"batch": batch_id, "ids": list(ids)},
    )
    return set(rows.scalars())


def move_anchors(conn: Connection, gone: Sequence[int], oldest: Mapping[int, int]) -> None:
    """Set another anchor for entities whose anchor is gone (entity → record)."""
    conn.execute(
        text(
            "UPDATE ops.entity e SET anchor_id = l.record FROM unnest(CAST(:e AS bigint[]), "
            "CAST(:r AS bigint[])) AS l(entity, record) "
            "WHERE e.id = l.entity AND e.anchor_id = ANY(:gone)"
        ),
        {"e": list(oldest), "r": list(oldest.values()), "gone": list(gone)},
    )
