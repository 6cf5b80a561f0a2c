"""Edges: judgements of pairs of records. Owns `ops.edge`.

Edges of people's records are written under the identity lock, those of companies' records under the lock of
companies. Of companies there are only edges that people made.

An edge has its maker: the model (`model:<version>`), a source (`vendor`), changed rules of the hub
(`held`) or a user (`person:<who>`). Edges of the model and of sources are a function of the present
versions of records, so they are replaced. Decisions of users are appended and revoked.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

from hub.db.json_text import write_json
from hub.frozen import dataclass


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
    """Write the model's judgements of pairs that touch `ids`; earlier ones are deleted.

    Args:
        conn: in the matching transaction.
        ids: records that may have been judged before.
        edges: judgements; also of records that were never judged.
    """
    if ids:
        _delete_model_edges(conn, ids)
    add_edges(conn, edges)


def _delete_model_edges(conn: Connection, ids: Sequence[int]) -> None:
    conn.execute(
        text(
            "DELETE FROM ops.edge WHERE made_by LIKE 'model:%' AND revoked_at IS NULL "
            "AND (a = ANY(:ids) OR b = ANY(:ids))"
        ),
        {"ids": list(ids)},
    )


_ADD = text("""
INSERT INTO ops.edge (a, b, judgement, weight, reasons, made_by)
SELECT a, b, judgement, weight, CAST(reasons AS jsonb), made_by
FROM unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[]), CAST(:judgements AS text[]),
  CAST(:weights AS float[]), CAST(:reasons AS text[]), CAST(:makers AS text[]))
  AS t(a, b, judgement, weight, reasons, made_by)
ON CONFLICT DO NOTHING
""")


def add_edges(conn: Connection, edges: Sequence[NewEdge]) -> None:
    """Append judgements; a pair that the same maker has already judged does not change."""
    if edges:
        args = {
            "a": [e.a for e in edges],
            "b": [e.b for e in edges],
            "judgements": [e.judgement for e in edges],
            "weights": [e.weight for e in edges],
            "reasons": [write_json([list(r) for r in e.reasons]) for e in edges],
            "makers": [e.made_by for e in edges],
        }
        conn.execute(_ADD, args)


_JUDGED_AMONG = text("""
SELECT a, b FROM ops.edge WHERE a = ANY(:ids) AND b = ANY(:ids) AND revoked_at IS NULL
AND made_by LIKE 'model:%'
""")


def judged_among(conn: Connection, ids: Sequence[int]) -> list[tuple[int, int]]:
    """Return the pairs among records that have an edge of the model."""
    return [(row.a, row.b) for row in conn.execute(_JUDGED_AMONG, {"ids": list(ids)})]


_BOUND = text("""
SELECT a FROM ops.edge WHERE a = ANY(:ids) AND revoked_at IS NULL
UNION ALL
SELECT b FROM ops.edge WHERE b = ANY(:ids) AND revoked_at IS NULL
UNION ALL
SELECT anchor_id FROM ops.entity
WHERE anchor_id = ANY(:ids) AND merged_into IS NOT NULL AND kind = 'person'
""")


def bound(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Return the records with an edge in force, or with which a merged person began."""
    return set(conn.execute(_BOUND, {"ids": list(ids)}).scalars())


@dataclass(frozen=True, slots=True)
class StoredEdge:
    """A judgement in force."""

    a: int
    b: int
    judgement: str
    weight: float
    made_by: str


# Each look-up is a probe that ends in OFFSET 0: the planner takes a recursion for a hundred rows, and would
# read whole tables for them. An edge inside is returned from its lower end only.
_COMPONENT = text("""
WITH RECURSIVE member AS (
  SELECT id FROM unnest(CAST(:ids AS bigint[])) AS t(id)
  UNION
  SELECT n.id FROM member m CROSS JOIN LATERAL (
    SELECT b AS id FROM ops.edge WHERE a = m.id AND revoked_at IS NULL AND judgement = 'same'
    UNION ALL
    SELECT a FROM ops.edge WHERE b = m.id AND revoked_at IS NULL AND judgement = 'same'
    UNION ALL
    SELECT o.id FROM (SELECT entity_id FROM ops.source_record WHERE id = m.id OFFSET 0) s
    CROSS JOIN LATERAL (
      SELECT id, target FROM ops.source_record WHERE entity_id = s.entity_id OFFSET 0) o
    WHERE o.target = 'person'
    OFFSET 0) n
)
SELECT m.id, e.* FROM member m LEFT JOIN LATERAL (
  SELECT a, b, judgement, weight, made_by FROM ops.edge WHERE a = m.id AND revoked_at IS NULL
  UNION ALL
  SELECT a, b, judgement, weight, made_by FROM ops.edge
  WHERE b = m.id AND revoked_at IS NULL AND a NOT IN (SELECT id FROM member)
  OFFSET 0) e ON true
""")


def component(conn: Connection, ids: Iterable[int]) -> tuple[set[int], list[StoredEdge]]:
    """Return all records connected with `ids` by an edge in force or a shared entity, and the edges.

    Edges that are not "same" do not extend the component, so one end of them may lie outside.
    """
    members: set[int] = set()
    edges: list[StoredEdge] = []
    for member, *edge in conn.execute(_COMPONENT, {"ids": list(ids)}):
        members.add(member)
        if edge[0] is not None:
            edges.append(StoredEdge(*edge))
    return members, edges


# Each look-up probes an index for some records. One join with OR would read every record. The
# relation is part of the text, because an index on it serves no parameter.
_STATED = """
stated AS (
  SELECT g.id, s.id AS other, 'vendor merge' AS why
  FROM ops.source_record g JOIN ops.source_record s
    ON s.source = g.source AND s.stream = g.stream AND s.source_id = g.alias_of
    AND s.target = g.target AND num_nonnulls(g.withdrawn_by, s.withdrawn_by) = 0
  WHERE g.id = ANY(:ids) AND g.alias_of IS NOT NULL AND g.target = 'person' AND g.id <> s.id
  UNION ALL
  SELECT g.id, s.id, 'vendor merge'
  FROM ops.source_record s JOIN ops.source_record g
    ON g.source = s.source AND g.stream = s.stream AND g.alias_of = s.source_id
    AND g.target = s.target AND num_nonnulls(g.withdrawn_by, s.withdrawn_by) = 0
  WHERE s.id = ANY(:ids) AND g.alias_of IS NOT NULL AND s.target = 'person' AND g.id <> s.id
  UNION ALL
  SELECT g.id, s.id, 'named by the source'
  FROM ops.source_record g JOIN ops.source_record s
    ON s.source = g.source AND s.stream = 'users' AND s.target = 'person'
    AND s.source_id = g.refs ->> 'requester' AND num_nonnulls(g.withdrawn_by, s.withdrawn_by) = 0
  WHERE g.id = ANY(:ids) AND g.target = 'person' AND g.stream <> 'users'
  UNION ALL
  SELECT g.id, s.id, 'named by the source'
  FROM ops.source_record s JOIN ops.source_record g
    ON g.source = s.source AND g.refs ->> 'requester' = s.source_id
    AND g.target = 'person' AND num_nonnulls(g.withdrawn_by, s.withdrawn_by) = 0
    AND g.stream <> 'users'
  WHERE s.id = ANY(:ids) AND s.stream = 'users' AND s.target = 'person'
), pairs AS (
  SELECT least(id, other) AS a, greatest(id, other) AS b, max(why) AS why
  FROM stated GROUP BY 1, 2
)
"""
_REPLACE_VENDOR_EDGES = text(f"""
WITH {_STATED}, unstated AS (
  UPDATE ops.edge e SET revoked_at = now()
  WHERE e.made_by = 'vendor' AND e.revoked_at IS NULL AND (e.a = ANY(:ids) OR e.b = ANY(:ids))
    AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.a = e.a AND p.b = e.b)
  RETURNING e.a, e.b
), added AS (
  INSERT INTO ops.edge (a, b, judgement, weight, reasons, made_by)
  SELECT a, b, 'same', 100, jsonb_build_array(jsonb_build_array(why, 100.0)), 'vendor'
  FROM pairs ORDER BY a, b
  ON CONFLICT DO NOTHING
)
SELECT a, b FROM unstated
""")  # noqa: S608 our own text


def replace_vendor_edges(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Write the edges that the present versions of records state; revoke those no longer stated.

    Args:
        conn: in the matching transaction.
        ids: people's records, also withdrawn ones.

    Returns:
        The ends of revoked edges: the other records of their entities must be clustered again.
    """
    return {end for pair in conn.execute(_REPLACE_VENDOR_EDGES, {"ids": list(ids)}) for end in pair}


def delete_held(conn: Connection, ids: Iterable[int]) -> None:
    """Delete the held edges of records."""
    if records := list(ids):
        conn.execute(
            text(
                "DELETE FROM ops.edge WHERE made_by = 'held' AND revoked_at IS NULL "
                "AND (a = ANY(:ids) OR b = ANY(:ids))"
            ),
            {"ids": records},
        )


def delete_held_pair(conn: Connection, a: int, b: int) -> None:
    """Delete the held edge of a pair, a < b."""
    conn.execute(
        text("DELETE FROM ops.edge WHERE a = :a AND b = :b AND made_by = 'held'"), {"a": a, "b": b}
    )


def revoke_decision(conn: Connection, a: int, b: int) -> None:
    """Revoke the decisions of users about a pair, a < b."""
    conn.execute(
        text(
            "UPDATE ops.edge SET revoked_at = now() WHERE a = :a AND b = :b "
            "AND revoked_at IS NULL AND starts_with(made_by, 'person:')"
        ),
        {"a": a, "b": b},
    )


_FORGET_STATED = text("""
UPDATE ops.edge SET revoked_at = now() WHERE revoked_at IS NULL AND made_by = 'vendor'
  AND (a = ANY(:ids) OR b = ANY(:ids))
""")
_FORGET_JUDGED = text("""
DELETE FROM ops.edge WHERE revoked_at IS NULL AND (made_by LIKE 'model:%' OR made_by = 'held')
  AND (a = ANY(:ids) OR b = ANY(:ids))
""")


def forget(conn: Connection, undone: Sequence[int], changed: Sequence[int]) -> None:
    """Delete the model's edges of undone records, and vendors' edges of all these records.

    Decisions of users stay: they count again when the record comes back.
    """
    conn.execute(_FORGET_STATED, {"ids": [*undone, *changed]})
    conn.execute(_FORGET_JUDGED, {"ids": list(undone)})


@dataclass(frozen=True, slots=True)
class Decision:
    """A user's decision about two records in force: one person, or two."""

    a: int
    b: int
    is_same: bool


_DECIDED = text("""
WITH decided AS (
  SELECT a, b, judgement FROM ops.edge WHERE revoked_at IS NULL
  AND starts_with(made_by, 'person:') AND a = ANY(:ids)
  UNION
  SELECT a, b, judgement FROM ops.edge WHERE revoked_at IS NULL
  AND starts_with(made_by, 'person:') AND b = ANY(:ids)
)
SELECT d.a, d.b, d.judgement = 'same' AS is_same
FROM decided d JOIN ops.source_record x ON x.id = d.a JOIN ops.source_record y ON y.id = d.b
WHERE num_nonnulls(x.withdrawn_by, y.withdrawn_by) = 0 ORDER BY d.a, d.b
""")


def decided(conn: Connection, ids: Iterable[int]) -> list[Decision]:
    """Return users' decisions about pairs with one of the records, among records in force."""
    records = sorted(set(ids))
    return [Decision(*row) for row in conn.execute(_DECIDED, {"ids": records})] if records else []


_REVOKE_BETWEEN = text("""
UPDATE ops.edge SET revoked_at = clock_timestamp()
WHERE revoked_at IS NULL AND starts_with(made_by, 'person:') AND judgement = :judgement
  AND (a = ANY(:some) AND b = ANY(:others) OR a = ANY(:others) AND b = ANY(:some))
""")


def revoke_between(
    conn: Connection, some: Sequence[int], others: Sequence[int], judgement: str
) -> None:
    """Revoke users' decisions about pairs with one record here and the other there."""
    conn.execute(
        _REVOKE_BETWEEN, {"some": list(some), "others": list(others), "judgement": judgement}
    )
