"""Convert values: from the universe to typed values, and from these to JSON and CSV.

Times are aware, in UTC, with whole seconds, like the vendor's. Not here: the fields of a row.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime

from hub.sandbox.salesforce.schema import ID_TYPES, NUMBER_TYPES
from hub.sandbox.world import whole_second

Value = str | bool | int | float | date | datetime | dict[str, object] | None
_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
SHORT_ID, LONG_ID = 15, 18


def is_id(text: str) -> bool:
    """Tell whether `text` has the form of a record id."""
    return len(text) in (SHORT_ID, LONG_ID) and text.isalnum() and text.isascii()


def short_id(text: str) -> str:
    """Return the 15 case-sensitive characters that identify a record."""
    return text[:SHORT_ID] if is_id(text) else text


def long_id(text: str) -> str:
    """Return the id with its suffix: each character encodes the letter case of five others."""
    if not is_id(text):
        return text
    short = text[:SHORT_ID]
    suffix = ""
    for start in range(0, SHORT_ID, 5):
        bits = sum(1 << i for i, char in enumerate(short[start : start + 5]) if char.isupper())
        suffix += _ID_ALPHABET[bits]
    return short + suffix


def typed(kind: str, raw: object) -> Value:
    """Return `raw` as a value of type `kind`. An empty text becomes None."""
    if raw is None or raw == "":
        return None
    read = _READERS.get(kind)
    if read is not None:
        return read(raw)
    return raw if isinstance(raw, dict) else str(raw)


def _boolean(raw: object) -> bool:
    return raw if isinstance(raw, bool) else str(raw).lower() == "true"


def _number(raw: object) -> float:
    return float(raw if isinstance(raw, int | float) else str(raw))


def _datetime(raw: object) -> datetime:
    return whole_second(raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw)))


def _date(raw: object) -> date:
    if isinstance(raw, datetime):
        return raw.date()
    return raw if isinstance(raw, date) else date.fromisoformat(str(raw)[:10])


_READERS: Mapping[str, Callable[[object], Value]] = {
    **dict.fromkeys(NUMBER_TYPES, _number),
    "int": lambda raw: int(_number(raw)),
    "boolean": _boolean,
    "datetime": _datetime,
    "date": _date,
}


def to_json(value: Value) -> object:
    """Return the value as in a REST answer (`2026-11-23T21:00:00.000+0000`)."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return value.isoformat() if isinstance(value, date) else value


def to_csv(value: Value) -> str:
    """Return the value as in a Bulk result: null is empty, times end in Z."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def comparable(kind: str, value: Value) -> str | bool | float | date | datetime | None:
    """Return the key for comparing and sorting: text without case, ids by 15 characters."""
    if isinstance(value, str):
        return short_id(value) if kind in ID_TYPES else value.casefold()
    return None if isinstance(value, dict) else value
