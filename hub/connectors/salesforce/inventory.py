"""What an object has, by counts that Salesforce makes itself; no record is read.

Five questions are one request. A long text cannot be counted, so its fill rate is unknown.
https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_agg_functions.htm
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hub.connectors.base import FieldUse, Inventory, OwnerUse, Window
from hub.connectors.salesforce import soql
from hub.connectors.salesforce.client import SalesforceClient, SalesforceConfig
from hub.connectors.salesforce.kinds import PARTS, Part
from hub.connectors.salesforce.ranges import BULK_PAGE
from hub.connectors.salesforce.reader import MOST_IDS, MOST_ROWS, ObjectReader
from hub.connectors.salesforce.rows import id18
from hub.connectors.salesforce.shapes import Shape
from hub.errors import HubError

_QUESTIONS_AT_ONCE = 5
_FIELDS_AT_ONCE = 50
_GROUPED = frozenset({"picklist", "combobox"})
_EMAIL = "email"
_OWNER = "OwnerId"
_QUEUE = "00G"
_TYPE, _TYPE_NAME = "RecordTypeId", "RecordType.Name"
_ROWS_JOINED = 4  # records that are joined to one record, about

# objects of a sales team that have no home in the hub; of the others, custom ones count
_STANDARD = frozenset({
    "Asset", "Case", "CaseComment", "Contract", "EmailMessage", "Entitlement", "Order", "OrderItem",
    "Pricebook2", "PricebookEntry", "Quote", "QuoteLineItem", "ServiceContract", "Solution", "WorkOrder",
    "ForecastingQuota", "OpportunityTeamMember", "AccountTeamMember", "OpportunityCompetitor",
    "OpportunityPartner", "FeedItem", "Individual", "ContactPointEmail", "ContactPointPhone",
})  # fmt: skip

Rows = Sequence[Mapping[str, Any]]


class InventoryReader:
    """Takes the inventory of one org.

    Args:
        reader: of the org's objects.
        config: sizes.
    """

    def __init__(self, reader: ObjectReader, config: SalesforceConfig) -> None:
        self._reader, self._config = reader, config
        self._names: dict[str, Mapping[str, Any]] = {}

    @property
    def _client(self) -> SalesforceClient:
        return self._reader.client

    def of(self, stream: str, parts: Sequence[Part], window: Window) -> Inventory:
        """Return the inventory of a stream; that of its first object, with the counts of all."""
        count_n = deleted_n = requests_n = 0
        fields: list[FieldUse] = []
        owners: dict[str, int] = {}
        for part in parts:
            shape = self._reader.shape(part)
            live = self._live(shape, window)
            mine_n, gone_n, uses = self._fields(shape, window, live)
            count_n, deleted_n = count_n + mine_n, deleted_n + gone_n
            requests_n += self._requests(part, mine_n + gone_n)
            fields += [one for one in uses if not fields or one.name not in _names(fields)]
            for id_, n in self._owners(shape, live).items():
                owners[id_] = owners.get(id_, 0) + n
        usage, _ = self._client.limits()
        most = int(usage.limit * (1 - self._config.daily_reserve))
        return Inventory(
            stream,
            count_n,
            deleted_n,
            fields,
            self._named(owners),
            requests_n,
            max(most - usage.used, 0) if usage.limit else None,
            most if usage.limit else None,
        )

    def left_behind(self) -> Mapping[str, int]:
        """Return the objects with records that a migration does not read, most records first."""
        read = {part.object for parts in PARTS.values() for part in parts}
        found = {
            name: n
            for name, n in self._client.record_counts().items()
            if n and name not in read and (name in _STANDARD or name.endswith("__c"))
        }
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def _live(self, shape: Shape, window: Window) -> str:
        """Return the WHERE of the records that are not deleted, and were there at the window's end."""
        where = soql.span(shape.created_field, None, window.until)
        where += ["IsDeleted = false"] if shape.time_filter_hides_deleted else []
        where += [shape.where] if shape.where else []
        return " AND ".join(where)

    def _fields(
        self, shape: Shape, window: Window, live: str
    ) -> tuple[int, int, Sequence[FieldUse]]:
        """Return the live and the deleted records, and the use of each field."""
        described = [one for one in shape.described if one.get("name") in shape.kinds]
        counted = [str(one["name"]) for one in described if _is_counted(one)]
        chosen = [str(one["name"]) for one in described if _is_grouped(one)]
        asked = {"live": f"SELECT COUNT(Id) n FROM {shape.name} WHERE {live}"}  # noqa: S608  # SOQL
        if shape.time_filter_hides_deleted:
            created = soql.span(shape.created_field, None, window.until)[0]
            where = f"{created} AND IsDeleted = true"
            asked["gone"] = f"SELECT COUNT(Id) n FROM {shape.name} WHERE {where}"  # noqa: S608  # SOQL
        for n, names in enumerate(_chunks(counted, _FIELDS_AT_ONCE)):
            counts = ", ".join(f"COUNT({name}) n{i}" for i, name in enumerate(names))
            asked[f"filled_{n}"] = f"SELECT {counts} FROM {shape.name} WHERE {live}"  # noqa: S608  # SOQL
        addresses = [one for one in counted if shape.kinds.get(one) == _EMAIL]
        if addresses:
            counts = ", ".join(f"COUNT_DISTINCT({one}) n{i}" for i, one in enumerate(addresses))
            asked["distinct"] = f"SELECT {counts} FROM {shape.name} WHERE {live}"  # noqa: S608  # SOQL
        for name in chosen:
            asked[f"of_{name}"] = _grouped(shape, name, live)
        answers = self._ask(asked)
        count_n = _first(answers["live"], "n")
        gone_n = _first(answers["gone"], "n") if "gone" in answers else 0
        filled = {
            name: _first(answers[f"filled_{n}"], f"n{i}")
            for n, names in enumerate(_chunks(counted, _FIELDS_AT_ONCE))
            for i, name in enumerate(names)
        }
        distinct = {one: _first(answers["distinct"], f"n{i}") for i, one in enumerate(addresses)}
        values = {name: _counts(answers[f"of_{name}"], name) for name in chosen}
        uses = [
            replace(use, distinct_n=distinct.get(use.name))
            for use in (_use(one, filled, values, count_n) for one in described)
        ]
        if _TYPE_NAME in shape.parents:
            uses.append(self._record_types(shape, live))
        return count_n, gone_n, uses

    def _record_types(self, shape: Shape, live: str) -> FieldUse:
        """Return how many records have each record type, by its name."""
        answers = self._ask({"types": _grouped(shape, _TYPE, live)})
        counts = {id18(id_): n for id_, n in _counts(answers["types"], _TYPE).items() if id_}
        ids = [one for one in counts if one.isalnum()]
        names: dict[str, str] = {}
        for those in _chunks(ids, MOST_IDS):
            text = f"SELECT Id, Name FROM RecordType WHERE Id IN ({soql.quoted(those)})"  # noqa: S608  # SOQL
            for batch in self._reader.all_of(text):
                names |= {id18(row.get("Id")): str(row.get("Name") or "") for row in batch.rows}
        values = {names.get(id_, id_): n for id_, n in counts.items()}
        return FieldUse(_TYPE_NAME, "Record Type", "picklist", sum(values.values()), values=values)

    def _owners(self, shape: Shape, live: str) -> Mapping[str, int]:
        if _OWNER not in shape.kinds:
            return {}
        answers = self._ask({"owners": _grouped(shape, _OWNER, live)})
        return {id18(id_): n for id_, n in _counts(answers["owners"], _OWNER).items() if id_}

    def _named(self, owners: Mapping[str, int]) -> Sequence[OwnerUse]:
        """Return the owners with their names, the one with the most records first."""
        unknown = [id_ for id_ in owners if id_ not in self._names and id_.isalnum()]
        queues = [id_ for id_ in unknown if id_.startswith(_QUEUE)]
        users = [id_ for id_ in unknown if not id_.startswith(_QUEUE)]
        for name, fields, ids in (
            ("User", "Id, Name, Email, IsActive", users),
            ("Group", "Id, Name", queues),
        ):
            for those in _chunks(ids, MOST_IDS):
                text = f"SELECT {fields} FROM {name} WHERE Id IN ({soql.quoted(those)})"  # noqa: S608  # SOQL
                for batch in self._reader.all_of(text):
                    self._names |= {id18(row.get("Id")): row for row in batch.rows}
        return [
            _owner(id_, n, self._names.get(id_, {}))
            for id_, n in sorted(owners.items(), key=lambda item: (-item[1], item[0]))
        ]

    def _ask(self, asked: Mapping[str, str]) -> Mapping[str, Rows]:
        """Return the answer to each question, by its name; raise the first refusal."""
        answers: dict[str, Rows] = {}
        for names in _chunks(list(asked), _QUESTIONS_AT_ONCE):
            found, _ = self._client.glance({name: asked[name] for name in names})
            for name, rows in found.items():
                if isinstance(rows, HubError):
                    raise rows
                answers[name] = rows
        return answers

    def _requests(self, part: Part, count_n: int) -> int:
        """Return how many requests it takes to read so many records, and to count them again."""
        is_bulk = count_n > self._config.bulk_above
        ranges_n = -(-count_n // self._config.range_size) or 1
        size = min(BULK_PAGE, MOST_ROWS) if part.joins else BULK_PAGE
        pages_n = -(-count_n // (size if is_bulk else self._reader.page_size)) or 1
        joined_n = len(part.joins) * -(-count_n * _ROWS_JOINED // MOST_ROWS)
        jobs_n = 4 * ranges_n if is_bulk else 0
        return pages_n + joined_n + jobs_n + 2 * ranges_n


def _is_counted(field: Mapping[str, Any]) -> bool:
    return field.get("aggregatable") is True and field.get("filterable") is True


def _is_grouped(field: Mapping[str, Any]) -> bool:
    return field.get("type") in _GROUPED and field.get("groupable") is True


def _grouped(shape: Shape, name: str, live: str) -> str:
    return f"SELECT {name}, COUNT(Id) n FROM {shape.name} WHERE {live} GROUP BY {name}"  # noqa: S608  # SOQL; names from describe


def _use(
    field: Mapping[str, Any],
    filled: Mapping[str, int],
    values: Mapping[str, Mapping[str, int]],
    count_n: int,
) -> FieldUse:
    name, kind = str(field["name"]), str(field.get("type"))
    # a tick box is always filled
    filled_n = filled.get(name, count_n if kind == "boolean" else None)
    choices = field.get("picklistValues")
    return FieldUse(
        name,
        str(field.get("label") or name),
        kind,
        filled_n,
        custom=field.get("custom") is True,
        choices=[str(one.get("value")) for one in choices] if isinstance(choices, list) else (),
        values=values.get(name, {}),
    )


def _owner(id_: str, records_n: int, row: Mapping[str, Any]) -> OwnerUse:
    return OwnerUse(
        id_,
        str(row.get("Name") or ""),
        records_n,
        str(row.get("Email") or ""),
        active=row.get("IsActive") is not False,
        is_queue=id_.startswith(_QUEUE),
    )


def _first(rows: Rows, key: str) -> int:
    value = rows[0].get(key) if rows else 0
    return value if isinstance(value, int) else 0


def _counts(rows: Rows, name: str) -> Mapping[str, int]:
    return {str(row.get(name) or ""): int(row.get("n") or 0) for row in rows}


def _names(fields: Sequence[FieldUse]) -> set[str]:
    return {one.name for one in fields}


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
