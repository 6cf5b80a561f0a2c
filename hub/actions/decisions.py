"""What people say of two records: one, or not. Appended, revoked, never overwritten."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import text

from hub.actions.context import Context
from hub.etl import load, match
from hub.model.records import JsonValue
from hub.model.verdicts import Judgement
from hub.records import held, identity
from hub.records.identity import NewEdge

CERTAIN = 100.0
_PEOPLE = "person:"


def decide(ctx: Context, pair: tuple[int, int], judgement: Judgement, *, why: str) -> None:
    """Say that two records are or are not one; what people said of the pair before is revoked.

    What our changed rules left for a person to decide between the two is decided with it.
    """
    conn = ctx.conn
    low, high = sorted(pair)
    conn.execute(
        text(
            "UPDATE ops.edge SET revoked_at = now() WHERE a = :a AND b = :b "
            "AND revoked_at IS NULL AND starts_with(made_by, :people)"
        ),
        {"a": low, "b": high, "people": _PEOPLE},
    )
    kept = [(a, b) for a, b, was in held.settle(conn, low, high) if was == judgement.value]
    edges = [
        NewEdge(a, b, judgement.value, CERTAIN, [(why, CERTAIN)], f"{_PEOPLE}{ctx.who}")
        for a, b in sorted({(low, high), *kept})
    ]
    identity.add_edges(conn, edges)
    conn.execute(
        text(
            "UPDATE ops.review SET decided_at = now(), decision = :decision "
            "WHERE a = :a AND b = :b AND decided_at IS NULL"
        ),
        {"a": low, "b": high, "decision": judgement.value},
    )


def apply(ctx: Context, records: Sequence[int], what: Mapping[str, JsonValue]) -> None:
    """Group anew what the records are connected with, fold it, and note who changed it."""
    conn = ctx.conn
    behind = sorted(match.regroup(conn, records))
    load.refold(conn, behind)
    conn.execute(
        text(
            "INSERT INTO ops.change (entity_id, who, fields) "
            "VALUES (:entity, :who, CAST(:fields AS jsonb))"
        ),
        [{"entity": entity, "who": ctx.who, "fields": json.dumps(dict(what))} for entity in behind],
    )
