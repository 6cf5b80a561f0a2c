"""What a record's facts are that a stretch of numbers or days touches.

`crm.facts` (the SQL function in `list_columns`) says of every number and every day among the custom
fields where it lies, each more exactly than the one before: of 886 that it has three digits, that
they begin with 8, with 88, with 886; of a day its decade, year, month and itself. A stretch is then a
few dozen such facts, and an index that knows which rows have a fact finds all it may hold, and
somewhat more at its ends. What a condition really says is asked of those rows.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import ColumnElement, Text, func, literal
from sqlalchemy.dialects.postgresql import ARRAY

from hub.crm.list_columns import LONGEST

FIRST_YEAR, LAST_YEAR = 1899, 2101  # these two stand for all before and all after them
_LOWEST, _HIGHEST = -6, 18  # powers of ten: below is nothing, above is all the same
_DIGITS = 3
_A_POWER = 900  # 100 to 999: the numbers of three digits that do not begin with a nought
_BLOCKS = ((100, 1), (10, 2), (1, 3))  # how many of these begin with so many digits
_A_MONTH, _A_YEAR = 31, 372  # as if each had as many days as the longest


def of_column(name: str, word: str) -> str:
    """Return the fact that a column has a word; of `tags`, that a tag is among them."""
    return f"{name}={word[:LONGEST]}"


def of_custom(key: str, value: object) -> str:
    """Return the fact that a custom field has a value: a text, a number, a truth, one of its choices."""
    match value:
        case bool():
            said = str(value).lower()
        case str():
            said = value[:LONGEST]
        case _:
            said = _plain(Decimal(str(value)))
    return f".{key[:LONGEST]}={said}"


def _plain(number: Decimal) -> str:
    """Return a number as `trim_scale` leaves it: no exponent, no noughts behind the point."""
    if not number:
        return "0"
    said = f"{number:f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def hashed(found: Sequence[str]) -> ColumnElement[Any]:
    """Return facts as the column has them."""
    return func.crm.hashed(literal(list(found), ARRAY(Text)))


def of_numbers(key: str, low: Decimal | None, high: Decimal | None) -> list[str]:
    """Return the facts that cover the numbers from `low` to `high`; None is no bound.

    Wider by one in the third digit at either end, so that rounding loses nothing.
    """
    most = (_HIGHEST - _LOWEST + 1) * _A_POWER
    first = -most if low is None else max(-most, _place(low) - 1)
    last = most if high is None else min(most, _place(high) + 1)
    found = ["0"] if first <= 0 <= last else []
    found += [f"+{block}" for block in _powers(max(first, 1), last)]
    found += [f"-{block}" for block in _powers(max(-last, 1), -first)]
    return [f"{_begin(key)}{one}" for one in found]


def of_days(key: str, first: date | None, last: date | None) -> list[str]:
    """Return the facts that cover the days from `first` to `last`, both of them; None is no bound."""
    start = _day(FIRST_YEAR, 1, 1)
    end = _day(LAST_YEAR, 12, 31)
    low = start if first is None or first.year <= FIRST_YEAR else _of(first)
    high = end if last is None or last.year >= LAST_YEAR else _of(last)
    if last is not None and last.year <= FIRST_YEAR:
        high = _day(FIRST_YEAR, 12, 31)
    if first is not None and first.year >= LAST_YEAR:
        low = _day(LAST_YEAR, 1, 1)
    return [f"{_begin(key)}{one}" for one in _calendar(low, high)]


def _begin(key: str) -> str:
    return f".{key[:LONGEST]} "


def _place(number: Decimal) -> int:
    """Return a number's place among those of three digits, as `to_char(…, '9.99EEEE')` rounds."""
    size = abs(number)
    if size < Decimal(1).scaleb(_LOWEST):
        return 0
    power = size.adjusted()
    digits = int(size.scaleb(_DIGITS - 1 - power).to_integral_value(ROUND_HALF_UP))
    if digits == _A_POWER + 100:
        power, digits = power + 1, 100
    place = (min(power, _HIGHEST) - _LOWEST) * _A_POWER + digits - 100 + 1
    return place if number > 0 else -place


def _powers(first: int, last: int) -> Iterator[str]:
    """Cut places into blocks, each as large as it can be."""
    highest = (_HIGHEST - _LOWEST) * _A_POWER
    if last > highest:
        last = highest + _A_POWER
    while first <= last:
        power, digits = divmod(first - 1, _A_POWER)
        whole = first > highest or (digits == 0 and first + _A_POWER - 1 <= last)
        if whole:
            yield str(power + _LOWEST)
            first = (power + 1) * _A_POWER + 1
            continue
        size, kept = next(
            (size, kept)
            for size, kept in _BLOCKS
            if digits % size == 0 and first + size - 1 <= last
        )
        yield f"{power + _LOWEST}:{str(digits + 100)[:kept]}"
        first += size


def _day(year: int, month: int, day: int) -> int:
    return year * _A_YEAR + (month - 1) * _A_MONTH + day - 1


def _of(day: date) -> int:
    return _day(day.year, day.month, day.day)


def _calendar(first: int, last: int) -> Iterator[str]:
    while first <= last:
        year, rest = divmod(first, _A_YEAR)
        month, day = divmod(rest, _A_MONTH)
        if rest == 0 and year % 10 == 0 and first + 10 * _A_YEAR - 1 <= last:
            yield f"{year // 10:03}"
            first += 10 * _A_YEAR
        elif rest == 0 and first + _A_YEAR - 1 <= last:
            yield f"{year:04}"
            first += _A_YEAR
        elif day == 0 and first + _A_MONTH - 1 <= last:
            yield f"{year:04}-{month + 1:02}"
            first += _A_MONTH
        else:
            yield f"{year:04}-{month + 1:02}-{day + 1:02}"
            first += 1
