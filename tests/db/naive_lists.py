"""The meaning of a smart list without SQL: rows as dictionaries, one condition at a time.

Knows nothing of the compiler. Dates are of the zone `ZONE`, the moment is `NOW`.
"""

import calendar
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # in Paris it is April already
TODAY = date(2026, 4, 1)
NAMES = {"name", "first_name", "last_name"}  # the same whatever their accents
OBJECTS = ("lead", "person", "company", "deal")

Row = dict[str, Any]


def holds(node: Any, row: Row, kinds: dict[str, str], me: int, users: dict[str, int]) -> bool:
    """Whether a row fulfils a filter, as a document has it."""
    if "all" in node:
        return all(holds(part, row, kinds, me, users) for part in node["all"])
    if "any" in node:
        return any(holds(part, row, kinds, me, users) for part in node["any"])
    if "not" in node:
        return not holds(node["not"], row, kinds, me, users)
    negations = {
        "is not": "is", "none of": "any of", "does not contain": "contains",
        "is not empty": "is empty", "not within": "within",
    }  # fmt: skip
    name, op, value = node["field"], node["op"], node.get("value")
    found = _value(name, row)
    kind = kinds[name]
    if (
        name in NAMES
        and "first_name" in row
        and not (name == "name" and row.get("is_organization"))
    ):
        found, value = _bare(found), _bare(value)
    if op in negations:
        return not _asked(kind, found, negations[op], value, me, users)
    return _asked(kind, found, op, value, me, users)


def alike(said: str) -> str:
    """A name without what makes no difference."""
    return str(_bare(said)).lower()


def _bare(said: Any) -> Any:
    if isinstance(said, list):
        return [_bare(one) for one in said]
    if not isinstance(said, str):
        return said
    parts = unicodedata.normalize("NFD", said)
    return "".join(c for c in parts if not "\u0300" <= c <= "\u036f")


def _value(name: str, row: Row) -> Any:
    if name.startswith("custom_fields."):
        return (row["custom_fields"] or {}).get(name.removeprefix("custom_fields."))
    if name == "name" and row.get("is_organization"):
        return row["organization_name"]
    if name == "name" and "first_name" in row:
        return f"{row['first_name'] or ''} {row['last_name'] or ''}".strip() or None
    return row[name]


def _asked(  # noqa: PLR0917 all of them, at every step
    kind: str, found: Any, op: str, value: Any, me: int, users: dict[str, int]
) -> bool:
    many = value if isinstance(value, list) else [value]
    if op == "is empty":
        return found in (None, "") or (kind in {"tags", "multi_select_list"} and found == [])
    if kind == "user":
        ids = {"me": me, "nobody": None, **users}
        return found in {ids[one.lower()] for one in many}
    if found is None:
        return False
    return _KINDS[kind](found, op, many)


def _text(found: Any, op: str, many: list[str]) -> bool:
    kept, wanted = found.lower(), [one.lower() for one in many]
    return {
        "is": lambda: kept in wanted,
        "any of": lambda: kept in wanted,
        "contains": lambda: wanted[0] in kept,
        "starts with": lambda: kept.startswith(wanted[0]),
    }[op]()


def _custom_text(found: Any, op: str, many: list[str]) -> bool:
    if op in {"is", "any of"}:
        return found in many
    return _text(found if isinstance(found, str) else _json_text(found), op, many)


def _json_text(found: Any) -> str:
    import json

    return json.dumps(found)


def _number(found: Any, op: str, many: list[Any]) -> bool:
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal):
        return False
    kept, wanted = Decimal(str(found)), [Decimal(str(one)) for one in many]
    return {
        "is": lambda: kept in wanted,
        "any of": lambda: kept in wanted,
        "<": lambda: kept < wanted[0],
        "<=": lambda: kept <= wanted[0],
        ">": lambda: kept > wanted[0],
        ">=": lambda: kept >= wanted[0],
        "between": lambda: wanted[0] <= kept <= wanted[1],
    }[op]()


def _bool(found: Any, _op: str, many: list[Any]) -> bool:
    return isinstance(found, bool) and found is (str(many[0]).lower() in {"true", "yes"})


def _moment(found: datetime, op: str, many: list[str]) -> bool:
    if re.match(r"\d{4}-\d\d-\d\dT", many[0]):
        exact = datetime.fromisoformat(many[0])
        return found < exact if op == "before" else found >= exact
    return _day(found.astimezone(ZONE).date(), op, many)


def _days(found: datetime, op: str, many: list[int]) -> bool:
    return _number((TODAY - found.astimezone(ZONE).date()).days, op, many)


def _day(kept: date, op: str, many: list[str]) -> bool:
    first, last = days_of(many[0])
    return {
        "is": lambda: first <= kept <= last,
        "within": lambda: first <= kept <= last,
        "before": lambda: kept < first,
        "<": lambda: kept < first,
        "after": lambda: kept > last,
        ">": lambda: kept > last,
        "<=": lambda: kept <= last,
        ">=": lambda: kept >= first,
        "between": lambda: first <= kept <= days_of(many[-1])[1],
    }[op]()


def _custom_date(found: Any, op: str, many: list[str]) -> bool:
    if not isinstance(found, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", found):
        return False
    return _day(date.fromisoformat(found), op, many)


def _custom_moment(found: Any, op: str, many: list[str]) -> bool:
    if not isinstance(found, str) or not re.fullmatch(r"[\d-]{10}T[\d:]{8}Z", found):
        return False
    return _moment(datetime.fromisoformat(found), op, many)


def _tags(found: Any, op: str, many: list[str]) -> bool:
    if not isinstance(found, list):
        return False
    have = [one in found for one in many]
    return all(have) if op == "all of" else any(have)


def _choice(found: Any, _op: str, many: list[str]) -> bool:
    return found in many


def _address(found: Any, _op: str, many: list[str]) -> bool:
    if not isinstance(found, dict):
        return False
    parts = ("line1", "city", "postal_code", "state", "country")
    return many[0].lower() in " ".join(found[p] for p in parts if p in found).lower()


_KINDS = {
    "text": _text, "name": _text, "number": _number, "bool": _bool, "moment": _moment,
    "date": _day, "days": _days, "tags": _tags,
    "custom string": _custom_text, "custom text": _custom_text, "custom email": _custom_text,
    "custom phone": _custom_text, "custom url": _custom_text, "custom number": _number,
    "custom bool": _bool, "custom date": _custom_date, "custom datetime": _custom_moment,
    "custom list": _choice, "multi_select_list": _tags, "custom address": _address,
}  # fmt: skip


def days_of(words: str) -> tuple[date, date]:
    """First and last day of a period, by counting days."""
    if found := re.fullmatch(r"(last|next) (\d+) days", words):
        n = int(found[2])
        far = timedelta(days=n - 1)
        return (TODAY - far, TODAY) if found[1] == "last" else (TODAY, TODAY + far)
    if found := re.fullmatch(r"(\d+) days ago", words):
        return (TODAY - timedelta(days=int(found[1])),) * 2
    if found := re.fullmatch(r"in (\d+) days", words):
        return (TODAY + timedelta(days=int(found[1])),) * 2
    known = {
        "today": (TODAY, TODAY),
        "yesterday": (date(2026, 3, 31),) * 2,
        "tomorrow": (date(2026, 4, 2),) * 2,
        "this week": (date(2026, 3, 30), date(2026, 4, 5)),
        "last week": (date(2026, 3, 23), date(2026, 3, 29)),
        "this month": (date(2026, 4, 1), date(2026, 4, 30)),
        "last month": (date(2026, 3, 1), date(2026, 3, 31)),
        "next quarter": (date(2026, 7, 1), date(2026, 9, 30)),
        "this year": (date(2026, 1, 1), date(2026, 12, 31)),
    }
    if words in known:
        return known[words]
    year, month, *day = map(int, words.split("-"))
    if day:
        return (date(year, month, day[0]),) * 2
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
