"""Compile one comparison of a WHERE into a function from a value to true or false.

The vendor's logic has two values: null fulfils `!=`, NOT IN and NOT, and never `<` or `>`. Texts
are compared without case, ids by their first 15 characters with case. Not here: the value of a
row's field (`store.py`), AND and OR (`plan.py`).
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from operator import ge, gt, le, lt
from typing import Any

from hub.sandbox.salesforce.dates import span
from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.schema import ID_TYPES, NUMBER_TYPES, TEXT_TYPES, FieldSpec
from hub.sandbox.salesforce.soql import Literal, Test, unescape
from hub.sandbox.salesforce.values import Value, comparable, is_id

Check = Callable[[Value], bool]
Fail = Callable[[str, str], ApiError]
Comparable = str | bool | float | date | datetime
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_EQUALITIES = {"=", "!=", "IN", "NOT IN"}
_TYPE_NAMES = {"datetime": "dateTime", "date": "date", "int": "int", "boolean": "boolean"}


def compile_check(
    test: Test, spec: FieldSpec, *, now: datetime, fail: Fail, is_known_id: Callable[[str], bool]
) -> Check:
    """Return the function that checks values of field `spec` by `test`.

    Args:
        test: the comparison.
        spec: the compared field.
        now: the present, for date literals like TODAY.
        fail: makes an error from code and message, and adds the position in the query.
        is_known_id: tells whether a text without the form of an id is an id of this universe.
    """
    if not spec.is_filterable:
        raise fail("INVALID_FIELD", f"field '{test.path}' can not be filtered in a query call")
    if test.operator == "LIKE":
        return _like(test, spec, fail)
    if test.operator in {"INCLUDES", "EXCLUDES"}:
        return _includes(test, spec, fail)
    _check_operator(test, spec, fail)
    spans = [_span(literal, spec, now) for literal in test.values]
    if spans[0] is not None and len(spans) == 1:
        return _within(test.operator, spec, spans[0])
    wanted = [_value(literal, test, spec, fail) for literal in test.values]
    if spec.type in ID_TYPES:
        for text in wanted:
            if isinstance(text, str) and not is_id(text) and not is_known_id(text):
                raise fail("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
    return _compare(test.operator, spec, [comparable(spec.type, value) for value in wanted])


def _check_operator(test: Test, spec: FieldSpec, fail: Fail) -> None:
    is_unordered = spec.type in {"boolean", "multipicklist"} and test.operator in _ORDERINGS
    if is_unordered or (test.operator not in _EQUALITIES and test.operator not in _ORDERINGS):
        raise fail("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {spec.type} field")


def _compare(operator: str, spec: FieldSpec, wanted: list[Comparable | None]) -> Check:
    kind = spec.type
    if operator in _ORDERINGS:
        order, bound = _ORDERINGS[operator], wanted[0]
        if bound is None:
            return lambda _value: False

        def is_ordered(value: Value) -> bool:
            found = comparable(kind, value)
            return found is not None and order(found, bound)

        return is_ordered
    members = frozenset(wanted)
    if operator in {"=", "IN"}:
        return lambda value: comparable(kind, value) in members
    return lambda value: comparable(kind, value) not in members


def _value(literal: Literal, test: Test, spec: FieldSpec, fail: Fail) -> Value:
    """Return the value of a literal, which must have the field's type."""
    if literal.kind == "word" and literal.text == "NULL" and literal.count is None:
        return None
    kind = spec.type
    if literal.kind == "string" and (kind in TEXT_TYPES or kind in ID_TYPES):
        return unescape(literal.text) or None
    if literal.kind == "number" and kind in NUMBER_TYPES:
        return float(literal.text)
    if literal.kind == "word" and literal.text in {"TRUE", "FALSE"} and kind == "boolean":
        return literal.text == "TRUE"
    try:
        if literal.kind == "datetime" and kind == "datetime":
            return _instant(literal.text)
        if literal.kind == "date" and kind == "date":
            return date.fromisoformat(literal.text)
    except ValueError as error:
        raise fail("INVALID_FIELD", f"invalid {kind}: {literal.text}") from error
    quoted = kind in TEXT_TYPES or kind in ID_TYPES
    raise fail(
        "INVALID_FIELD",
        f"value of filter criterion for field '{test.path}' must be of type "
        f"{_TYPE_NAMES.get(kind, 'string' if quoted else 'double')} and should "
        f"{'be' if quoted else 'not be'} enclosed in quotes",
    )


def _instant(text: str) -> datetime:
    """Return the time of a literal, with its fraction of a second, so that `>` is exact."""
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def _span(literal: Literal, spec: FieldSpec, now: datetime) -> tuple[date, date] | None:
    if literal.kind != "word" or spec.type not in {"date", "datetime"}:
        return None
    return span(literal.text, literal.count, now)


def _within(operator: str, spec: FieldSpec, days: tuple[date, date]) -> Check:
    """Return the check against a date literal: before its start, inside, or after its end."""
    first, after = (
        days
        if spec.type == "date"
        else tuple(datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days)
    )
    checks: dict[str, Callable[[date], bool]] = {
        "=": lambda at: first <= at < after,
        "IN": lambda at: first <= at < after,
        "<": lambda at: at < first,
        "<=": lambda at: at < after,
        ">": lambda at: at >= after,
        ">=": lambda at: at >= first,
    }
    if operator in {"!=", "NOT IN"}:
        return lambda value: not (isinstance(value, date) and first <= value < after)
    check = checks[operator]
    return lambda value: isinstance(value, date) and check(value)


def _like(test: Test, spec: FieldSpec, fail: Fail) -> Check:
    literal = test.values[0]
    if spec.type not in TEXT_TYPES:
        raise fail("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {spec.type} field")
    if literal.kind != "string":
        _value(literal, test, spec, fail)
        return lambda value: value is None
    pattern = re.compile(
        _like_pattern(unescape(literal.text, for_like=True)), re.IGNORECASE | re.DOTALL
    )
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _like_pattern(text: str) -> str:
    parts = re.findall(r"\\.|.", text, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(part, re.escape(part[-1])) for part in parts)


def _includes(test: Test, spec: FieldSpec, fail: Fail) -> Check:
    if spec.type != "multipicklist":
        raise fail("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {spec.type} field")
    wanted = [
        {part.casefold() for part in str(_value(literal, test, spec, fail)).split(";")}
        for literal in test.values
    ]
    is_wanted = test.operator == "INCLUDES"

    def check(value: Value) -> bool:
        chosen = {part.casefold() for part in str(value or "").split(";")}
        return any(choice <= chosen for choice in wanted) == is_wanted

    return check
