"""Select the rows of a request: incremental exports, lists by cursor and by page number.

Exports are ordered by `generated_timestamp` and omit changes of the last minute. Their cursor names
the last returned row. Not here: a row's JSON (`shapes.py`).
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from hub.sandbox.world import Row, World
from hub.sandbox.zendesk.errors import ApiError, bad_value
from hub.sandbox.zendesk.people import SOURCE, is_gone
from hub.sandbox.zendesk.shapes import Json, wire_id

FRESH = timedelta(seconds=60)
METRIC_EVENTS = "ticket_metric_events"
LARGEST_EXPORT, LARGEST_LIST, MOST_BY_OFFSET = 1000, 100, 10_000
Params = Mapping[str, str]
Show = Callable[[Row], Json]
_Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a list: its stream, its parameters, the URL for links."""

    world: World
    stream: str
    params: Params
    url: str
    show: Show

    def link(self, **params: object) -> str:
        """Return the request's URL with other parameters."""
        kept = {k: v for k, v in self.params.items() if k in {"include", "per_page", "page[size]"}}
        return f"{self.url}?{urlencode({**kept, **params})}"


def cursor_export(asked: Asked) -> tuple[Json, list[Row]]:
    """Return a page of a cursor-based export, and its rows."""
    world, params = asked.world, asked.params
    if "cursor" in params:
        start = _read_cursor(params["cursor"])
        before: str | None = params["cursor"]
    else:
        start, before = (_start_time(asked), ""), None
    rows = _fresh_left_out(asked)
    if params.get("exclude_deleted", "").lower() == "true":
        rows = [row for row in rows if not is_gone(row)]
    left = [row for row in rows if _key(row) > start]
    page = left[: _size(params, "per_page", LARGEST_EXPORT, LARGEST_EXPORT)]
    cursor = _make_cursor(_key(page[-1]) if page else start)
    hidden = world.hidden_ids(SOURCE, asked.stream)
    shown = [row for row in page if row.id not in hidden]
    body: Json = {
        asked.stream: [asked.show(row) for row in shown],
        "after_url": asked.link(cursor=cursor),
        "after_cursor": cursor,
        "before_url": asked.link(cursor=before) if before else None,
        "before_cursor": before,
        "end_of_stream": len(left) <= len(page),
    }
    return body, shown


def time_export(asked: Asked) -> tuple[Json, list[Row]]:
    """Return a page of a time-based export; a page never splits a second."""
    start = _start_time(asked)
    left = [row for row in _fresh_left_out(asked) if _key(row)[0] >= start]
    page = left[: _size(asked.params, "per_page", LARGEST_EXPORT, LARGEST_EXPORT)]
    end = _key(page[-1])[0] if page else start
    page = [
        row for row in left if _key(row)[0] <= end
    ]  # so the page may be larger than the requested size
    shown = [row for row in page if row.id not in asked.world.hidden_ids(SOURCE, asked.stream)]
    body: Json = {
        asked.stream: [asked.show(row) for row in shown],
        "count": len(shown),
        "end_of_stream": len(left) <= len(page),
        "end_time": end,
        "next_page": asked.link(start_time=end),
    }
    return body, shown


def listed(asked: Asked) -> tuple[Json, list[Row]]:
    """Return a page of a list: by cursor if `page[size]` is given, else by page number."""
    if "page[size]" in asked.params or "page[after]" in asked.params:
        return _by_cursor(asked)
    return _by_number(asked)


def live_rows(world: World, stream: str) -> list[Row]:
    """Return the rows of a list, ordered by id."""
    rows = world.rows(SOURCE, stream, include_deleted=True)
    return sorted((row for row in rows if not is_gone(row)), key=lambda row: padded(row.id))


def _by_cursor(asked: Asked) -> tuple[Json, list[Row]]:
    rows = live_rows(asked.world, asked.stream)
    after = asked.params.get("page[after]")
    if after:
        rows = [row for row in rows if padded(row.id) > padded(_list_place(after))]
    size = _size(asked.params, "page[size]", LARGEST_LIST, LARGEST_LIST)
    page = rows[:size]
    first, last = (_list_cursor(page[0].id), _list_cursor(page[-1].id)) if page else (None, None)
    body: Json = {
        asked.stream: [asked.show(row) for row in page],
        "meta": {
            "has_more": len(rows) > len(page),
            "after_cursor": last,
            "before_cursor": first,
        },
        "links": {
            "prev": asked.link(**{"page[before]": first}) if first else None,
            "next": asked.link(**{"page[after]": last}) if last else None,
        },
    }
    return body, page


def _by_number(asked: Asked) -> tuple[Json, list[Row]]:
    rows = live_rows(asked.world, asked.stream)
    size = _size(asked.params, "per_page", LARGEST_LIST, LARGEST_LIST)
    page = _number(asked.params, "page", 1)
    if page * size > MOST_BY_OFFSET:
        raise ApiError(400, "InvalidPaginationDepth", "Limit exceeded: use cursor pagination")
    chosen = rows[(page - 1) * size : page * size]
    more = page * size < len(rows)
    body: Json = {
        asked.stream: [asked.show(row) for row in chosen],
        "next_page": asked.link(page=page + 1) if more else None,
        "previous_page": asked.link(page=page - 1) if page > 1 else None,
        "count": len(rows),
    }
    return body, chosen


def _fresh_left_out(asked: Asked) -> Sequence[Row]:
    latest = asked.world.clock.now() - FRESH
    rows = asked.world.rows(SOURCE, asked.stream, include_deleted=True)
    return sorted((row for row in rows if row.modified_at <= latest), key=_key)


_DIGITS = re.compile(r"\d+(\.\d+)?", re.ASCII)


def _start_time(asked: Asked) -> int:
    # Text after the digits is ignored: tap-zendesk, a common client, sends a date here.
    digits = _DIGITS.match(asked.params.get("start_time", ""))
    if digits is None:
        raise bad_value("start_time must be a Unix epoch time")
    start = float(digits[0])
    # tap-zendesk asks for the events of the present second, to test its permission
    is_events = asked.stream == METRIC_EVENTS
    if not is_events and start > (asked.world.clock.now() - FRESH).timestamp():
        raise ApiError(
            400,
            "StartTimeTooRecent",
            "Too recent start_time. Use a start_time older than 1 minute",
        )
    return int(start)


def _key(row: Row) -> _Key:
    return (int(row.modified_at.timestamp()), padded(row.id))


def padded(id_: str) -> str:
    """Return an id as a text that sorts like its number."""
    return f"0{id_:>020}" if isinstance(wire_id(id_), int) else f"1{id_}"


def _make_cursor(key: _Key) -> str:
    return base64.b64encode(f"{key[0]}.0||{key[1]}".encode()).decode()


def _read_cursor(text: str) -> _Key:
    try:
        stamp, bars, place = base64.b64decode(text, validate=True).decode().partition("||")
        if not bars:
            raise ValueError("no bars")  # noqa: TRY301
        return (int(float(stamp)), place)
    except ValueError as exc:
        raise ApiError(400, "InvalidCursor", "cursor is invalid") from exc


def _list_cursor(id_: str) -> str:
    return base64.b64encode(json.dumps({"o": "id", "v": id_}).encode()).decode()


def _list_place(text: str) -> str:
    try:
        return str(json.loads(base64.b64decode(text, validate=True))["v"])
    except (ValueError, KeyError, TypeError) as exc:
        raise ApiError(400, "InvalidPaginationParameter", "page[after] is not valid") from exc


def _size(params: Params, name: str, default: int, largest: int) -> int:
    size = _number(params, name, default)
    if name == "page[size]" and size > largest:
        raise ApiError(
            400, "InvalidPaginationParameter", f"page[size] must be between 1 and {largest}"
        )
    return min(size, largest)


def _number(params: Params, name: str, default: int) -> int:
    text = params.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise bad_value(f"{name} must be a number from 1")
    return int(text)
