"""What a condition on a custom field means in SQL, by the field's type.

A source may have left anything under the key: what is no value of the type answers no, and never
ends a query. Choices, booleans, exact texts go by the index on the whole of `custom_fields`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Text, and_, case, false, func, literal, or_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.crm.custom_field_values import ADDRESS_PARTS
from hub.crm.custom_fields import CustomField
from hub.crm.smart_lists import predicates
from hub.crm.smart_lists.document import Op
from hub.crm.smart_lists.predicates import Asking, Column, Predicate, UnfitError, Values

_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
MOST_DAYS_NAMED = 62
Made = Callable[[str], Predicate]


def predicate_of(field: CustomField) -> Predicate:
    """Return what conditions on a custom field mean; the column is all of `custom_fields`."""
    return _MAKERS[field.type](field.key)


def _text(key: str) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        found = _at(column, key)
        if op in {Op.IS, Op.ANY}:
            return or_(*(_has(column, key, predicates.words(v)) for v in values))
        return predicates.lowered(found if op is Op.EMPTY else func.lower(found), op, values)

    return build


def _number(key: str) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        wanted = [predicates.number(v) for v in values]
        if op in {Op.IS, Op.ANY}:
            return or_(*(_has(column, key, n) for n in wanted))
        kept = _value(column, key)
        # numbers of JSON are compared as numbers, without a cast that a text would end
        bounds = [func.to_jsonb(literal(n, Numeric)) for n in wanted]
        return _where_of(func.jsonb_typeof(kept) == "number", predicates.compared(kept, op, bounds))

    return build


def _bool(key: str) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        if op is not Op.IS:
            raise UnfitError("it is asked: is true, is false")
        return _has(column, key, predicates.truth(values[0]))

    return build


def _date(key: str) -> Predicate:
    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        first, after = predicates.days_of(op, values, asking.moment.today)
        if first is not None and after is not None and (after - first).days <= MOST_DAYS_NAMED:
            # each day by the index on exact values
            days = (first + timedelta(days=n) for n in range((after - first).days))
            return or_(false(), *(_has(column, key, day.isoformat()) for day in days))
        texts = [None if day is None else day.isoformat() for day in (first, after)]
        return _span(_at(column, key), _DATE, texts)

    return build


def _datetime(key: str) -> Predicate:
    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        bounds = predicates.moments_of(op, values, asking.moment)
        return _span(_at(column, key), _MOMENT, [b if b is None else _written(b) for b in bounds])

    return build


def _written(moment: datetime) -> str:
    """Return a moment in UTC as custom fields keep it: to the second, rounded up."""
    whole = moment.replace(microsecond=0, tzinfo=None)
    kept = whole + timedelta(seconds=1) if moment.microsecond else whole
    return f"{kept.isoformat(timespec='seconds')}Z"


def _choice(key: str) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        if op not in {Op.IS, Op.ANY}:
            raise UnfitError("a list is asked: is, is not, any of, none of, is empty")
        return or_(*(_has(column, key, predicates.words(v)) for v in values))

    return build


def _choices(key: str) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        wanted: list[Any] = [predicates.words(v) for v in values]
        match op:
            case Op.EMPTY:
                kept = _value(column, key)
                return or_(_missing(column, key), kept == literal([], JSONB))
            case Op.ALL:
                return _has(column, key, wanted)
            case Op.ANY | Op.IS:
                return or_(*(_has(column, key, [one]) for one in wanted))
            case _:
                raise UnfitError("choices are asked: any of, all of, none of, is empty")

    return build


def _address(key: str) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        if op is not Op.CONTAINS:
            raise UnfitError("an address is asked: contains, is empty")
        parts = [
            column.op("#>>", return_type=Text)(literal([key, part], ARRAY(Text)))
            for part in ADDRESS_PARTS
        ]
        return predicates.lowered(
            func.lower(func.concat_ws(literal(" ", Text), *parts)), op, values
        )

    return build


def _value(column: Column, key: str) -> ColumnElement[Any]:
    return column.op("->", return_type=JSONB)(literal(key, Text))


def _at(column: Column, key: str) -> ColumnElement[Any]:
    return column.op("->>", return_type=Text)(literal(key, Text))


def _has(column: Column, key: str, value: Any) -> Column:
    return column.contains(literal({key: value}, JSONB))


def _missing(column: Column, key: str) -> Column:
    found = _at(column, key)
    return or_(found.is_(None), found == literal("", Text))


def _span(column: Column, shape: str, texts: list[str | None]) -> Column:
    first, after = (None if one is None else literal(one, Text) for one in texts)
    bounds: list[Column] = []
    if first is not None:
        bounds.append(column >= first)
    if after is not None:
        bounds.append(column < after)
    return _where_of(column.op("~")(literal(shape, Text)), and_(*bounds))


def _where_of(is_of_the_type: Column, holds: Column) -> Column:
    """Say that a value of the type fulfils something.

    Nothing is known of how often a key has which value; what the planner then assumes is that a row
    in thousands does, and it would read the table whole. Of a CASE it assumes every other row, and
    reads on in the list's order until the page is full.
    """
    return case((is_of_the_type, holds), else_=false())


_MAKERS: dict[str, Made] = {
    "number": _number,
    **dict.fromkeys(("string", "text", "email", "phone", "url"), _text),
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "address": _address,
    "list": _choice,
    "multi_select_list": _choices,
}
