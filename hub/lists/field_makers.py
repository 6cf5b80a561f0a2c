"""Fields over plain columns, and those that every kind of record has."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column as TableColumn
from sqlalchemy import ColumnElement, Date, DateTime, Table, select

from hub.crm.tables import user
from hub.lists import predicates, search_text
from hub.lists.document import Op
from hub.lists.fields import Field
from hub.lists.predicates import Asking, Column, Predicate, UnfitError, Values

_LABELS = {
    "created_at": "Date added",
    "added_at": "Date added",
    "last_activity_at": "Last activity",
    "last_communication_at": "Last communication",
    "next_task_at": "Next task",
    "source_converted_at": "Converted in its source",
}
# what the values of a column name, and what else they can be
_NAMES = {"status": "status", "unqualified_reason": "lead_reason", "source": "source"}
_WORDS = {"customer_status": ("none", "current", "past"), "prospect_status": ("none", "current", "lost")}  # fmt: skip


def label(name: str) -> str:
    """Return what people read where a field has no other label."""
    return _LABELS.get(name, name.removesuffix("_at").replace("_", " ").capitalize())


def plain(
    table: Table, names: Mapping[str, str] | Sequence[str], orders: Sequence[str] = ()
) -> dict[str, Field]:
    """Return fields over columns.

    Args:
        table: theirs.
        names: names of columns; or name of the field → name of the column.
        orders: columns of which an index has the order.
    """
    pairs = names.items() if isinstance(names, Mapping) else ((one, one) for one in names)
    made = {}
    for name, of in pairs:
        column = table.c[of]
        kind, predicate = _kind(column)
        order = column if of in orders else None
        made[name] = Field(
            name, label(name), kind, column, predicate, order, _NAMES.get(name),
            words=_WORDS.get(name, ()),
        )  # fmt: skip
    return made


def _kind(column: TableColumn[Any]) -> tuple[str, Predicate]:
    if isinstance(column.type, DateTime):
        return "moment", predicates.moment_is
    if isinstance(column.type, Date):
        return "date", predicates.date_is
    return "text", search_text.predicate_of(column.table.name, column.name)


def shared(table: Table) -> list[Field]:
    """Return the fields that every kind of record has."""
    c = table.c
    return [
        Field("id", "Number", "number", c.id, predicates.number_is),
        Field("tags", "Tags", "tags", c.tags, search_text.tagged(table.name), names="tag"),
        Field(
            "owner", "Owner", "user", name_of(user, c.owner_id), _owner(c.owner_id), names="user"
        ),
        Field(
            "days_since_last_communication",
            "Days since last communication",
            "days",
            c.last_communication_at,
            predicates.days_since,
        ),
    ]


def _owner(key: ColumnElement[Any]) -> Predicate:
    def build(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        return predicates.user_is(key, op, values, asking)

    return build


def name_of(table: Table, key: ColumnElement[Any], column: str = "name") -> Column:
    """Return a column of the row of a short table that a key names."""
    return select(table.c[column]).where(table.c.id == key).scalar_subquery()


def named(table: Table, key: ColumnElement[Any], column: str = "name") -> Predicate:
    """Return the predicate of a column that holds the number of a row of a short table."""

    def build(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if op is Op.EMPTY:
            return key.is_(None)
        if op not in search_text.HINTED:
            raise UnfitError("it is asked: is, any of, none of, contains, starts with, is empty")
        found = select(table.c.id).where(predicates.text_is(table.c[column], op, values, asking))
        return key.in_(found)

    return build


def keyed(key: ColumnElement[Any]) -> Predicate:
    """Return the predicate of a column that holds the number of a named thing; values are numbers."""

    def build(_column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        return predicates.key_is(key, op, values)

    return build


def by_name(fields: Sequence[Field]) -> dict[str, Field]:
    """Return fields by their names."""
    return {field.name: field for field in fields}
