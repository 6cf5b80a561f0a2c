"""POST …/search: find the matching records and return a page of them.

A record matches if all filters of one group hold. `after` is an offset. No request reaches beyond
the 10,000th result. https://developers.hubspot.com/docs/api-reference/search/guide
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from hub.sandbox.hubspot.errors import ApiError, invalid
from hub.sandbox.hubspot.objects import Crm, ObjectType, id_key, shown
from hub.sandbox.hubspot.properties import kinds_of
from hub.sandbox.hubspot.texts import SOURCE, Json
from hub.sandbox.world import Row

DEFAULT_SIZE, LARGEST_SIZE = 10, 200
MOST_RESULTS = 10_000
MOST_GROUPS, MOST_IN_A_GROUP, MOST_FILTERS = 5, 10, 25
MOST_QUERY = 3_000
_ID = "hs_object_id"
INDEX_LAG = timedelta(seconds=1)
_UNARY = frozenset({"HAS_PROPERTY", "NOT_HAS_PROPERTY"})
_LISTED = frozenset({"IN", "NOT_IN"})
_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "LT": lambda one, other: one < other,
    "LTE": lambda one, other: one <= other,
    "GT": lambda one, other: one > other,
    "GTE": lambda one, other: one >= other,
}
_NEGATED = {"NEQ": "EQ", "NOT_IN": "IN", "NOT_CONTAINS_TOKEN": "CONTAINS_TOKEN"}
_OPERATORS = frozenset({*_ORDERED, *_UNARY, *_LISTED, *_NEGATED, "EQ", "BETWEEN", "CONTAINS_TOKEN"})
Values = Mapping[str, str | None]
Claim = Callable[[Values], bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """A parsed request."""

    claims: Sequence[Sequence[Claim]]
    query: str
    sort: str
    descending: bool
    properties: Sequence[str]
    limit: int
    after: int
    low: str | None = None
    high: str | None = None


def search(crm: Crm, kind: ObjectType, body: Json) -> Json:
    """Return the requested page. `total` counts all matching records."""
    types = kinds_of(crm, kind)
    asked = _read(body, types)
    now = crm.world.clock.now()
    found: list[tuple[Row, Values]] = []
    for row in _between(crm, kind, asked):
        # the search index learns of a new record a second later
        if row.created_at + INDEX_LAG > now:
            continue
        values = crm.values(kind, row)
        if _matches(values, asked, kind):
            found.append((row, values))
    if asked.sort and (asked.sort != _ID or asked.descending):  # rows are ordered by id
        type_ = types[asked.sort]
        found.sort(key=lambda one: _sort_key(one[1], asked.sort, type_), reverse=asked.descending)
    page = found[asked.after : asked.after + asked.limit]
    hidden = crm.world.hidden_ids(SOURCE, kind.name)
    names = [name for name in asked.properties if name in types]
    answer: Json = {
        "total": len(found),
        "results": [
            shown(row, kind, values, names) for row, values in page if row.id not in hidden
        ],
    }
    end = asked.after + asked.limit
    if end < len(found):
        answer["paging"] = {"next": {"after": str(end)}}
    return answer


def _between(crm: Crm, kind: ObjectType, asked: Asked) -> Sequence[Row]:
    """Return the records whose ids every group allows; what else it asks is checked for each."""
    table = crm.table(kind)
    if asked.low is None and asked.high is None:
        return table.live
    low = bisect_left(table.keys, id_key(asked.low)) if asked.low else 0
    high = bisect_right(table.keys, id_key(asked.high)) if asked.high else len(table.keys)
    return table.live[low:high]


def _bounds(lists: Sequence[Sequence[Json]]) -> tuple[str | None, str | None]:
    """Return the lowest and the highest id that the only group of filters allows."""
    low = high = None
    for one in lists[0] if len(lists) == 1 else ():
        value = str(one.get("value") or "").strip()
        if one.get("propertyName") == _ID and value.isdigit():
            if one.get("operator") in ("GT", "GTE"):
                low = value
            elif one.get("operator") in ("LT", "LTE"):
                high = value
    return low, high


def _read(body: Json, types: Mapping[str, str]) -> Asked:
    groups = body.get("filterGroups") or []
    if not groups and body.get("filters"):
        groups = [{"filters": body["filters"]}]
    if not isinstance(groups, list) or len(groups) > MOST_GROUPS:
        raise invalid(f"filterGroups may hold up to {MOST_GROUPS} groups")
    lists = [_filters(group) for group in groups]
    if sum(map(len, lists)) > MOST_FILTERS or any(len(one) > MOST_IN_A_GROUP for one in lists):
        raise invalid(
            f"a group may hold up to {MOST_IN_A_GROUP} filters, a request up to {MOST_FILTERS}"
        )
    query = str(body.get("query") or "")
    if len(query) > MOST_QUERY:
        raise invalid(f"query may be up to {MOST_QUERY} characters long")
    limit = _whole(body.get("limit"), "limit", DEFAULT_SIZE)
    if limit > LARGEST_SIZE:
        raise invalid(f"limit must be at most {LARGEST_SIZE}")
    after = _whole(body.get("after") or 0, "after", 0)
    if after + limit > MOST_RESULTS:
        raise ApiError(400, "VALIDATION_ERROR", "There was a problem with the request.")
    sort, descending = _sort(body.get("sorts"), types)
    properties = body.get("properties") or []
    if not isinstance(properties, list):
        raise invalid("properties must be a list")
    claims = [[_claim(one, types) for one in filters] for filters in lists]
    names = [str(one) for one in properties]
    return Asked(claims, query, sort, descending, names, limit, after, *_bounds(lists))


def _filters(group: Any) -> list[Json]:
    filters = group.get("filters") if isinstance(group, dict) else None
    if not isinstance(filters, list) or not all(isinstance(one, dict) for one in filters):
        raise invalid("a filter group needs a list of filters")
    return filters


def _sort(sorts: Any, types: Mapping[str, str]) -> tuple[str, bool]:
    if not sorts:
        return "", False
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid("only one sort is allowed")
    first = sorts[0]
    if isinstance(first, str):
        name, descending = first.removeprefix("-"), first.startswith("-")
    else:
        name = str(first.get("propertyName", ""))
        descending = str(first.get("direction", "")).upper() == "DESCENDING"
    _check_property(name, types)
    return name, descending


def _check_property(name: str, types: Mapping[str, str]) -> None:
    if name not in types:
        raise invalid(f"There was a problem with the request. Property {name!r} does not exist")


def _claim(one: Json, types: Mapping[str, str]) -> Claim:
    """Return a filter as a function from a record's properties to true or false."""
    name, operator = str(one.get("propertyName", "")), str(one.get("operator", ""))
    _check_property(name, types)
    if operator not in _OPERATORS:
        raise invalid(f"Invalid operator: {operator!r}")
    type_ = types[name]
    if operator in _UNARY:
        return lambda values: (values.get(name) not in (None, "")) == (operator == "HAS_PROPERTY")
    if operator in _NEGATED:
        claim = _claim({**one, "operator": _NEGATED[operator]}, types)
        return lambda values: not claim(values)
    holds = _test(operator, one, name, type_)

    def claim_of(values: Values) -> bool:
        value = values.get(name)
        if value in (None, ""):
            return False
        try:
            return holds(value or "")
        except ApiError:  # the record has a text where the property needs a number or a time
            return False

    return claim_of


def _test(operator: str, one: Json, name: str, type_: str) -> Callable[[str], bool]:
    if operator == "IN":
        given = one.get("values")
        if not isinstance(given, list) or not given:
            raise invalid("operator IN requires values")
        wanted = {_key(str(value), name, type_) for value in given}
        return lambda value: _key(value, name, type_) in wanted
    if "value" not in one or one["value"] in (None, ""):
        raise invalid(f"operator {operator} requires a value")
    text = str(one["value"])
    if operator == "CONTAINS_TOKEN":
        pattern = re.compile(_token_pattern(text), re.IGNORECASE)
        return lambda value: bool(pattern.search(value))
    first = _key(text, name, type_)
    if operator == "BETWEEN":
        if one.get("highValue") in (None, ""):
            raise invalid("operator BETWEEN requires a highValue")
        last = _key(str(one["highValue"]), name, type_)
        return lambda value: bool(first <= _key(value, name, type_) <= last)
    if operator == "EQ":
        return lambda value: bool(_key(value, name, type_) == first)
    compare = _ORDERED[operator]
    return lambda value: compare(_key(value, name, type_), first)


def _token_pattern(text: str) -> str:
    inner = r"\S*".join(re.escape(part) for part in text.split("*"))
    return rf"(?<!\w){inner}(?!\w)"


def _key(value: str, name: str, type_: str) -> Any:
    """Return the key by which values of a property are compared."""
    if name == _ID:
        return id_key(value.strip())
    if type_ in {"datetime", "date"}:
        return _millis(value, name)
    if type_ == "number":
        try:
            return Decimal(value)
        except InvalidOperation as exc:
            raise invalid(f"{value!r} is no number for property {name}") from exc
    return value.lower()


def _millis(value: str, name: str) -> int:
    if value.lstrip("-").isdigit():
        return int(value)
    try:
        at = datetime.fromisoformat(value)
    except ValueError as exc:
        raise invalid(f"{value!r} is no time for property {name}") from exc
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)


def _sort_key(values: Values, name: str, type_: str) -> tuple[bool, Any]:
    value = values.get(name)
    return (False, 0) if value in (None, "") else (True, _key(value or "", name, type_))


def _matches(values: Values, asked: Asked, kind: ObjectType) -> bool:
    if asked.claims and not any(all(claim(values) for claim in one) for one in asked.claims):
        return False
    text = " ".join(str(values.get(name) or "") for name in kind.searched).lower()
    return all(word in text for word in asked.query.lower().split())


def _whole(value: Any, name: str, default: int) -> int:
    text = str(default if value is None else value)
    if not text.isdigit():
        raise invalid(f"{name} must be a number")
    return int(text)
