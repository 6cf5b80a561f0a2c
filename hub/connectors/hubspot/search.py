"""Search for objects by their ids, page after page: each page is a new search for ids beyond the last one.

A search has at most ten thousand results and pages them by offset. An edit during paging would move
records past the reader, and a mass update can give more records one time. So `after` is never used.
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.connectors.http import HINTS
from hub.connectors.hubspot.client import HubspotClient
from hub.connectors.hubspot.kinds import ID
from hub.connectors.hubspot.objects import Found, Item, found_in
from hub.errors import ProtocolError

Filter = Mapping[str, str]
_ASKS_FOR_A_PAGE = 3
_MOST_DIGITS = 30


def filter_of(name: str, operator: str, value: str) -> Filter:
    """Return one filter of a search."""
    return {"propertyName": name, "operator": operator, "value": value}


def millis(at: datetime) -> str:
    """Return a time as filters have it."""
    return str(round(at.timestamp() * 1000))


def body_of(
    groups: Sequence[Sequence[Filter]],
    *,
    limit: int,
    properties: Sequence[str],
    sort: str = ID,
    direction: str = "ASCENDING",
) -> Mapping[str, Any]:
    """Return a search for the records that all filters of one group let pass."""
    return {
        "filterGroups": [{"filters": list(filters)} for filters in groups if filters],
        "sorts": [{"propertyName": sort, "direction": direction}],
        "properties": list(properties),
        "limit": limit,
    }


def next_page(
    client: HubspotClient, name: str, body: Mapping[str, Any], last: str
) -> tuple[Found, bool]:
    """Return the records after an id, and whether they are the last; a bad page is asked again.

    Args:
        client: of the account.
        name: the type of objects.
        body: a search for the records with higher ids than `last`, in the order of the ids.
        last: the last id of the page before; "" for the first page.

    Raises:
        ProtocolError: pages are empty though records follow, or not in the order of ids.
    """
    page_size, left_n = int(body["limit"]), 0
    for _ in range(_ASKS_FOR_A_PAGE):
        answer = client.search(name, body)
        left_n = answer.count("total")
        found = _beyond(found_in(answer, left_n), last)
        if found.items:
            is_last = len(found.items) >= found.total
            if not is_last or any(item.id for item in found.items):
                _check_order(found, last, name)
            return found, is_last
        if found.total <= page_size:  # none, or counted but not returned
            return found, True
    raise ProtocolError(
        f"hubspot {name}: the page after id {last or '-'} is empty, and {left_n} records"
        " are said to follow",
        hint=HINTS[ProtocolError],
    )


def last_id(found: Found) -> str:
    """Return the last id of a page."""
    return [item.id for item in found.items if item.id][-1]


def walk(
    client: HubspotClient, name: str, body: Callable[[str], Mapping[str, Any]]
) -> "list[Item]":
    """Return all records of a search that has few; `body` makes it from the last id."""
    items: list[Item] = []
    last = ""
    while True:
        found, is_last = next_page(client, name, body(last), last)
        items += found.items
        if is_last:
            return items
        last = last_id(found)


def _beyond(found: Found, last: str) -> Found:
    """Return an answer without repeated records, because the ledger would count them twice."""
    kept: list[tuple[Item, bytes]] = []
    seen: set[str] = set()
    for item, raw in zip(found.items, found.raws, strict=True):
        is_known = item.id in seen or (last and item.id and id_key(item.id) <= id_key(last))
        if not is_known:
            kept.append((item, raw))
        if item.id:
            seen.add(item.id)
    return Found([item for item, _ in kept], [raw for _, raw in kept], found.total)


def _check_order(found: Found, last: str, name: str) -> None:
    """Raise `ProtocolError` unless the answer ends at its highest id; the walk would skip records."""
    keys = [id_key(item.id) for item in found.items if item.id]
    if keys and keys[-1] == max(keys):
        return
    raise ProtocolError(
        f"hubspot {name}: the page after id {last or '-'} is not in the order of ids",
        hint=HINTS[ProtocolError],
    )


def id_key(name: str) -> tuple[int, int, str]:
    """Return the sort key of an id: ids are ordered as numbers ('9' before '10')."""
    is_number = name.isdecimal() and len(name) <= _MOST_DIGITS
    return (0, int(name), "") if is_number else (1, 0, name)
