"""Lists of records: filters, order and pages, with the links of the collection.

A list keeps no state between its pages: page 3 is what stands there when it is asked for. So records that
are added, changed or deleted meanwhile move the others, as at the vendor.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from hub.sandbox.sell.errors import bad_param
from hub.sandbox.sell.objects import OWN_FIELDS, Resource
from hub.sandbox.sell.shapes import SOURCE, number
from hub.sandbox.world import Row, World

Json = dict[str, Any]
PAGE, MOST = 25, 100
_MOST_KEPT = 64
_OWN = re.compile(r"custom_fields\[(.+)\]")
_PART = re.compile(r"(\w+)\[(\w+)\]")
_TEXT_FILTERS = frozenset({"q", "content"})


class Lists:
    """The lists of an account.

    Args:
        world: the world with the rows of all vendors.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._kept: dict[tuple[str, ...], tuple[int, list[Row]]] = {}

    def rows(self, resource: Resource, asked: Mapping[str, str]) -> list[Row]:
        """Return the rows of a list in its order, all pages of it."""
        filters = {key: value for key, value in asked.items() if key not in _PAGING}
        order = asked.get("sort_by", "updated_at")
        key = (resource.path, order, urlencode(sorted(filters.items())))
        revision = self.world.revision(SOURCE, resource.path)
        kept = self._kept.get(key)
        if kept is None or kept[0] != revision:
            found = self._filtered(resource, filters)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            kept = self._kept[key] = (revision, _ordered(resource, found, order))
        return kept[1]

    def _filtered(self, resource: Resource, filters: Mapping[str, str]) -> list[Row]:
        rows = self.world.rows(SOURCE, resource.path)
        hidden = self.world.hidden_ids(SOURCE, resource.path)
        rows = [row for row in rows if row.id not in hidden]
        for name, wanted in filters.items():
            holds = self._test(resource, name, wanted)
            if holds is not None:
                rows = [row for row in rows if holds(row)]
        return rows

    def _test(self, resource: Resource, name: str, wanted: str) -> Callable[[Row], bool] | None:
        """Return the test of a filter. The vendor says nothing about one that it does not know."""
        own, part = _OWN.fullmatch(name), _PART.fullmatch(name)
        if name == "ids":
            ids = {number(one.strip()) for one in wanted.split(",") if one.strip()}
            return lambda row: number(row.id) in ids
        if own is not None:
            return self._own_test(resource, own[1], wanted)
        if name not in resource.filters:
            return None
        if name in _TEXT_FILTERS:
            return lambda row: wanted.lower() in str(row.values.get("content") or "").lower()
        outer, inner = part.groups() if part is not None else (name, None)

        def holds(row: Row) -> bool:
            value = row.values.get(outer)
            return _same((value or {}).get(inner) if inner else value, wanted)

        return holds

    def _own_test(self, resource: Resource, name: str, wanted: str) -> Callable[[Row], bool] | None:
        """Return the test of a custom field; only those marked as filterable can be asked for."""
        for row in self.world.rows(SOURCE, "custom_fields"):
            is_of = OWN_FIELDS.get(str(row.values.get("resource_type"))) == resource.path
            if is_of and row.values.get("name") == name and row.values.get("filterable"):
                return lambda row: _same((row.values.get("custom_fields") or {}).get(name), wanted)
        return None


_PAGING = frozenset({"page", "per_page", "sort_by", "includes"})


def _same(value: Any, wanted: str) -> bool:
    if isinstance(value, Mapping):
        value = value.get("name")
    if isinstance(value, bool):
        return wanted.lower() == str(value).lower()
    return value is not None and str(value).casefold() == wanted.casefold()


def _ordered(resource: Resource, rows: Iterable[Row], order: str) -> list[Row]:
    name, _, way = order.partition(":")
    known = {"id", "created_at", "updated_at", *resource.fields}
    if name not in known or way not in {"", "asc", "desc"}:
        raise bad_param("sort_by", f"not a field to sort by, given: {order}")

    def key(row: Row) -> tuple[Any, ...]:
        own = number(row.id) or 0
        if name == "id":
            return (own,)
        if name == "created_at":
            return (row.created_at, own)
        if name == "updated_at":
            return (row.modified_at, own)
        value = row.values.get(name)
        return (value is None, str(value), own)

    return sorted(rows, key=key, reverse=way == "desc")


def paging_of(asked: Mapping[str, str]) -> tuple[int, int]:
    """Return the page and its size; raise the 400 of ones that are none."""
    found = []
    for name, usual, most in (("page", 1, None), ("per_page", PAGE, MOST)):
        text = asked.get(name, str(usual))
        if not text.isdecimal() or int(text) < 1 or (most is not None and int(text) > most):
            range_ = f"between 1 and {most}" if most else "greater than or equal to 1"
            raise bad_param(name, f"must be {range_}, given: {text}")
        found.append(int(text))
    return found[0], found[1]


def collection(
    shown: list[Json], type_: str, *, url: str, asked: Mapping[str, str], has_more: bool
) -> Json:
    """Return a page in the envelope of a collection.

    Args:
        shown: the records of the page; `count` is their number, not that of the whole list.
        type_: what `meta.type` of each record says.
        url: the address of the list, without its query.
        asked: the parameters of the request.
        has_more: whether there is a next page.
    """
    page, size = paging_of(asked)

    def link(n: int) -> str:
        return f"{url}?{urlencode({**asked, 'page': n, 'per_page': size})}"

    links = {"self": link(page)}
    if page > 1:
        links |= {"first_page": link(1), "prev_page": link(page - 1)}
    if has_more:
        links["next_page"] = link(page + 1)
    return {
        "items": [{"data": one, "meta": {"type": type_}} for one in shown],
        "meta": {"type": "collection", "count": len(shown), "links": links},
    }
