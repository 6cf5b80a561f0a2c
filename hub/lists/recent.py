"""The first page of a list, newest first, looked for among what was added of late.

If one record in a few hundred matches a filter, an index finds thousands of rows, only to show the
newest fifty. So the planner estimates their number first. If there are many, one more condition is
added: the months of the newest few pages, by tokens in the same index. A list that has fewer of
them there than was thought is asked again, for all time: nothing is ever missing.
"""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ClauseElement,
    Column,
    Connection,
    Executable,
    Row,
    Select,
    desc,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal

from hub.lists import search_tokens
from hub.lists.search_text import TOKENS

PAGES = (
    2  # of a list, which the months should have; the planner thinks of too few rather than too many
)
LARGE = 50_000  # rows of a table, of which a part is worth the question
_MOST = 0.5  # of all rows: of more, the months save nothing

# one of the hundred moments between which equally many rows were added; none of a small table
_MOMENT = text(
    "SELECT least(greatest(a.bounds[1 + CAST(floor((cardinality(a.bounds) - 1) * (1 - :share)) AS integer)], "
    "timestamptz '1900-01-01 00:00Z'), timestamptz '2100-01-01 00:00Z') "
    "FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace "
    "JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = t.relname "
    "CROSS JOIN LATERAL (SELECT CAST(CAST(s.histogram_bounds AS text) AS timestamptz[])) a(bounds) "
    "WHERE n.nspname = :schema AND t.relname = :table AND s.attname = :column AND t.reltuples >= :large"
)


class _Explained(Executable, ClauseElement):
    """How a statement would be done; compiled once for all that differ in their values only."""

    _traverse_internals = [("statement", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 as SQLAlchemy's
    _all_selected_columns = ()  # what comes is no row of the statement
    inherit_cache = True

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explained)
def _explain(element: _Explained, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


def first(
    conn: Connection, added: Column[Any], statement: Select[Any], limit: int
) -> list[Row[Any]] | None:
    """Return the first rows of a list, newest first; None if they are better read in its order.

    Args:
        conn: a transaction with the settings of lists.
        added: the column of the moment when a record was added, by which the list is sorted.
        statement: places and ids of the list's rows that have such a moment, in its order.
        limit: rows that are wanted.
    """
    (plan,) = conn.execute(_Explained(statement.limit(limit))).scalar_one()
    share = share_of(found_by_index(plan["Plan"]), limit)
    since = None if share is None else _since(conn, added, share)
    if since is None:
        return None
    of_late = search_tokens.any_of(TOKENS[added.table.name], search_tokens.of_added(since))
    # without an order inside, which would be walked to its end
    recent = statement.where(of_late).order_by(None).cte("recent").prefix_with("MATERIALIZED")
    newest = select(recent).order_by(desc(recent.c.place), desc(recent.c.id)).limit(limit)
    rows = list(conn.execute(newest))
    return rows if len(rows) == limit else None


def found_by_index(plan: dict[str, Any]) -> int:
    """Return how many rows a plan thinks that an index finds; 0 if it reads them in the list's order."""
    while plan["Node Type"] in {"Limit", "Sort", "Incremental Sort"}:
        inner = [p for p in plan["Plans"] if p.get("Parent Relationship", "Outer") == "Outer"]
        if len(inner) != 1:
            return 0  # a plan of another shape: the list is read in its order
        (plan,) = inner
    return int(plan["Plan Rows"]) if plan["Node Type"] == "Bitmap Heap Scan" else 0


def share_of(found: int, limit: int) -> float | None:
    """Return the share of all rows that should have a few pages of those found; None is nearly all."""
    return PAGES * limit / found if PAGES * limit <= _MOST * found else None


def _since(conn: Connection, added: Column[Any], share: float) -> date | None:
    """Return a day of the month since when a share of all rows was added; None of a small table."""
    names = {"schema": added.table.schema, "table": added.table.name, "column": added.name}
    moment: datetime | None = conn.execute(
        _MOMENT, {**names, "share": share, "large": LARGE}
    ).scalar_one_or_none()
    if moment is None:
        return None
    day = moment.astimezone(UTC).date()
    return day if search_tokens.FIRST_YEAR < day.year < search_tokens.LAST_YEAR else None
