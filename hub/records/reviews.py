"""Review: pairs for a user to decide. Owns `ops.review`."""

from collections.abc import Sequence

from sqlalchemy import Connection, text


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


def decide(conn: Connection, a: int, b: int, decision: str) -> None:
    """Close the open question about a pair, a < b."""
    conn.execute(
        text(
            "UPDATE ops.review SET decided_at = now(), decision = :decision "
            "WHERE a = :a AND b = :b AND decided_at IS NULL"
        ),
        {"a": a, "b": b, "decision": decision},
    )


def forget(conn: Connection, ids: Sequence[int]) -> None:
    """Delete the open questions about undone records."""
    conn.execute(
        text(
            "DELETE FROM ops.review WHERE decided_at IS NULL AND (a = ANY(:ids) OR b = ANY(:ids))"
        ),
        {"ids": list(ids)},
    )
