"""Who is who: match keys, edges, entities. Written only under the identity lock."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.model.records import JsonValue


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A lead source record as matching and folding need it."""

    id: int
    source: str
    stream: str
    source_id: str
    trust: str
    values: Mapping[str, JsonValue]
    entity_id: int | None
    lane: str
    batch_id: int
    is_gone: bool
    alias_of: str | None

    @property
    def stable_key(self) -> str:
        """Return the name that does not depend on the order of arrival."""
        return f"{self.source}/{self.stream}/{self.source_id}"


_COLUMNS = (
    "id, source, stream, source_id, trust, canonical, entity_id, lane, batch_id, "
    "gone_at IS NOT NULL, alias_of"
)


def load_records(conn: Connection, ids: Iterable[int]) -> dict[int, StoredRecord]:
    """Read records by id."""
    rows = conn.execute(
        text(f"SELECT {_COLUMNS} FROM ops.source_record WHERE id = ANY(:ids)"),  # noqa: S608 constant
        {"ids": list(ids)},
    )
    return {row[0]: StoredRecord(*row) for row in rows}


def every_person(conn: Connection) -> list[StoredRecord]:
    """Read all people's records that were not withdrawn."""
    rows = conn.execute(
        text(
            f"SELECT {_COLUMNS} FROM ops.source_record "  # noqa: S608 constant
            "WHERE target = 'person' AND withdrawn_by IS NULL ORDER BY id"
        )
    )
    return [StoredRecord(*row) for row in rows]


def replace_keys(
    conn: Connection, keys: Sequence[tuple[int, str, str]], ids: Sequence[int]
) -> None:
    """Set the match keys of records: (record, kind, value) each."""
    conn.execute(text("DELETE FROM ops.match_key WHERE record_id = ANY(:ids)"), {"ids": list(ids)})
    if keys:
        conn.execute(
            text(
                "INSERT INTO ops.match_key (record_id, kind, value) "
                "SELECT * FROM unnest(CAST(:r AS bigint[]), CAST(:k AS text[]), CAST(:v AS text[])) "
                "ON CONFLICT DO NOTHING"
            ),
            {"r": [k[0] for k in keys], "k": [k[1] for k in keys], "v": [k[2] for k in keys]},
        )


# A key that more records share than its kind may have says nothing; the count is bounded too.
# Probed key by key: a join would read the whole table for one new record.
_CANDIDATES = text("""
WITH limits AS (SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:limits AS int[])) AS l(kind, most)),
     mine AS (SELECT k.record_id, k.kind, k.value, coalesce(l.most, :cap) AS most
              FROM ops.match_key k LEFT JOIN limits l USING (kind) WHERE k.record_id = ANY(:ids))
SELECT DISTINCT mine.record_id, other
FROM mine
CROSS JOIN LATERAL (
  SELECT array_agg(record_id) AS found FROM (
    SELECT k.record_id FROM ops.match_key k
    WHERE k.kind = mine.kind AND k.value = mine.value LIMIT mine.most + 1) c
  HAVING count(*) <= mine.most) shared
CROSS JOIN LATERAL unnest(shared.found) AS other
WHERE other <> mine.record_id
""")


def candidate_pairs(
    conn: Connection, ids: Sequence[int], *, cap: int, limits: Mapping[str, int]
) -> set[tuple[int, int]]:
    """Return pairs (low id, high id) that share a key and touch one of `ids`.

    Args:
        conn: in the matching transaction.
        ids: records.
        cap: how many records may share a key.
        limits: the same for kinds that differ from it.
    """
    rows = conn.execute(
        _CANDIDATES,
        {"ids": list(ids), "cap": cap, "kinds": list(limits), "limits": list(limits.values())},
    )
    return {(min(a, b), max(a, b)) for a, b in rows}


Key = tuple[str, str]
_CROWDED = text("""
SELECT k.kind, k.value FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[]),
                                   CAST(:limits AS int[])) AS k(kind, value, most)
WHERE (SELECT count(*) FROM (SELECT 1 FROM ops.match_key m
       WHERE m.kind = k.kind AND m.value = k.value LIMIT k.most + 1) c) > k.most
""")


def keys_of(conn: Connection, ids: Sequence[int]) -> set[Key]:
    """Return the keys that records have now."""
    rows = conn.execute(
        text("SELECT DISTINCT kind, value FROM ops.match_key WHERE record_id = ANY(:ids)"),
        {"ids": list(ids)},
    )
    return {(row.kind, row.value) for row in rows}


def crowded(conn: Connection, limits: Mapping[Key, int]) -> set[Key]:
    """Return those of the keys that more records share than the limit beside each."""
    rows = conn.execute(
        _CROWDED,
        {
            "kinds": [k for k, _ in limits],
            "values": [v for _, v in limits],
            "limits": list(limits.values()),
        },
    )
    return {(row.kind, row.value) for row in rows}


def sharers(conn: Connection, keys: Iterable[Key]) -> set[int]:
    """Return the records that have one of the keys."""
    wanted = list(keys)
    rows = conn.execute(
        text(
            "SELECT DISTINCT m.record_id FROM ops.match_key m "
            "JOIN unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS k(kind, value) "
            "USING (kind, value)"
        ),
        {"kinds": [k for k, _ in wanted], "values": [v for _, v in wanted]},
    )
    return set(rows.scalars())


@dataclass(frozen=True, slots=True)
class NewEdge:
    """A judged pair, a < b."""

    a: int
    b: int
    judgement: str
    weight: float
    reasons: Sequence[tuple[str, float]]
    made_by: str


def replace_model_edges(conn: Connection, ids: Sequence[int], edges: Sequence[NewEdge]) -> None:
    """Write the model's judgements of pairs that touch `ids`; earlier ones are revoked."""
    conn.execute(
        text(
            "DELETE FROM ops.edge WHERE made_by LIKE 'model:%' AND revoked_at IS NULL "
            "AND (a = ANY(:ids) OR b = ANY(:ids))"
        ),
        {"ids": list(ids)},
    )
    add_edges(conn, edges)


def add_edges(conn: Connection, edges: Sequence[NewEdge]) -> None:
    """Append judgements; a pair that the same maker has judged already is left as it is."""
    if edges:
        conn.execute(
            text(
                "INSERT INTO ops.edge (a, b, judgement, weight, reasons, made_by) "
                "VALUES (:a, :b, :judgement, :weight, CAST(:reasons AS jsonb), :made_by) "
                "ON CONFLICT DO NOTHING"
            ),
            [
                {
                    "a": e.a, "b": e.b, "judgement": e.judgement, "weight": e.weight,
                    "reasons": json.dumps([list(r) for r in e.reasons]), "made_by": e.made_by,
                }
                for e in edges
            ],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredEdge:
    """A standing judgement."""

    a: int
    b: int
    judgement: str
    weight: float
    made_by: str


def component(conn: Connection, ids: Iterable[int]) -> tuple[set[int], list[StoredEdge]]:
    """Return all records connected with `ids` by a standing edge or a shared entity, and the edges.

    Edges that are not "same" do not extend the component, so one end of them may lie outside.
    """
    members = set(ids)
    frontier = set(members)
    edges: dict[tuple[int, int, str], StoredEdge] = {}
    while frontier:
        rows = conn.execute(
            text(
                "SELECT a, b, judgement, weight, made_by FROM ops.edge WHERE revoked_at IS NULL "
                "AND a = ANY(:ids) UNION "
                "SELECT a, b, judgement, weight, made_by FROM ops.edge WHERE revoked_at IS NULL "
                "AND b = ANY(:ids)"
            ),
            {"ids": list(frontier)},
        ).all()
        reached: set[int] = set()
        for row in rows:
            edges[row.a, row.b, row.made_by] = StoredEdge(*row)
            if row.judgement == "same":
                reached |= {row.a, row.b}
        reached |= set(
            conn.execute(
                text(
                    "SELECT o.id FROM ops.source_record s JOIN ops.source_record o "
                    "ON o.entity_id = s.entity_id AND o.target = 'person' WHERE s.id = ANY(:ids)"
                ),
                {"ids": list(frontier)},
            ).scalars()
        )
        frontier = reached - members
        members |= frontier
    return members, list(edges.values())


def new_entity(conn: Connection, *, anchor_id: int, batch_id: int, lane: str) -> int:
    """Create a person; version 1 is behind, so that load folds it."""
    return int(
        conn.execute(
            text(
                "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane) "
                "VALUES ('person', :anchor, :batch, :lane) RETURNING id"
            ),
            {"anchor": anchor_id, "batch": batch_id, "lane": lane},
        ).scalar_one()
    )


def lock_entities(conn: Connection, ids: Iterable[int]) -> None:
    """Wait for entities, in their order; call before their records are moved or written."""
    conn.execute(
        text("SELECT 1 FROM ops.entity WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"),
        {"ids": sorted(set(ids))},
    )


def move_records(conn: Connection, moves: Mapping[int, int]) -> None:
    """Put records into entities (record → entity) and note the batch that joined them."""
    if moves:
        conn.execute(
            text(
                "UPDATE ops.source_record s SET left_entity_id = s.entity_id, entity_id = m.entity, "
                "  joined_batch_id = s.batch_id "
                "FROM unnest(CAST(:r AS bigint[]), CAST(:e AS bigint[])) AS m(record, entity) "
                "WHERE s.id = m.record"
            ),
            {"r": list(moves), "e": list(moves.values())},
        )


def merge_entities(conn: Connection, merged: Mapping[int, int]) -> None:
    """Point entities that lost all their records to their survivors (merged → survivor)."""
    for entity, survivor in sorted(merged.items()):
        conn.execute(
            text("UPDATE ops.entity SET merged_into = :survivor WHERE id = :entity"),
            {"entity": entity, "survivor": survivor},
        )


def lost_entities(conn: Connection, ids: Sequence[int], kind: str) -> dict[int, list[int]]:
    """Return merged entities that began with one of the records: record → entities, oldest first."""
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
    conn.execute(
        text(
            "UPDATE ops.entity SET merged_into = NULL WHERE id = ANY(:ids) AND merged_into IS NOT NULL"
        ),
        {"ids": list(ids)},
    )


_BUMP_QUIETLY = text("""
UPDATE ops.entity SET version = version + 1, quiet_version = CASE
  WHEN version IN (folded_version, quiet_version) THEN version + 1 ELSE quiet_version END
WHERE id = ANY(:ids)
""")


def bump(conn: Connection, ids: Iterable[int], *, quietly: bool = False) -> None:
    """Mark entities as behind: load will fold them again.

    Args:
        conn: an open transaction.
        ids: entities.
        quietly: only our own rules changed, so that the fold tells nobody at once. What else made
            the entity stale before, or does before it is folded, is told.
    """
    statement = text("UPDATE ops.entity SET version = version + 1 WHERE id = ANY(:ids)")
    conn.execute(_BUMP_QUIETLY if quietly else statement, {"ids": sorted(set(ids))})


def replace_reviews(
    conn: Connection, ids: Sequence[int], pairs: Sequence[tuple[int, int, float]]
) -> None:
    """Set the open review pairs among `ids`; decided ones stay."""
    conn.execute(
        text(
            "DELETE FROM ops.review WHERE decided_at IS NULL AND (a = ANY(:ids) OR b = ANY(:ids))"
        ),
        {"ids": list(ids)},
    )
    if pairs:
        conn.execute(
            text(
                "INSERT INTO ops.review (a, b, weight) VALUES (:a, :b, :w) ON CONFLICT DO NOTHING"
            ),
            [{"a": min(a, b), "b": max(a, b), "w": w} for a, b, w in pairs],
        )
