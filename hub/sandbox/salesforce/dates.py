"""Compute the span of time of SOQL's date literals (`TODAY`, `LAST_N_DAYS:7`).

The org's time zone is UTC. Its weeks start on Sunday (locale en_US). Fiscal literals are unknown.
"""

import re
from datetime import UTC, date, datetime, timedelta

_WORD = re.compile(
    r"(?P<n>LAST_N|NEXT_N)_(?P<units>DAY|WEEK|MONTH|QUARTER|YEAR)S"
    r"|N_(?P<ago>DAY|WEEK|MONTH|QUARTER|YEAR)S_AGO"
    r"|(?P<which>THIS|LAST|NEXT)_(?P<unit>WEEK|MONTH|QUARTER|YEAR)"
    r"|(?P<ninety>LAST|NEXT)_90_DAYS"
)
_DAYS = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}
_WHICH = {"LAST": -1, "THIS": 0, "NEXT": 1}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def span(word: str, count: int | None, now: datetime) -> tuple[date, date] | None:
    """Return the first day and the day after the last; None for an unknown literal."""
    today = now.astimezone(UTC).date()
    offsets = _offsets(word, count)
    if offsets is None:
        return None
    unit, first, after = offsets
    return _start(unit, first, today), _start(unit, after, today)


def _offsets(word: str, count: int | None) -> tuple[str, int, int] | None:
    """Return the unit and both ends of the span, in units relative to the present one."""
    match = _WORD.fullmatch(word)
    found = match.groupdict() if match else {}
    needs_count = bool(found.get("n") or found.get("ago"))
    if needs_count != (count is not None) or not (match or word in _DAYS):
        return None
    if match is None:
        return "DAY", _DAYS[word], _DAYS[word] + 1
    if found["which"]:
        return found["unit"], _WHICH[found["which"]], _WHICH[found["which"]] + 1
    n = 90 if count is None else count
    if found["ago"]:
        return found["ago"], -n, -n + 1
    unit = found["units"] or "DAY"
    if (found["n"] or found["ninety"]).startswith("NEXT"):
        return unit, 1, n + 1
    return unit, -n, 1 if unit == "DAY" else 0  # LAST_N_DAYS ends at the present second


def _start(unit: str, offset: int, today: date) -> date:
    if unit == "DAY":
        return today + timedelta(days=offset)
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=offset)
    size = _MONTHS[unit]
    month = (today.year * 12 + today.month - 1) // size * size + offset * size
    return date(month // 12, month % 12 + 1, 1)
