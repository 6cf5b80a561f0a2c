"""The records that hold the number of a named thing: how many there are, and how they get another one.

Of reasons and outcomes the rows simply get another number. A stage's deals are moved (`hub.actions.setup`),
because each move is kept; what a user owns is given to others (`hub.actions.people.assign`).
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

# kind → (table, column) that holds the number
_HOLDING: Mapping[str, Sequence[tuple[str, str]]] = {
    "stage": [("deal", "stage_id")],
    "pipeline": [("deal", "pipeline_id")],
    "loss_reason": [("deal", "loss_reason_id")],
    "deal_reason": [("deal", "unqualified_reason_id")],
    "outcome": [("call", "outcome_id"), ("visit", "outcome_id")],
    "user": [(t, "owner_id") for t in ("lead", "contact", "deal", "task")],
}
_REWRITTEN = frozenset({"loss_reason", "deal_reason", "outcome"})


def row_counts(conn: Connection, kind: str, ids: Sequence[int]) -> dict[str, int]:
    """Return how many rows hold one of some numbers, by table; tables without any are left out."""
    found = {}
    for table, column in _HOLDING.get(kind, ()):
        statement = text(f"SELECT count(*) FROM crm.{table} WHERE {column} = ANY(:ids)")  # noqa: S608 our own names
        found[table] = int(conn.execute(statement, {"ids": list(ids)}).scalar_one())
    return {table: n for table, n in found.items() if n}


def move_rows(conn: Connection, kind: str, ids: Sequence[int], into: int) -> None:
    """Write another number into rows that hold one of some numbers; of kinds without text in records."""
    if kind not in _REWRITTEN:
        return
    for table, column in _HOLDING[kind]:
        conn.execute(
            text(f"UPDATE crm.{table} SET {column} = :into WHERE {column} = ANY(:ids)"),  # noqa: S608
            {"ids": list(ids), "into": into},
        )
