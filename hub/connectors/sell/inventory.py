"""What a list of Sell has, before it is read: how many records, which fields, whose records.

Sell has no count. The number of records follows from the last page, which is found in some fifteen requests.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.connectors.base import FieldUse, Inventory, OwnerUse, Stream, Window
from hub.connectors.sell.client import MOST_ROWS, SellClient, SellConfig
from hub.connectors.sell.joins import Joins
from hub.connectors.sell.kinds import KINDS
from hub.connectors.sell.lists import PagedList
from hub.errors import ForbiddenError

_OWNED = frozenset({"leads", "contacts", "deals"})
_ACTIVE = "active"


class InventoryReader:
    """Takes the inventory of one account.

    Args:
        client: of the account.
        joins: knows its stages.
        config: sizes.
    """

    def __init__(self, client: SellClient, joins: Joins, config: SellConfig) -> None:
        self._client, self._joins, self._config = client, joins, config
        self._users: Sequence[Mapping[str, Any]] | None = None

    def of(self, stream: Stream, window: Window) -> Inventory:  # noqa: ARG002  # Sell counts no span
        """Return the inventory of a list."""
        kind = KINDS[stream.name]
        count_n = self._count(kind.path, {})
        fields = [*self._values(stream.name), *self.fields(stream.name)]
        owners = self._owners(kind.path) if stream.name in _OWNED and count_n else ()
        pages_n = -(-count_n // self._config.page_size)
        ranges_n = -(-count_n // self._config.range_size) or 1
        items_n = count_n if stream.name == "orders" else 0
        return Inventory(stream.name, count_n, 0, fields, owners, pages_n + 8 * ranges_n + items_n)

    def fields(self, stream: str) -> Sequence[FieldUse]:
        """Return the custom fields of a stream; the same name is one field, with the choices of both."""
        found: dict[str, FieldUse] = {}
        for of in KINDS[stream].fields:
            for one in self._listed(f"/v2/{of}/custom_fields"):
                name, kind = one.get("name"), str(one.get("type") or "string")
                if not isinstance(name, str) or not name:
                    continue
                had = found[name].choices if name in found else ()
                choices = [*had, *_choices(one.get("choices"))]
                known = _KINDS.get(kind, kind)
                found[name] = FieldUse(
                    name, name, known, custom=True, choices=list(dict.fromkeys(choices))
                )
        return list(found.values())

    def _listed(self, path: str) -> Sequence[Mapping[str, Any]]:
        try:
            answer = self._client.get(path)
        except ForbiddenError:  # a list of definitions that the plan of the account does not have
            return ()
        items = answer.value("items")
        found = items if isinstance(items, list) else []
        data = [one.get("data") for one in found if isinstance(one, dict)]
        return [one for one in data if isinstance(one, dict)]

    def _count(self, path: str, params: Mapping[str, str | int]) -> int:
        listed = PagedList(self._client, path, params, size=self._config.page_size)
        number, rows = listed.last()
        return max(number - 1, 0) * listed.size + len(rows)

    def _values(self, stream: str) -> Iterator[FieldUse]:
        """Yield the fields whose values decide something here, with how many records have each."""
        if stream == "leads":
            names = [str(one.get("name")) for one in self._listed("/v2/lead_statuses")]
            counts = {name: self._count("/v2/leads", {"status": name}) for name in names}
            yield FieldUse("status", "Status", "list", choices=names, values=counts)
        if stream == "deals":
            stages, pipelines = self._joins.stages(), self._joins.pipelines()
            by_stage: dict[str, int] = {}
            by_pipeline: dict[str, int] = {}
            for id_, stage in stages.items():
                n = self._count("/v2/deals", {"stage_id": id_})
                name = str(stage.get("name"))
                pipeline = str(pipelines.get(stage.get("pipeline_id") or 0, {}).get("name") or "")
                by_stage[name] = by_stage.get(name, 0) + n
                by_pipeline[pipeline] = by_pipeline.get(pipeline, 0) + n
            used = {name: n for name, n in by_stage.items() if n}
            yield FieldUse("stage.name", "Stage", "list", choices=list(by_stage), values=used)
            yield FieldUse("pipeline.name", "Pipeline", "list", values=by_pipeline)

    def _owners(self, path: str) -> Sequence[OwnerUse]:
        if self._users is None:
            self._users = self._listed_users()
        found = []
        for one in self._users:
            n = self._count(path, {"owner_id": int(one["id"])})
            if n:
                found.append(
                    OwnerUse(
                        str(one["id"]),
                        str(one.get("name") or ""),
                        n,
                        str(one.get("email") or ""),
                        active=one.get("status") == _ACTIVE,
                    )
                )
        return sorted(found, key=lambda owner: (-owner.records_n, owner.id))

    def _listed_users(self) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        number = 1
        while True:
            answer = self._client.get(
                "/v2/users", {"page": number, "per_page": MOST_ROWS, "sort_by": "id"}
            )
            items = answer.value("items")
            if not isinstance(items, list) or not items:
                return found
            data = [one.get("data") for one in items if isinstance(one, dict)]
            found += [
                one for one in data if isinstance(one, dict) and isinstance(one.get("id"), int)
            ]
            number += 1


# the names that Sell gives some types, and ours
_KINDS = {"boolean": "bool", "dropdown": "list"}


def _choices(value: object) -> Iterator[str]:
    for one in value if isinstance(value, list) else []:
        name = one.get("name") if isinstance(one, dict) else one
        if isinstance(name, str) and name:
            yield name
