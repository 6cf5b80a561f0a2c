"""What people say of two records: one, or not. Appended, revoked, never overwritten."""

from collections.abc import Mapping, Sequence

from hub.actions.context import Context
from hub.etl import load, match
from hub.model.records import JsonValue
from hub.model.verdicts import Judgement
from hub.records import edges, held, reviews
from hub.records.edges import NewEdge
from hub.records.history import append_changes

CERTAIN = 100.0
_PEOPLE = "person:"


def decide(ctx: Context, pair: tuple[int, int], judgement: Judgement, *, why: str) -> None:
    """Say that two records are or are not one; earlier decisions of users on the pair are revoked.

    What our changed rules left for a person to decide between the two is decided with it.
    """
    conn = ctx.conn
    low, high = sorted(pair)
    edges.revoke_decision(conn, low, high)
    kept = [(a, b) for a, b, was in held.delete_between(conn, low, high) if was == judgement.value]
    decided = [
        NewEdge(a, b, judgement.value, CERTAIN, [(why, CERTAIN)], f"{_PEOPLE}{ctx.who}")
        for a, b in sorted({(low, high), *kept})
    ]
    edges.add_edges(conn, decided)
    reviews.decide(conn, low, high, judgement.value)


def apply(ctx: Context, records: Sequence[int], what: Mapping[str, JsonValue]) -> None:
    """Group the connected records again, fold them, and note the actor."""
    conn = ctx.conn
    behind = sorted(match.regroup(conn, records))
    load.refold(conn, behind)
    append_changes(conn, ctx.who, dict.fromkeys(behind, what))
