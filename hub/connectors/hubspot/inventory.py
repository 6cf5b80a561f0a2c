"""What an account has, by the totals of searches; no record is read but the archive and merged ones.

A search counts the records of one filter. So the fields that the account added itself are counted, and the
values of those lists that the mapping knows.
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.connectors.answers import decode
from hub.connectors.base import FieldUse, Inventory, OwnerUse, Range, Window
from hub.connectors.hubspot.client import HubspotClient, HubspotConfig, next_after
from hub.connectors.hubspot.joins import Joiner
from hub.connectors.hubspot.kinds import ID, Kind
from hub.connectors.hubspot.objects import RESULTS
from hub.connectors.hubspot.ranges import ARCHIVE, RangeReader
from hub.connectors.hubspot.search import filter_of
from hub.errors import HubError

_OWNERS_A_PAGE = 500
_OWNED = ("companies", "contacts", "deals")
_HISTORY_A_REQUEST, _LISTED = 50, 100
# https://developers.hubspot.com/docs/guides/crm/understanding-the-crm: with records of a sales team
_OTHERS = ("tickets", "products", "line_items", "quotes", "communications", "postal_mail", "leads")
_WHOLE = Range("")
Row = Mapping[str, Any]


class InventoryReader:
    """Takes the inventory of one account.

    Args:
        client: of the account.
        joiner: knows the pipelines.
        ranges: counts objects.
        config: sizes.
    """

    def __init__(
        self, client: HubspotClient, joiner: Joiner, ranges: RangeReader, config: HubspotConfig
    ) -> None:
        self._client, self._joiner, self._ranges = client, joiner, ranges
        self._config = config
        self._owners: Sequence[Row] | None = None

    def uncounted(self, stream: str) -> Inventory:
        """Return the inventory of owners or of definitions, which HubSpot does not count."""
        count_n = len(self._all_owners()) if stream == "owners" else None
        return Inventory(stream, count_n, requests_n=2)

    def of(self, kind: Kind, definitions: Sequence[Row], window: Window) -> Inventory:
        """Return the inventory of a type of objects.

        Args:
            kind: the type.
            definitions: of its properties.
            window: of the migration.
        """
        count_n = self._ranges.living_n(kind, window, _WHOLE)
        merged_n = self._ranges.count(kind, window, _WHOLE) - count_n
        archived_n = self._ranges.count(kind, window, Range("", ARCHIVE))
        usage = self._client.usage()
        most = int(usage.limit * (1 - self._config.daily_reserve))
        return Inventory(
            kind.name,
            count_n,
            merged_n + archived_n,
            [*self._fields(kind, definitions, window), *self._in_stages(kind, window)],
            self._uses(kind, window) if kind.name in _OWNED else (),
            self._requests(kind, count_n, archived_n),
            max(most - usage.used, 0) if usage.limit else None,
            most if usage.limit else None,
        )

    def left_behind(self) -> Mapping[str, int]:
        """Return the objects that no migration reads, with their counts; the hidden ones are left out."""
        found: dict[str, int] = {}
        own = [decode(raw, dict[str, Any]) for raw in self._client.schemas().items(RESULTS)]
        names = {str(one.get("fullyQualifiedName") or one.get("name") or ""): one for one in own}
        for name in (*_OTHERS, *filter(None, names)):
            body = {"filterGroups": [], "limit": 1, "properties": [ID]}
            try:
                total_n = self._client.search(name, body).count("total")
            except HubError:  # not in this edition, or not visible for this app
                continue
            if total_n:
                found[name] = total_n
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def _fields(self, kind: Kind, definitions: Sequence[Row], window: Window) -> Iterator[FieldUse]:
        for row in definitions:
            name = str(row.get("name") or "")
            if name in kind.grouped:
                values = {one: self._n(kind, window, name, one) for one in _options(row)}
                counted = {one: n for one, n in values.items() if n}
                yield _use(row, f"properties.{name}", sum(counted.values()), values=counted)
            elif row.get("hubspotDefined") is not True and name:
                filled = {"propertyName": name, "operator": "HAS_PROPERTY"}
                filled_n = self._ranges.living_n(kind, window, _WHOLE, filled)
                yield _use(row, name, filled_n, custom=True)

    def _in_stages(self, kind: Kind, window: Window) -> Iterator[FieldUse]:
        """Yield how many deals are in each pipeline and stage, by their labels."""
        if not kind.has_stages:
            return
        pipelines: dict[str, int] = {}
        stages: dict[str, int] = {}
        for pipeline in self._joiner.pipelines(kind).values():
            n = self._n(kind, window, "pipeline", pipeline.id)
            pipelines[pipeline.label] = pipelines.get(pipeline.label, 0) + n
            for stage in pipeline.stages if n else ():
                n = self._n(kind, window, "dealstage", stage.id)
                stages[stage.label] = stages.get(stage.label, 0) + n
        for path, label, values in (
            ("dealPipeline.label", "Pipeline", pipelines),
            ("dealStage.label", "Deal Stage", stages),
        ):
            counted = {one: n for one, n in values.items() if n}
            yield FieldUse(path, label, "picklist", sum(counted.values()), values=counted)

    def _uses(self, kind: Kind, window: Window) -> Sequence[OwnerUse]:
        """Return the owners of records, the one with the most first."""
        found = []
        for one in self._all_owners():
            id_ = str(one.get("id") or "")
            if n := self._n(kind, window, "hubspot_owner_id", id_):
                name = f"{one.get('firstName') or ''} {one.get('lastName') or ''}".strip()
                is_active = one.get("archived") is not True
                email = str(one.get("email") or "")
                found.append(OwnerUse(id_, name or email, n, email, active=is_active))
        return sorted(found, key=lambda use: (-use.records_n, use.id))

    def _all_owners(self) -> Sequence[Row]:
        if self._owners is None:
            self._owners = [one for is_gone in (False, True) for one in self._owner_pages(is_gone)]
        return self._owners

    def _owner_pages(self, is_gone: bool) -> Iterator[Row]:  # noqa: FBT001  # one of two lists
        after, seen = "", set[str]()
        while after not in seen:
            seen.add(after)
            params: dict[str, Any] = {"limit": _OWNERS_A_PAGE, "archived": str(is_gone).lower()}
            answer = self._client.owners({**params, "after": after} if after else params)
            yield from (decode(raw, dict[str, Any]) for raw in answer.items(RESULTS))
            after = next_after(answer)
            if not after:
                return

    def _n(self, kind: Kind, window: Window, name: str, value: str) -> int:
        return self._ranges.living_n(kind, window, _WHOLE, filter_of(name, "EQ", value))

    def _requests(self, kind: Kind, count_n: int, archived_n: int) -> int:
        """Return how many requests it takes to read so many records, and to count them again."""
        pages_n = -(-count_n // self._config.page_size) or 1
        ranges_n = -(-count_n // self._config.range_size) or 1
        history_n = -(-count_n // _HISTORY_A_REQUEST) if kind.has_stages else 0
        archive_n = 3 * (-(-archived_n // _LISTED) or 1)
        return pages_n * (1 + len(kind.linked)) + history_n + archive_n + 6 * ranges_n


def _options(row: Row) -> Sequence[str]:
    options = row.get("options")
    given = options if isinstance(options, list) else []
    return [str(one.get("value")) for one in given if isinstance(one, dict) and one.get("value")]


def _use(
    row: Row,
    name: str,
    filled_n: int,
    *,
    custom: bool = False,
    values: Mapping[str, int] | None = None,
) -> FieldUse:
    return FieldUse(
        name,
        str(row.get("label") or name),
        _kind_of(row),
        filled_n,
        custom=custom,
        choices=_options(row),
        values=values or {},
    )


def _kind_of(row: Row) -> str:
    """Return the type of a property, in the words in which inventories name types."""
    if row.get("type") == "enumeration":
        return "multipicklist" if row.get("fieldType") == "checkbox" else "picklist"
    type_ = str(row.get("type") or "string")
    return {"number": "double", "bool": "boolean", "phone_number": "phone"}.get(type_, type_)
