"""What a condition means in SQL, by the kind of its field; every value is bound.

In: a column, an operation that is no negation, values. Out: an expression that is true where the
condition holds, and not true (false or NULL) elsewhere. The compiler negates. Not here: which
fields there are, groups.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Numeric,
    Text,
    and_,
    case,
    func,
    literal,
    or_,
    true,
)

from hub.frozen import dataclass
from hub.lists.dates import Moment, moment_of, span
from hub.lists.document import Op, Scalar

Column = ColumnElement[Any]
Values = Sequence[Scalar]
MOST_DAYS = 36_500
_UTC = DateTime(timezone=True)


class UnfitError(ValueError):
    """A condition that its field cannot be asked; says why."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and when.

    Args:
        moment: the moment, in their time zone.
        user_id: who `me` is, if a member of the team asks.
    """

    moment: Moment
    user_id: int | None


Predicate = Callable[[Column, Op, Values, Asking], Column]


def text_is(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
    """Text, without regard to case."""
    return lowered(func.lower(column), op, values)


def lower(words: Column) -> Column:
    """Return a text in small letters."""
    return func.lower(words)


def lowered(
    column: Column, op: Op, values: Values, alike: Callable[[Column], Column] = lower
) -> Column:
    """Text that is lower case already, or otherwise without what makes no difference.

    Args:
        column: the text, as `alike` makes it.
        op: the operation.
        values: the value of the condition.
        alike: what makes the same of texts that are the same.
    """
    match op:
        case Op.EMPTY:
            return or_(column.is_(None), column == literal("", Text))
        case Op.IS | Op.ANY:
            return one_of(column, [alike(literal(words(v), Text)) for v in values])
        case Op.CONTAINS:
            return column.like(alike(literal(f"%{escaped(values[0])}%", Text)))
        case Op.STARTS:
            return column.like(alike(literal(f"{escaped(values[0])}%", Text)))
        case _:
            raise UnfitError("text is asked: is, any of, contains, starts with, is empty")


def number_is(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
    """A number."""
    if op is Op.EMPTY:
        return column.is_(None)
    return compared(column, op, [literal(number(v), Numeric) for v in values])


def bool_is(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
    """True or false."""
    if op is Op.EMPTY:
        return column.is_(None)
    if op is not Op.IS:
        raise UnfitError("it is asked: is true, is false")
    return column if truth(values[0]) else column.is_(False)


def moment_is(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """A moment; days are those of the asking user."""
    if op is Op.EMPTY:
        return column.is_(None)
    first, after = moments_of(op, values, asking.moment)
    return _between(column, first, after, _UTC)


def date_is(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """A day."""
    if op is Op.EMPTY:
        return column.is_(None)
    first, after = days_of(op, values, asking.moment.today)
    return _between(column, first, after, Date())


def days_since(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """How many days ago a moment was: 0 is today, in the time zone of the asking user."""
    if op is Op.EMPTY:
        return column.is_(None)
    first, after = _days_ago(op, [_days(v) for v in values], asking.moment)
    return _between(column, first, after, _UTC)


def user_is(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """A member of the team: `me`, `nobody`, or a number."""
    if op is Op.EMPTY:
        return column.is_(None)
    if op not in {Op.IS, Op.ANY}:
        raise UnfitError("it is asked: is, is not, any of, none of, is empty")
    found = [_user(v, asking) for v in values]
    ids = [literal(one) for one in found if one is not None]
    known = [one_of(column, ids)] if ids else []
    return or_(*known, *([column.is_(None)] if None in found else []))


def key_is(key: Column, op: Op, values: Values) -> Column:
    """The number of a named thing; `hub.lists.naming` has made numbers of names."""
    if op is Op.EMPTY:
        return key.is_(None)
    if op not in {Op.IS, Op.ANY}:
        raise UnfitError("it is asked: is, any of, none of, contains, starts with, is empty")
    return key.in_([literal(int(v), BigInteger) for v in values])


def _user(said: Scalar, asking: Asking) -> int | None:
    if isinstance(said, int):
        return said
    name = str(said).strip().lower()
    if name == "nobody":
        return None
    if name == "me":
        if asking.user_id is None:
            raise UnfitError("the user who asks is no member of the team: there is no `me`")
        return asking.user_id
    raise UnfitError(f"{str(said)[:60]!r} is not a member of the team")


def days_of(op: Op, values: Values, today: date) -> tuple[date | None, date | None]:
    """Return the first day and the first one after; None is no bound."""
    match op:
        case Op.IS | Op.WITHIN:
            return _span(values[0], today)
        case Op.BETWEEN:
            _pair(values)
            return _span(values[0], today)[0], _span(values[1], today)[1]
        case Op.BEFORE | Op.BELOW:
            return None, _span(values[0], today)[0]
        case Op.AFTER | Op.ABOVE:
            return _span(values[0], today)[1], None
        case Op.AT_MOST:
            return None, _span(values[0], today)[1]
        case Op.AT_LEAST:
            return _span(values[0], today)[0], None
        case _:
            raise UnfitError("a date is asked: within, before, after, between, is empty")


def moments_of(op: Op, values: Values, moment: Moment) -> tuple[datetime | None, datetime | None]:
    """Return the first moment and the first one after, in UTC."""
    exact = moment_of(words(values[0]), moment) if values else None
    if exact is not None and op in {Op.BEFORE, Op.BELOW}:
        return None, exact
    if exact is not None and op in {Op.AFTER, Op.AT_LEAST}:
        return exact, None
    days = days_of(op, values, moment.today)
    first, after = (None if day is None else moment.start_of(day) for day in days)
    return first, after


def _days_ago(
    op: Op, days: Sequence[int], moment: Moment
) -> tuple[datetime | None, datetime | None]:
    """Return the moments of which so many days have passed."""

    def begun(n: int) -> datetime:
        return moment.start_of(moment.today - timedelta(days=n))

    match op:
        case Op.IS:
            return begun(days[0]), begun(days[0] - 1)
        case Op.BETWEEN:
            _pair(days)
            return begun(days[1]), begun(days[0] - 1)
        case Op.ABOVE:
            return None, begun(days[0])
        case Op.AT_LEAST:
            return None, begun(days[0] - 1)
        case Op.BELOW:
            return begun(days[0] - 1), None
        case Op.AT_MOST:
            return begun(days[0]), None
        case _:
            raise UnfitError("days are asked: is, <, <=, >, >=, between, is empty")


def _between(column: Column, first: Any, after: Any, type_: Any) -> Column:
    bounds = []
    if first is not None:
        bounds.append(column >= literal(first, type_))
    if after is not None:
        bounds.append(column < literal(after, type_))
    return and_(*bounds)


def compared(column: Column, op: Op, values: Sequence[Column]) -> Column:
    """Compare with numbers, in the column's own form."""
    match op:
        case Op.IS | Op.ANY:
            return one_of(column, values)
        case Op.BELOW:
            return column < values[0]
        case Op.AT_MOST:
            return column <= values[0]
        case Op.ABOVE:
            return column > values[0]
        case Op.AT_LEAST:
            return column >= values[0]
        case Op.BETWEEN:
            _pair(values)
            return and_(column >= values[0], column <= values[1])
        case _:
            raise UnfitError("a number is asked: is, any of, <, <=, >, >=, between, is empty")


def served(by_index: Column, holds: Column) -> Column:
    """Say that a condition holds, with one beside it that an index serves, true wherever it is.

    Only the second gives the planner the number of rows. Of the first it would think that it holds
    for a few of them only; it assumes that such a condition holds for nearly all rows.
    """
    return and_(case((holds, true())).is_not(None), by_index)


def one_of(column: Column, values: Sequence[Column]) -> Column:
    """Say that a column is one of the values."""
    return or_(*(column == value for value in values))


def _span(value: Scalar, today: date) -> tuple[date, date]:
    found = span(words(value), today)
    if found is None:
        raise UnfitError(
            f"{str(value)[:60]!r} is no date: today, last 7 days, this month, 30 days ago, 2026-03-01"
        )
    return found


def _pair(values: Sequence[object]) -> None:
    if len(values) != 2:  # noqa: PLR2004 a pair
        raise UnfitError("between takes two values")


def words(value: Scalar) -> str:
    """Return a value as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def number(value: Scalar) -> float | int:
    """Return a value as a number."""
    try:
        found = float(value)
    except (ValueError, OverflowError) as exc:
        raise UnfitError(f"{str(value)[:60]!r} is no number") from exc
    if isinstance(value, bool) or not abs(found) < 1e18:  # noqa: PLR2004 beyond any amount; NaN too
        raise UnfitError(f"{str(value)[:60]!r} is no number")
    return int(found) if found.is_integer() else found


def _days(value: Scalar) -> int:
    found = number(value)
    if not isinstance(found, int) or not 0 <= found <= MOST_DAYS:
        raise UnfitError("days are a whole number")
    return found


def truth(value: Scalar) -> bool:
    """Return a value as true or false."""
    said = words(value).strip().lower()
    if said not in {"true", "false", "yes", "no"}:
        raise UnfitError("it is true or false")
    return said in {"true", "yes"}


def escaped(value: Scalar) -> str:
    """Return a text of which LIKE takes every letter for itself."""
    return words(value).replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
