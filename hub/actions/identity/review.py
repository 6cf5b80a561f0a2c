"""Review: a person looks at two records that look alike, and says what they are."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.actions import lookup
from hub.actions.companies import merge as companies
from hub.actions.companies import named
from hub.actions.context import Context
from hub.actions.identity import decisions
from hub.actions.rights import Right, require
from hub.db.locks import identity_lock
from hub.errors import ActionError
from hub.model.verdicts import Judgement
from hub.views.explained import Reason


@dataclass(frozen=True, slots=True)
class ReviewPair:
    """Two records, as `source/stream/id`, and what speaks for one person (bits)."""

    a: str
    b: str
    weight: float
    reasons: tuple[Reason, ...]
    kind: str = "person"


def open_pairs(ctx: Context, limit: int = 100) -> list[ReviewPair]:
    """Return the pairs to decide, the likeliest first."""
    require(ctx, Right.READ)
    rows = ctx.conn.execute(
        text(
            "SELECT concat_ws('/', x.source, x.stream, x.source_id) AS a, "
            "  concat_ws('/', y.source, y.stream, y.source_id) AS b, r.weight, "
            "  (SELECT e.reasons FROM ops.edge e WHERE e.a = r.a AND e.b = r.b "
            "   AND e.revoked_at IS NULL ORDER BY e.id DESC LIMIT 1) AS reasons "
            "FROM ops.review r JOIN ops.source_record x ON x.id = r.a "
            "JOIN ops.source_record y ON y.id = r.b WHERE r.decided_at IS NULL "
            "ORDER BY r.weight DESC, r.a, r.b LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [
        ReviewPair(row.a, row.b, row.weight, tuple(Reason(*one) for one in row.reasons or ()))
        for row in rows
    ]


def decide(ctx: Context, first: str, second: str, judgement: Judgement) -> None:
    """Say whether two records are one person, or one company.

    Args:
        ctx: the actor, in an open transaction.
        first: a record, `source/stream/id`.
        second: another.
        judgement: SAME or DIFFERENT.

    Raises:
        ActionError: one of them is no record, or they are the same.
    """
    conn = ctx.conn
    identity_lock(conn)
    if all(named.is_company(conn, name) for name in (first, second)):
        return companies.decide(ctx, first, second, judgement)
    (a, one), (b, other) = (_record(conn, name) for name in (first, second))
    require(ctx, Right.IDENTITY, *lookup.owners_of(conn, one), *lookup.owners_of(conn, other))
    if a == b:
        raise ActionError("both names are the same record", resource="review", code="invalid")
    decisions.decide(ctx, (a, b), judgement, why=f"review: {judgement.value}")
    decisions.apply(ctx, (a, b), {"review": {"old": [first, second], "new": judgement.value}})
    return None


def _record(conn: Connection, name: str) -> tuple[int, int]:
    named = lookup.find(conn, name)
    if named.record_id is None:
        raise ActionError(
            f"{name!r} is not a record",
            resource="review",
            code="invalid",
            hint="records are named source/stream/id, as hub review list shows them",
        )
    return named.record_id, named.root_id
