"""Pages, numbers and ids of a list: read in the order of an index, from a mark on.

A page is found first as ids and places in the order, then its rows are read. What has nothing to be
sorted by comes last, and is asked for only when a page is not full without it.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    asc,
    column,
    desc,
    func,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hub.errors import ActionError
from hub.frozen import dataclass
from hub.lists import compiler, naming, recent
from hub.lists.dates import Moment
from hub.lists.document import ListDocument, Sort
from hub.lists.fields import Catalogue, Field
from hub.lists.fields import shown as as_shown
from hub.lists.predicates import Asking

COUNTED = 10_000
MOST_ROWS = 1_000
_CAUTION = 3  # pages

# A plan for these very values: one for any values would not know how rare a tag is. What lists read
# is in memory, so that a row from here and there costs little more than one from the page before;
# but each is on a page of its own. Because of the cache setting, the planner assumes that a walk by
# name reads the same pages again.
_TUNED = {
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    "seq_page_cost": "0.1",
    "random_page_cost": "0.1",
    "effective_cache_size": "1",
    "max_parallel_workers_per_gather": "0",  # to start them takes longer than a page
}
_PLAIN = "plain"
_KNOWN = "hub.lists.tuned"  # in a connection's `info`: a transaction, and whether it is tuned
# `crm.plain_lists` of hub.yaml sets `hub.plain_lists` in every session: only the server's own plans
_SETTINGS = text(
    f"SELECT CASE WHEN current_setting('hub.plain_lists', true) = 'on' THEN '{_PLAIN}' ELSE "
    + " || ".join(f"set_config('{name}', '{value}', true)" for name, value in _TUNED.items())
    + " END"
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the mark behind the last of them; none on the last page."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    after: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a list has; where it is not exact, there are more."""

    n: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A list, ready to be asked: `ready` makes one.

    Args:
        document: the conditions.
        fields: of the kind of record.
        where: what its rows fulfil.
        moment: when it is asked, in the time zone of the user who asks.
        unchecked: words of the filter that are asked about where the list has no rows.
    """

    document: ListDocument
    fields: Catalogue
    where: ColumnElement[Any]
    moment: Moment
    unchecked: Sequence[naming.Unchecked] = ()

    @property
    def sort(self) -> Sort:
        """Return the order, as the document names it or the newest first."""
        return self.document.sort or Sort(field=self.fields.default_sort, descending=True)


def ready(conn: Connection, document: ListDocument, fields: Catalogue, asking: Asking) -> Query:
    """Return a document as a user asks it now.

    Raises:
        ActionError: a condition is not possible, a column is not a field, or no index has the
        order.
    """
    document, unchecked = naming.bound(conn, document, fields)
    holds = compiler.where(document, fields, asking)
    query = Query(document, fields, holds, asking.moment, unchecked)
    for name in document.columns:
        compiler.field_of(name, fields, place="columns")
    _order(query)
    return query


def page(conn: Connection, query: Query, limit: int, after: str | None = None) -> Page:
    """Return rows in the list's order.

    Args:
        conn: an open transaction.
        query: the list.
        limit: rows at most.
        after: the mark of the page before.

    Raises:
        ActionError: the document asks what cannot be asked, or the mark is none of this list.
    """
    limit = max(1, min(limit, MOST_ROWS))
    columns = query.document.columns or query.fields.default_columns
    shown = [compiler.field_of(name, query.fields, place="columns") for name in columns]
    keys = _keys(conn, query, limit + 1, _mark(query, after))
    if not keys and after is None:
        naming.verify(conn, query.fields, query.unchecked)
    more = _written(query, keys[limit - 1]) if len(keys) > limit else None
    rows = _rows(conn, query, [key[1] for key in keys[:limit]], shown)
    return Page(tuple(field.name for field in shown), rows, more)


def count(conn: Connection, query: Query, *, exact: bool = False) -> Count:
    """Return how many rows there are: exactly up to 10,000, above only if that is asked for."""
    _tuned(conn)
    found = select(literal(1)).select_from(query.fields.table).where(query.where)
    if not exact:
        found = found.limit(COUNTED + 1)
    n = conn.execute(select(func.count()).select_from(found.subquery())).scalar_one()
    if n == 0:
        naming.verify(conn, query.fields, query.unchecked)
    return Count(n if exact else min(n, COUNTED), exact or n <= COUNTED)


def ids(conn: Connection, query: Query, limit: int) -> list[int]:
    """Return the ids of the first rows in the list's order, for bulk actions."""
    found = [key[1] for key in _keys(conn, query, limit, None)]
    if not found:
        naming.verify(conn, query.fields, query.unchecked)
    return found


def next_mark(conn: Connection, query: Query, n: int) -> str | None:
    """Return the mark behind the first `n` rows; None if the list ends here."""
    keys = _keys(conn, query, n + 1, None)
    return _written(query, keys[n - 1]) if len(keys) > n else None


def _tuned(conn: Connection) -> bool:
    """Set what lists plan with, once a transaction; returns whether it was set.

    A search asks a dozen lists in one transaction. Where a savepoint is rolled back, PostgreSQL takes the
    settings back, so they are kept by savepoint.
    """
    here = conn.get_nested_transaction() or conn.get_transaction()
    known, is_tuned = conn.info.get(_KNOWN, (None, False))
    if here is None or known is not here:
        is_tuned = conn.execute(_SETTINGS).scalar_one() != _PLAIN
        conn.info[_KNOWN] = (here, is_tuned)
    return bool(is_tuned)


Key = tuple[Any, int]  # the place in the order, and the id; the place is None at the end


def _keys(conn: Connection, query: Query, limit: int, after: Key | None) -> list[Key]:
    is_plain = not _tuned(conn)
    order = _order(query)
    found: list[Key] = []
    if after is None or after[0] is not None:
        placed = _beyond(query, _ordered(query, order), order, after)
        if _may_be_empty(query):
            placed = placed.where(order.is_not(None))
        rows = None
        if after is None and _is_newest(query) and not is_plain:
            rows = recent.first(conn, order, placed, limit)
        if rows is None:
            first = placed.limit(limit) if is_plain else _first(query, placed, limit)
            rows = list(conn.execute(first))
        found = [(row.place, row.id) for row in rows]
        after = None
    if len(found) < limit and _may_be_empty(query):
        rest = _ordered(query, order).where(order.is_(None)).limit(limit - len(found))
        if after is not None:
            key = query.fields.table.c.id
            number = literal(after[1], BigInteger)
            rest = rest.where(key < number if query.sort.descending else key > number)
        found += [(None, row.id) for row in conn.execute(rest)]
    return found


def _first(query: Query, statement: Select[Any], limit: int) -> Select[Any]:
    """Return the first rows of an order, planned as if more were wanted where the order may deceive.

    A list's matches on names are neighbours in the order of names: all who are called Zoe are at
    its end, and to come to them by the index takes as long as to read all others. So an index that
    finds them is taken also where it seems to cost somewhat more.
    """
    if query.sort.field != "name":
        return statement.limit(limit)
    planned = statement.limit(limit * _CAUTION).cte("planned").prefix_with("MATERIALIZED")
    return select(planned).limit(limit)


def _order(query: Query) -> Any:
    field = compiler.field_of(query.sort.field, query.fields, place="sort")
    if field.order is None:
        known = [f.name for f in query.fields.fields.values() if f.order is not None]
        raise ActionError(
            f"a list of {query.fields.object} records cannot be sorted by {field.name}",
            resource="smart_list",
            field="sort",
            code="invalid",
            hint=f"sort by: {', '.join(known)}",
        )
    return field.order


def _is_newest(query: Query) -> bool:
    return query.sort.descending and query.sort.field == query.fields.default_sort


def _may_be_empty(query: Query) -> bool:
    order = _order(query)
    return isinstance(order, Column) and bool(order.nullable)


def _ordered(query: Query, order: Any) -> Select[Any]:
    way = desc if query.sort.descending else asc
    key = query.fields.table.c.id
    return (
        select(order.label("place"), key)
        .select_from(query.fields.table)
        .where(query.where)
        .order_by(way(order), way(key))
    )


def _beyond(query: Query, statement: Select[Any], order: Any, after: Key | None) -> Select[Any]:
    if after is None:
        return statement
    here = tuple_(order, query.fields.table.c.id)
    mark = tuple_(literal(after[0], order.type), literal(after[1], BigInteger))
    return statement.where(here < mark if query.sort.descending else here > mark)


def _rows(
    conn: Connection, query: Query, numbers: list[int], shown: list[Field]
) -> list[dict[str, Any]]:
    if not numbers:
        return []
    table = query.fields.table
    ids = literal(numbers, ARRAY(BigInteger))  # one value, so that the statement is compiled once
    wanted = (
        func.unnest(ids)
        .table_valued(column("id", BigInteger), with_ordinality="place", name="wanted")
        .render_derived()
    )
    statement = (
        select(table.c.id, *(field.column.label(f"c{n}") for n, field in enumerate(shown)))
        .select_from(wanted.join(table, table.c.id == wanted.c.id))
        .order_by(wanted.c.place)
    )
    return [
        {
            "id": row[0],
            **{f.name: as_shown(f, row[n + 1], query.moment) for n, f in enumerate(shown)},
        }
        for row in conn.execute(statement)
    ]


def _written(query: Query, key: Key) -> str:
    place, number = key
    if isinstance(place, datetime | date):
        place = place.isoformat()
    elif isinstance(place, Decimal):
        place = str(place)
    document = json.dumps([_name(query), place, number], ensure_ascii=False)
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def _mark(query: Query, after: str | None) -> Key | None:
    if after is None:
        return None
    try:
        padded = after + "=" * (-len(after) % 4)
        said = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        return _key(query, *said)
    except (ValueError, TypeError, ArithmeticError, binascii.Error) as exc:
        raise ActionError(
            "that is no mark of this list",
            resource="smart_list",
            field="after",
            code="invalid",
            hint="take `after` of the page before, and leave the list's order as it was",
        ) from exc


def _key(query: Query, name: object, place: object, number: object) -> Key:
    if name != _name(query) or type(number) is not int or not 0 < number < 2**63:
        raise ValueError(name)
    return _place(query, place), number


def _place(query: Query, said: Any) -> Any:
    if said is None:
        return None
    kind = _order(query).type.python_type
    if not isinstance(said, str) or "\0" in said:
        raise TypeError(said)
    if kind in (datetime, date):
        return kind.fromisoformat(said)
    return kind(said)


def _name(query: Query) -> str:
    return f"{query.fields.object} {query.sort.field} {int(query.sort.descending)}"
