"""Held edges: pairs that keep their present state, although the hub's own rules have changed.

An edge `made_by` 'held' is weaker than a vendor's or a user's edge, and stronger than the model's. It is
in force until a user decides, or until a source changes a record of either person.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text

from hub.records.edges import NewEdge, add_edges, delete_held, delete_held_pair

HELD = "held"
_WHY = {
    "same": "one person so far; the present rules would separate them",
    "different": "two people so far; the present rules would join them",
}


def replace(conn: Connection, ids: Iterable[int], pairs: Mapping[tuple[int, int], str]) -> None:
    """Set the held edges of records: (a, b) → same or different."""
    delete_held(conn, ids)
    add_edges(
        conn,
        [
            NewEdge(min(pair), max(pair), judgement, 0.0, [(_WHY[judgement], 0.0)], HELD)
            for pair, judgement in sorted(pairs.items())
        ],
    )


_OF_PERSON = text("""
SELECT DISTINCT o.id FROM ops.source_record s
JOIN ops.source_record o ON o.entity_id = s.entity_id AND o.target = 'person'
JOIN ops.edge e ON (e.a = o.id OR e.b = o.id) AND e.made_by = 'held' AND e.revoked_at IS NULL
WHERE s.id = ANY(:ids)
""")


_ANY = text("""
SELECT EXISTS (SELECT 1 FROM ops.edge WHERE made_by = 'held' AND revoked_at IS NULL)
""")


def held_with(conn: Connection, ids: Sequence[int]) -> list[int]:
    """Return the records with held edges that share an entity with some records."""
    if not conn.execute(_ANY).scalar_one():
        return []
    return list(conn.execute(_OF_PERSON, {"ids": list(ids)}).scalars())


_BETWEEN = text("""
SELECT e.a, e.b, e.judgement FROM ops.edge e
JOIN ops.source_record x ON x.id = e.a JOIN ops.source_record y ON y.id = e.b
JOIN ops.source_record one ON one.id = :a JOIN ops.source_record other ON other.id = :b
WHERE e.made_by = 'held' AND e.revoked_at IS NULL AND (
  (e.a, e.b) = (one.id, other.id)
  OR one.entity_id <> other.entity_id
     AND (x.entity_id, y.entity_id) IN ((one.entity_id, other.entity_id),
                                        (other.entity_id, one.entity_id)))
""")


def delete_between(conn: Connection, a: int, b: int) -> list[tuple[int, int, str]]:
    """Delete the held edges between two records, or between their people: a user has decided.

    Args:
        conn: an open transaction, under the identity lock.
        a: a record with a lower id than `b`.
        b: the other.

    Returns:
        The deleted edges: (a, b, judgement) each.
    """
    found = [(row.a, row.b, row.judgement) for row in conn.execute(_BETWEEN, {"a": a, "b": b})]
    for a_held, b_held, _ in found:
        delete_held_pair(conn, a_held, b_held)
    return found
