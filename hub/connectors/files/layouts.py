"""How the dates and the numbers of a column are written: found over the whole column.

In: the cells of a column. Out: the order of days and months, the decimal sign; and cells in one layout:
ISO dates, plain decimals. A cell that the layout cannot read stays as typed, and the mapping refuses it.
Pure.
"""

import functools
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel import Locale

_PARTS = re.compile(r"(\d{1,4})([/.\- ])(\d{1,2})\2(\d{1,4})(?:[ T,]+(.+))?", re.ASCII)
_NAMED = re.compile(
    r"(?:[^\W\d_]{2,}\.?,? )?(\d{1,2})(?:st|nd|rd|th|er|\.)?[ \-]([^\W\d_]{3,})\.?,?[ \-](\d{4}|\d\d)(?:[ T,]+(.+))?"
)
_NAMED_FIRST = re.compile(r"([^\W\d_]{3,})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(?:[ T,]+(.+))?")
_TIME = re.compile(
    r"(?:at |à )?(\d{1,2})(?::|h)(\d\d)?(?::(\d\d))?(?:\.\d+)?\s*([ap])?\.?(?:m\.?)?",
    re.ASCII | re.IGNORECASE,
)
_MONTHS_OF = ("en", "fr", "de", "es", "it", "pt", "nl")
_MOST_MONTHS = 12
_MOST_DAYS = 31
_CENTURY_FROM = 70
_CLEARLY = 3
"""One order is taken against single cells of the other if it has three times as many."""


class DayOrder(StrEnum):
    """Which of the first two numbers of a date is the day."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    UNKNOWN = "unknown"  # dates such as 01/02/2025 alone
    NONE = "none"  # no such date


@dataclass(slots=True)
class DateEvidence:
    """What the cells of a column say about the order; counts of cells."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0
    clear: int = 0
    other: int = 0

    def add(self, cell: str) -> None:
        """Count one cell that is not blank."""
        found = _PARTS.fullmatch(cell)
        if found is None:
            is_named = _NAMED.fullmatch(cell) or _NAMED_FIRST.fullmatch(cell)
            self.clear += bool(is_named)
            self.other += not is_named
            return
        a, sign, b, year = int(found[1]), found[2], int(found[3]), found[4]
        if len(found[1]) == len("2025") or a > _MOST_DAYS:
            self.clear += 1
        elif len(year) not in {2, 4} or not a or not b:
            self.other += 1
        elif sign == ".":  # where dates have points, the day comes first
            self.clear += 1
        elif a > _MOST_MONTHS >= b:
            self.day_first += 1
        elif b > _MOST_MONTHS >= a and b <= _MOST_DAYS:
            self.month_first += 1
        elif a == b:
            self.clear += 1
        else:
            self.either += 1

    @property
    def is_mostly_dates(self) -> bool:
        """Whether most cells are dates."""
        dates = self.day_first + self.month_first + self.either + self.clear
        return dates > self.other

    @property
    def order(self) -> DayOrder:
        """The order of days and months in the column."""
        day, month = self.day_first, self.month_first
        if not (day or month or self.either):
            return DayOrder.NONE
        if day > 0 and day >= _CLEARLY * month:
            return DayOrder.DAY_FIRST
        if month > 0 and month >= _CLEARLY * day:
            return DayOrder.MONTH_FIRST
        return DayOrder.UNKNOWN


def iso(cell: str, order: DayOrder, zone: ZoneInfo | None = None) -> str:
    """Return a date or time as ISO text; a cell that cannot be read so stays as it is.

    Args:
        cell: as typed.
        order: of the column; with UNKNOWN a date such as 01/02/2025 is not read.
        zone: of times without one; None leaves them without.
    """
    text = _with_offset(" ".join(cell.split()))
    parts = _day_of(text, order)
    if parts is None:
        return _with_zone(text, zone)
    (year, month, day), rest = parts
    try:
        whole = date(year, month, day)
    except ValueError:
        return cell
    if not rest:
        return whole.isoformat()
    time = _time_of(rest)
    return cell if time is None else _with_zone(f"{whole.isoformat()}T{time}", zone)


def _day_of(  # noqa: PLR0911 one line a layout
    text: str, order: DayOrder
) -> tuple[tuple[int, int, int], str | None] | None:
    """Return (year, month, day) and the text after it, None if the text is no date of these layouts."""
    if found := _PARTS.fullmatch(text):
        a, sign, b, c = int(found[1]), found[2], int(found[3]), found[4]
        if len(found[1]) == len("2025"):
            return ((a, b, int(c)), found[5]) if sign != "-" else None
        if len(c) not in {2, 4}:
            return None
        if sign == "." or a == b:
            is_day_first = True
        elif order in {DayOrder.DAY_FIRST, DayOrder.MONTH_FIRST}:
            is_day_first = order is DayOrder.DAY_FIRST
        elif a > _MOST_MONTHS or b > _MOST_MONTHS:
            is_day_first = a > _MOST_MONTHS
        else:
            return None
        day, month = (a, b) if is_day_first else (b, a)
        return (_year(c), month, day), found[5]
    if found := _NAMED.fullmatch(text):
        month = _months().get(_folded(found[2]), 0)
        return ((_year(found[3]), month, int(found[1])), found[4]) if month else None
    if found := _NAMED_FIRST.fullmatch(text):
        month = _months().get(_folded(found[1]), 0)
        return ((int(found[3]), month, int(found[2])), found[4]) if month else None
    return None


def _year(text: str) -> int:
    year = int(text)
    if len(text) == len("2025"):
        return year
    return year + (1900 if year >= _CENTURY_FROM else 2000)


def _time_of(text: str) -> str | None:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        try:
            datetime.fromisoformat(f"2000-01-01T{text.strip()}")
        except ValueError:
            return None
        return text.strip()
    hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if found[4]:
        hour = hour % 12 + (12 if found[4].lower() == "p" else 0)
    is_time = hour < 24 and minute < 60 and second < 60  # noqa: PLR2004 a clock
    return f"{hour:02}:{minute:02}:{second:02}" if is_time else None


_ZONE = re.compile(r"(?P<at>\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (?:UTC|GMT|(?P<offset>[+-]\d\d:?\d\d))", re.ASCII)  # fmt: skip


def _with_offset(text: str) -> str:
    """Return an ISO time whose zone stands after a blank, `2015-10-05 08:28:00 UTC`, with its offset."""
    found = _ZONE.fullmatch(text)
    return text if found is None else f"{found['at']}{found['offset'] or '+00:00'}"


def _with_zone(text: str, zone: ZoneInfo | None) -> str:
    if zone is None:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    has_time = len(text) > len("2025-01-01")
    return moment.replace(tzinfo=zone).isoformat() if has_time and not moment.tzinfo else text


@functools.cache
def _months() -> dict[str, int]:
    """Return the number of a month by its folded name and abbreviation, in seven languages."""
    found: dict[str, int] = {}
    for language in _MONTHS_OF:
        for width in ("wide", "abbreviated"):
            for form in ("format", "stand-alone"):
                names = Locale(language).months[form][width]
                found |= {_folded(name): number for number, name in names.items()}
    return found


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in plain if c.isalpha())


_COMMA = re.compile(r"\d,(?:\d{1,2}|\d{4,})(?!\d)|\d\.\d{3}(?:\.\d{3})+|\.\d{3},\d", re.ASCII)
_POINT = re.compile(r"\d\.(?:\d{1,2}|\d{4,})(?!\d)|\d,\d{3}(?:,\d{3})+|,\d{3}\.\d", re.ASCII)


@dataclass(slots=True)
class NumberEvidence:
    """What the cells of a column say about the decimal sign; counts of cells."""

    comma: int = 0
    point: int = 0

    def add(self, cell: str) -> None:
        """Count one cell that is not blank."""
        is_comma, is_point = bool(_COMMA.search(cell)), bool(_POINT.search(cell))
        self.comma += is_comma and not is_point
        self.point += is_point and not is_comma

    @property
    def sign(self) -> str:
        """The decimal sign: a comma, a point, or "" where the column does not say."""
        if self.comma and not self.point:
            return ","
        return "." if self.point and not self.comma else ""


def decimal(cell: str, sign: str) -> str:
    """Return a number with a decimal point and without marks of groups, by the column's decimal sign."""
    if sign == "," and not _POINT.search(cell):
        return cell.replace(".", "").replace(",", ".")
    if sign == "." and not _COMMA.search(cell):
        return cell.replace(",", "")
    return cell
