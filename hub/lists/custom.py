"""What a condition on a custom field means in SQL, by the field's type.

A source may have left anything under the key: a value of another type does not match, and never
ends a query. Exact values and stretches of numbers and days are found by the row's tokens.
"""

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Text, cast, func, literal, or_, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH

from hub.crm.custom_field_values import ADDRESS_PARTS
from hub.crm.custom_fields import CustomField
from hub.lists import predicates, search_tokens
from hub.lists.document import Op
from hub.lists.predicates import Asking, Column, Predicate, UnfitError, Values

_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_DATE = f"^{_DAY}$"
_MOMENT = f"^{_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z$"
_SIGNS = {
    Op.BELOW: ("<",),
    Op.AT_MOST: ("<=",),
    Op.ABOVE: (">",),
    Op.AT_LEAST: (">=",),
    Op.BETWEEN: (">=", "<="),
}
_FEW = 24  # tokens that are compared with a row's in the time that a look at its value takes
Tokens = ColumnElement[Any]
Bounds = Sequence[tuple[str, str | float]]


def predicate_of(field: CustomField, row_tokens: Tokens) -> Predicate:
    """Return what conditions on a custom field mean; the column is all of `custom_fields`.

    Args:
        field: the definition.
        row_tokens: the tokens of a row of the field's table, as its index has them.
    """
    return _MAKERS[field.type](field.key, row_tokens)


def _text(key: str, row_tokens: Tokens) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        found = _at(column, key)
        if op in {Op.IS, Op.ANY}:
            return _has(key, row_tokens, [predicates.words(v) for v in values])
        return predicates.lowered(found if op is Op.EMPTY else func.lower(found), op, values)

    return build


def _number(key: str, row_tokens: Tokens) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        wanted = [predicates.number(v) for v in values]
        if op in {Op.IS, Op.ANY}:
            return _has(key, row_tokens, wanted)
        signs = _SIGNS.get(op)
        if signs is None or len(signs) != len(wanted):
            raise UnfitError("a number is asked: is, any of, <, <=, >, >=, between (two), is empty")
        bounds = list(zip(signs, wanted, strict=True))
        return _in(_stretch(key, op, wanted), row_tokens, column, _lies(column, key, bounds))

    return build


def _bool(key: str, row_tokens: Tokens) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        if op is not Op.IS:
            raise UnfitError("it is asked: is true, is false")
        return _has(key, row_tokens, [predicates.truth(values[0])])

    return build


def _stretch(key: str, op: Op, wanted: Sequence[float]) -> search_tokens.Stretch:
    """Return the tokens that touch what fulfils a comparison."""
    numbers = [Decimal(str(n)) for n in wanted]
    match op:
        case Op.BELOW | Op.AT_MOST:
            return search_tokens.of_numbers(key, None, numbers[0], with_high=op is Op.AT_MOST)
        case Op.ABOVE | Op.AT_LEAST:
            return search_tokens.of_numbers(key, numbers[0], None, with_low=op is Op.AT_LEAST)
        case _:
            return search_tokens.of_numbers(key, *numbers)


def _in(near: search_tokens.Stretch, row_tokens: Tokens, column: Column, holds: Column) -> Column:
    """Say that a value lies in a stretch: by its tokens alone, where these say it and are few.

    Rows without custom fields are left at once: to compare their other tokens takes longer.
    """
    touched = search_tokens.any_of(row_tokens, near.tokens)
    is_enough = near.is_exact and len(near.tokens) <= _FEW
    return predicates.served(touched, column.is_not(None) if is_enough else holds)


def _date(key: str, row_tokens: Tokens) -> Predicate:
    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        first, after = predicates.days_of(op, values, asking.moment.today)
        last = None if after is None else after - timedelta(days=1)
        texts = [None if day is None else day.isoformat() for day in (first, after)]
        holds = _lies(column, key, _period(*texts), shape=_DATE)
        return _in(search_tokens.of_dates(key, first, last), row_tokens, column, holds)

    return build


def _datetime(key: str, row_tokens: Tokens) -> Predicate:
    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        bounds = predicates.moments_of(op, values, asking.moment)
        texts = [None if bound is None else _written(bound) for bound in bounds]
        days = [None if said is None else date.fromisoformat(said[:10]) for said in texts]
        holds = _lies(column, key, _period(*texts), shape=_MOMENT)
        near = search_tokens.of_moments(key, *days)  # whole days, also where a bound is within one
        return predicates.served(search_tokens.any_of(row_tokens, near.tokens), holds)

    return build


def _written(moment: datetime) -> str:
    """Return a moment in UTC as custom fields keep it: to the second, rounded up."""
    whole = moment.replace(microsecond=0, tzinfo=None)
    kept = whole + timedelta(seconds=1) if moment.microsecond else whole
    return f"{kept.isoformat(timespec='seconds')}Z"


def _choice(key: str, row_tokens: Tokens) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        if op is Op.EMPTY:
            return _missing(column, key)
        if op not in {Op.IS, Op.ANY}:
            raise UnfitError("a list is asked: is, is not, any of, none of, is empty")
        return _has(key, row_tokens, [predicates.words(v) for v in values])

    return build


def _choices(key: str, row_tokens: Tokens) -> Predicate:
    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        chosen = [search_tokens.of_choice(key, predicates.words(v)) for v in values]
        match op:
            case Op.EMPTY:
                kept = _value(column, key)
                return or_(_missing(column, key), kept == literal([], JSONB))
            case Op.ALL:
                return search_tokens.all_of(row_tokens, chosen)
            case Op.ANY | Op.IS:
                return search_tokens.any_of(row_tokens, chosen)
            case _:
                raise UnfitError("choices are asked: any of, all of, none of, is empty")

    return build


def _address(key: str, _row_tokens: Tokens) -> Predicate:
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


def _has(key: str, row_tokens: Tokens, values: Sequence[Any]) -> Column:
    """Say that the value is one of some."""
    return search_tokens.any_of(
        row_tokens, [search_tokens.of_custom(key, value) for value in values]
    )


def _missing(column: Column, key: str) -> Column:
    found = _at(column, key)
    return or_(found.is_(None), found == literal("", Text))


def _period(first: str | None, after: str | None) -> Bounds:
    return [(sign, one) for sign, one in ((">=", first), ("<", after)) if one is not None]


def _lies(column: Column, key: str, bounds: Bounds, shape: str | None = None) -> Column:
    """Say that a value lies between bounds; one of another type does not.

    In one call, which the planner takes to be no dearer than a look at the tokens: where it reads rows
    in the list's order, it asks this first.
    """
    asked = [f"@ {sign} $b{n}" for n, (sign, _) in enumerate(bounds)]
    if shape is not None:
        asked.append(f"@ like_regex {json.dumps(shape)}")
    path = f"strict $.{json.dumps(key)} ? ({' && '.join(asked)})"
    values = {f"b{n}": value for n, (_, value) in enumerate(bounds)}
    return func.jsonb_path_exists(
        column, cast(literal(path, Text), JSONPATH), literal(values, JSONB), true(), type_=Boolean
    )


_MAKERS: dict[str, Callable[[str, Tokens], Predicate]] = {
    "number": _number,
    **dict.fromkeys(("string", "text", "email", "phone", "url"), _text),
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "address": _address,
    "list": _choice,
    "multi_select_list": _choices,
}
