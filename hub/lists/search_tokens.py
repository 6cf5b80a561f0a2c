"""How a record's tokens are called, and which of them a stretch of numbers or days touches.

`crm.search_tokens` (the SQL function in `list_columns`) calls them the same. Of every number and every day among
the custom fields it says where it lies, each more exactly than the one before: of 886 that it has
three digits, that they begin with 8, with 88, with 886; of a day its decade, year, month, third of the
month and itself. A stretch is then a few such tokens, and an index that knows which rows have a token finds
all it holds. Where an end lies inside such a token (`> 886`, `>= 1234`), it finds somewhat more, and what the
condition really says is asked of those rows.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Text, func, literal
from sqlalchemy.dialects.postgresql import ARRAY

from hub.frozen import dataclass

Column = ColumnElement[Any]
FIRST_YEAR, LAST_YEAR = 1949, 2051  # these two mean all before and all after them
_TINY, _HUGE = -3, 9  # powers of ten: all that is nearer to nought, all that is a billion or more
_A_POWER = 900  # 100 to 999: the numbers of three digits that do not begin with a nought
_BLOCKS = ((100, 1), (10, 2), (1, 3))  # how many of these begin with so many digits
_LAST_PLACE = (_HUGE - _TINY + 1) * _A_POWER
_A_MONTH, _A_YEAR = 31, 372  # as if each had as many days as the longest
_THIRD = 10  # days of the first two thirds of a month; the last one has the rest


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens of which every value of a stretch has one.

    Args:
        tokens: as `crm.search_tokens` calls them.
        is_exact: nothing outside of the stretch has any of them.
    """

    tokens: list[str]
    is_exact: bool


def of_column(name: str, word: str) -> str:
    """Return the token that a column has a word; of `tags`, that a tag is among them."""
    return f"{name}={word}"


def of_custom(key: str, value: object) -> str:
    """Return the token that a custom field is a text, a number or a truth."""
    match value:
        case bool():
            said = f"={str(value).lower()}"
        case str():
            said = f'="{value}'
        case _:
            said = f"=#{_plain(Decimal(str(value)))}"
    return _begin(key) + said


def of_choice(key: str, choice: str) -> str:
    """Return the token that a choice is among those of a custom field."""
    return f"{_begin(key)}[{choice}"


def any_of(row_tokens: Column, found: Sequence[str] | Column) -> Column:
    """Say that a row has one of some tokens; these as texts, or as an array of SQL."""
    holds: Column = row_tokens.overlap(_hashed(found))
    return holds


def all_of(row_tokens: Column, found: Sequence[str]) -> Column:
    """Say that a row has all of some tokens."""
    holds: Column = row_tokens.contains(_hashed(found))
    return holds


def _hashed(found: Sequence[str] | Column) -> Column:
    if not isinstance(found, ColumnElement):
        found = literal(list(found), ARRAY(Text))  # one value, however many tokens
    return func.crm.hashed(found)


def of_numbers(
    key: str,
    low: Decimal | None,
    high: Decimal | None,
    *,
    with_low: bool = True,
    with_high: bool = True,
) -> Stretch:
    """Return the tokens that cover the numbers from `low` to `high`; None is no bound.

    Args:
        key: the custom field's.
        low: the lowest.
        high: the highest.
        with_low: whether the lowest itself is one of them.
        with_high: whether the highest itself is.
    """
    first, is_low_exact = (-_LAST_PLACE, True) if low is None else _first(low, with_it=with_low)
    below, is_high_exact = (
        (-_LAST_PLACE, True) if high is None else _first(-high, with_it=with_high)
    )
    last = -below
    found = [" 0"] if first <= 0 <= last else []
    found += [f" +{block}" for block in _powers(max(first, 1), last)]
    if first == -_LAST_PLACE and last >= -1:
        found.append(" -")
    else:
        found += [f" -{block}" for block in _powers(max(-last, 1), -first)]
    return Stretch([_begin(key) + one for one in found], is_low_exact and is_high_exact)


def of_dates(key: str, first: date | None, last: date | None) -> Stretch:
    """Return the tokens that cover the days from `first` to `last`, both of them; None is no bound."""
    return _of_days(f"{_begin(key)} d", first, last)


def of_moments(key: str, first: date | None, last: date | None) -> Stretch:
    """Return the tokens that cover the moments of the days from `first` to `last` in UTC."""
    return _of_days(f"{_begin(key)} m", first, last)


def of_added(first: date) -> list[str]:
    """Return the tokens of what was added in a day's month in UTC or later; of a year between the two."""
    return [f"added={one}" for one in _calendar(_day(first.year, first.month, 1), _END)]


def _begin(key: str) -> str:
    """Return how all tokens of a custom field begin, and those of no other."""
    return f".{len(key)}:{key}"


def _plain(number: Decimal) -> str:
    """Return a number as `trim_scale` leaves it: no exponent, no noughts behind the point."""
    if not number:
        return "0"
    said = f"{number:f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def _first(low: Decimal, *, with_it: bool) -> tuple[int, bool]:
    """Return the first place that numbers above a bound have, and whether only they have it.

    Places are cut towards nought; so those of -886 are what begins with -886 and is less or the same.
    """
    if not low:
        return (0 if with_it else 1), True
    place, is_begin = _place(abs(low))
    if low > 0:
        return place, is_begin and with_it
    if is_begin and not with_it:
        return 1 - place, True
    return -place, False


def _place(size: Decimal) -> tuple[int, bool]:
    """Return a size's place among those of three digits, and whether it is the least there."""
    power = size.adjusted()
    if power <= _TINY:
        return 1, False
    if power >= _HUGE:
        return _LAST_PLACE - _A_POWER + 1, size == Decimal(1).scaleb(_HUGE)
    scaled = size.scaleb(2 - power)
    digits = int(scaled)
    return (power - _TINY) * _A_POWER + digits - 100 + 1, scaled == digits


def _powers(first: int, last: int) -> Iterator[str]:
    """Cut places into blocks, each as large as it can be."""
    while first <= last:
        index, digits = divmod(first - 1, _A_POWER)
        power = index + _TINY
        whole = digits == 0 and first + _A_POWER - 1 <= last
        if whole or power in {_TINY, _HUGE}:
            yield str(power)
            first = (index + 1) * _A_POWER + 1
            continue
        size, kept = next(
            (size, kept)
            for size, kept in _BLOCKS
            if digits % size == 0 and first + size - 1 <= last
        )
        yield f"{power}:{str(digits + 100)[:kept]}"
        first += size


def _of_days(begin: str, first: date | None, last: date | None) -> Stretch:
    low, high = _day(FIRST_YEAR, 1, 1), _END
    if first is not None and first.year > FIRST_YEAR:
        low = _of(first) if first.year < LAST_YEAR else _day(LAST_YEAR, 1, 1)
    if last is not None and last.year < LAST_YEAR:
        high = _of(last, is_last=True) if last.year > FIRST_YEAR else _day(FIRST_YEAR, 12, 31)
    is_exact = all(day is None or FIRST_YEAR < day.year < LAST_YEAR for day in (first, last))
    return Stretch([f"{begin}{one}" for one in _calendar(low, high)], is_exact)


def _day(year: int, month: int, day: int) -> int:
    return year * _A_YEAR + (month - 1) * _A_MONTH + day - 1


_END = _day(LAST_YEAR, 12, 31)


def _of(day: date, *, is_last: bool = False) -> int:
    """Return a day's number; as the last one, the last of a month has the number of a 31st."""
    if is_last and day.day == monthrange(day.year, day.month)[1]:
        return _day(day.year, day.month, _A_MONTH)
    return _day(day.year, day.month, day.day)


def _calendar(first: int, last: int) -> Iterator[str]:
    while first <= last:
        year, rest = divmod(first, _A_YEAR)
        month, day = divmod(rest, _A_MONTH)
        third = min(day // _THIRD, 2)
        length = _THIRD if third < 2 else _A_MONTH - 2 * _THIRD  # noqa: PLR2004 the last
        if rest == 0 and year % 10 == 0 and first + 10 * _A_YEAR - 1 <= last:
            yield f"{year // 10:03}"
            first += 10 * _A_YEAR
        elif rest == 0 and first + _A_YEAR - 1 <= last:
            yield f"{year:04}"
            first += _A_YEAR
        elif day == 0 and first + _A_MONTH - 1 <= last:
            yield f"{year:04}-{month + 1:02}"
            first += _A_MONTH
        elif day == third * _THIRD and first + length - 1 <= last:
            yield f"{year:04}-{month + 1:02}/{third}"
            first += length
        else:
            yield f"{year:04}-{month + 1:02}-{day + 1:02}"
            first += 1
