"""Turn a parsed query into a query plan: the columns, the rows and their order.

In: a `Query` and the `Store`. Out: the matching rows (a snapshot), and functions that read their
columns. Not here: pages and their locators (`query.py`), JSON (`records.py`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.sandbox.salesforce.derived import Getter
from hub.sandbox.salesforce.errors import ApiError, at_position
from hub.sandbox.salesforce.filters import Fail, compile_check
from hub.sandbox.salesforce.schema import (
    NUMBER_TYPES,
    FieldSpec,
    SObject,
    is_aggregatable,
    is_groupable,
)
from hub.sandbox.salesforce.setup import SOURCE
from hub.sandbox.salesforce.soql import Call, Condition, Path, Query, Test, parse, unescape
from hub.sandbox.salesforce.store import Store
from hub.sandbox.salesforce.values import Value, comparable, short_id
from hub.sandbox.world import Row

MAX_OFFSET = 2000
MAX_FIELDS_LIMIT = 200
MAX_PARENTS = 5
_WSDL = "Please reference your WSDL or the describe call for the appropriate names."
_AGGREGATES = {"COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG"}
_LINKED_BY = frozenset({"contentdocumentid", "linkedentityid"})
_UNFILTERED_LINKS = (
    "Implementation restriction: ContentDocumentLink requires a filter by a single Id on"
    " ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using the IN"
    " operator."
)
Parent = Callable[[Row], tuple[SObject, Row] | None]


@dataclass(frozen=True, slots=True)
class Column:
    """One selected field: its path of canonical names, its value, and the parents on the path."""

    names: tuple[str, ...]
    spec: FieldSpec
    get: Getter
    parents: tuple[Parent, ...] = ()


Inner = tuple[SObject, Column | None]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate of a query."""

    function: str
    alias: str
    column: Column | None

    @property
    def is_count(self) -> bool:
        """Tell whether it is `COUNT()`."""
        return self.function == "COUNT" and self.column is None


@dataclass(frozen=True, slots=True)
class Plan:
    """A valid query, ready to run."""

    query: Query
    sobject: SObject
    columns: tuple[Column, ...]
    aggregates: tuple[Aggregate, ...]
    groups: tuple[Column, ...]
    matches: Callable[[Row], bool]
    asked_ids: frozenset[str]
    sort_keys: tuple[tuple[Callable[[Row], tuple[bool, object]], bool], ...]

    @property
    def is_count(self) -> bool:
        """Tell whether the query is `SELECT COUNT()`, whose answer has only a size."""
        return any(one.is_count for one in self.aggregates)

    def rows(self, store: Store, *, include_deleted: bool, shuffled: bool = False) -> list[Row]:
        """Return the matching rows in order.

        Args:
            store: the records of the org.
            include_deleted: true for queryAll.
            shuffled: without ORDER BY, use the order of no field (Bulk API).
        """
        rows = store.rows(self.sobject, include_deleted=include_deleted)
        found = [row for row in rows if self.matches(row)]
        if shuffled:
            found.sort(key=lambda row: hashlib.blake2b(row.id.encode()).digest())
        else:
            found.sort(key=lambda row: short_id(row.id))
        for key, descending in reversed(self.sort_keys):
            found.sort(key=key, reverse=descending)
        end = None if self.query.limit is None else self.query.offset + self.query.limit
        return found[self.query.offset : end]

    def shown(self, store: Store, rows: Sequence[Row]) -> list[Row]:
        """Return the rows without those that a fault hides; a query for their id finds them."""
        hidden = store.world.hidden_ids(SOURCE, self.sobject.stream)
        return [row for row in rows if row.id not in hidden or short_id(row.id) in self.asked_ids]


def make_plan(text: str, store: Store, now: datetime) -> Plan:
    """Return the plan of a query; raise the vendor's error for an invalid one."""
    query = parse(text)
    sobject = store.sobject(query.object_name)
    if sobject is None:
        message = (
            f"sObject type '{query.object_name}' is not supported. If you are attempting to use a"
            f" custom object, be sure to append the '__c' after the entity name. {_WSDL}"
        )
        raise ApiError(400, "INVALID_TYPE", at_position(text, query.object_position, message))
    return _Planner(query, sobject, store, now).plan()


class _Planner:
    """Resolves the names of one query."""

    def __init__(self, query: Query, sobject: SObject, store: Store, now: datetime) -> None:
        self.query = query
        self.sobject = sobject
        self.store = store
        self.now = now

    def plan(self) -> Plan:
        if self.query.offset > MAX_OFFSET:
            raise self._fail(0, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        if self.sobject.name == "ContentDocumentLink" and not _names_one_of(
            self.query.where, _LINKED_BY
        ):
            raise self._fail(0, "MALFORMED_QUERY", _UNFILTERED_LINKS)
        calls = [item for item in self.query.items if isinstance(item, Call)]
        aggregates = [call for call in calls if call.function != "FIELDS"]
        groups = self._groups()
        if aggregates or groups:
            self._check_grouped({column.names for column in groups})
        return Plan(
            query=self.query,
            sobject=self.sobject,
            columns=() if aggregates or groups else self._columns(),
            aggregates=tuple(self._aggregate(i, call) for i, call in enumerate(aggregates)),
            groups=groups,
            matches=self._condition(self.query.where) if self.query.where else (lambda _row: True),
            asked_ids=frozenset(self._asked_ids(self.query.where)),
            sort_keys=tuple(
                self._sort_key(one.path, nulls_last=one.nulls_last, descending=one.descending)
                for one in self.query.order
            ),
        )

    def _groups(self) -> tuple[Column, ...]:
        """Return the columns of GROUP BY; describe names those that can be grouped."""
        groups = tuple(self._column(path) for path in self.query.group)
        for column, path in zip(groups, self.query.group, strict=True):
            if not is_groupable(column.spec):
                message = f"field '{path}' can not be grouped in a query call"
                raise self._fail(path.position, "MALFORMED_QUERY", message)
        return groups

    def _check_grouped(self, grouped: set[tuple[str, ...]]) -> None:
        """Raise the vendor's error for a field that is neither grouped nor aggregated."""
        for item in self.query.items:
            is_loose = isinstance(item, Path) and self._column(item).names not in grouped
            if is_loose or (isinstance(item, Call) and item.function == "FIELDS"):
                message = f"Field must be grouped or aggregated: {item}"
                raise self._fail(item.position, "MALFORMED_QUERY", message)

    def _columns(self) -> tuple[Column, ...]:
        columns: list[Column] = []
        for item in self.query.items:
            columns += [self._column(item)] if isinstance(item, Path) else self._fields(item)
        seen: set[tuple[str, ...]] = set()
        for column in columns:
            if column.names in seen:
                message = f"duplicate field selected: {'.'.join(column.names)}"
                raise self._fail(0, "INVALID_FIELD", message)
            seen.add(column.names)
        return tuple(columns)

    def _fields(self, call: Call) -> list[Column]:
        """Return the columns of FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM)."""
        group = str(call.argument or "").upper()
        if group not in {"ALL", "STANDARD", "CUSTOM"}:
            raise self._fail(call.position, "MALFORMED_QUERY", f"unexpected token: '{group}'")
        limit = self.query.limit
        if group != "STANDARD" and (limit is None or limit > MAX_FIELDS_LIMIT):
            message = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise self._fail(call.position, "MALFORMED_QUERY", message)
        return [
            Column((spec.name,), spec, self.store.getter(self.sobject, spec))
            for spec in self.sobject.fields.values()
            if group == "ALL" or spec.custom == (group == "CUSTOM")
        ]

    def _aggregate(self, index: int, call: Call) -> Aggregate:
        if call.function not in _AGGREGATES or (call.argument is None and call.function != "COUNT"):
            message = f"Invalid Aggregate Function: {call.function}"
            raise self._fail(call.position, "MALFORMED_QUERY", message)
        if call.argument is None and len(self.query.items) > 1:
            raise self._fail(call.position, "MALFORMED_QUERY", "COUNT() must be alone in SELECT")
        column = self._column(call.argument) if call.argument else None
        if column and not is_aggregatable(column.spec):
            message = f"field {call.argument} does not support aggregate operator {call.function}"
            raise self._fail(call.position, "MALFORMED_QUERY", message)
        is_sum = call.function in {"SUM", "AVG"}
        if column and is_sum and column.spec.type not in NUMBER_TYPES:
            message = f"field {call.argument} does not support aggregate operator {call.function}"
            raise self._fail(call.position, "MALFORMED_QUERY", message)
        return Aggregate(call.function, call.alias or f"expr{index}", column)

    def _column(self, path: Path) -> Column:
        names = list(path.names)
        own = {self.sobject.name.lower(), (self.query.alias or self.sobject.name).lower()}
        if len(names) > 1 and names[0].lower() in own:
            names = names[1:]
        return self._resolve(self.sobject, names, path)

    def _resolve(self, sobject: SObject, names: Sequence[str], path: Path) -> Column:
        if len(names) == 1:
            spec = sobject.field(names[0])
            if spec is None:
                raise self._no_such_column(names[0], sobject, path)
            return Column((spec.name,), spec, self.store.getter(sobject, spec))
        reference = sobject.by_relationship(names[0])
        if reference is None or reference.relationship is None or len(names) > MAX_PARENTS + 1:
            message = (
                f"Didn't understand relationship '{names[0]}' in field path. If you are attempting"
                " to use a custom relationship, be sure to append the '__r' after the custom"
                f" relationship name. {_WSDL}"
            )
            raise self._fail(path.position, "INVALID_FIELD", message)
        parents = self.store.parents(reference)
        if not parents:  # a parent object that is not emulated: always null
            spec = FieldSpec(names[-1], "string")
            return Column(
                (reference.relationship, *names[1:]), spec, lambda _row: None, (lambda _row: None,)
            )
        first = self._resolve(parents[0], names[1:], path)
        inners = [(parents[0], first), *self._inners(parents[1:], names[1:], path)]
        return self._through(sobject, reference, inners, first)

    def _inners(self, parents: Sequence[SObject], names: Sequence[str], path: Path) -> list[Inner]:
        """Return the column of each further parent object; None if it lacks the field."""
        inners: list[Inner] = []
        for parent in parents:
            is_there = len(names) == 1 and parent.field(names[0]) is not None
            inners.append((parent, self._resolve(parent, names, path) if is_there else None))
        return inners

    def _through(
        self,
        sobject: SObject,
        reference: FieldSpec,
        inners: Sequence[Inner],
        first: Column,
    ) -> Column:
        """Return the parent's column as a column of the child."""
        get_id = self.store.getter(sobject, reference)
        by_name = {parent.name: column for parent, column in inners}

        def parent_of(row: Row) -> tuple[SObject, Row] | None:
            record_id = get_id(row)
            for parent, _column in inners if isinstance(record_id, str) else ():
                found = self.store.find(parent, str(record_id))
                if found is not None:
                    return parent, found
            return None

        def get(row: Row) -> Value:
            found = parent_of(row)
            column = by_name[found[0].name] if found else None
            return column.get(found[1]) if found and column else None

        def beyond(step: Parent) -> Parent:
            def parent_beyond(row: Row) -> tuple[SObject, Row] | None:
                found = parent_of(row)
                return None if found is None else step(found[1])

            return parent_beyond

        names = (reference.relationship or "", *first.names)
        return Column(names, first.spec, get, (parent_of, *map(beyond, first.parents)))

    def _condition(self, condition: Condition) -> Callable[[Row], bool]:
        if isinstance(condition, Test):
            return self._test(condition)
        parts = [self._condition(part) for part in condition.parts]
        if condition.operator == "AND":
            return lambda row: all(part(row) for part in parts)
        if condition.operator == "OR":
            return lambda row: any(part(row) for part in parts)
        return lambda row: not parts[0](row)

    def _test(self, test: Test) -> Callable[[Row], bool]:
        column = self._column(test.path)
        check = compile_check(
            test,
            column.spec,
            now=self.now,
            fail=self._fail_at(test.path.position),
            is_known_id=lambda text: self.store.find(self.sobject, text) is not None,
        )
        get = column.get
        return lambda row: check(get(row))

    def _asked_ids(self, condition: Condition | None) -> set[str]:
        if condition is None:
            return set()
        if not isinstance(condition, Test):
            parts = condition.parts if condition.operator != "NOT" else ()
            return set().union(*(self._asked_ids(part) for part in parts))
        is_id = condition.path.names[-1].lower() == "id" and condition.operator in {"=", "IN"}
        texts = [one.text for one in condition.values if one.kind == "string"] if is_id else []
        return {short_id(unescape(text)) for text in texts}

    def _sort_key(
        self, path: Path, *, nulls_last: bool, descending: bool
    ) -> tuple[Callable[[Row], tuple[bool, object]], bool]:
        column = self._column(path)
        if not column.spec.is_filterable:
            message = f"field '{path}' can not be sorted in a query call"
            raise self._fail(path.position, "MALFORMED_QUERY", message)
        kind, get = column.spec.type, column.get
        null_rank = nulls_last != descending

        def key(row: Row) -> tuple[bool, object]:
            value = comparable(kind, get(row))
            return (null_rank, 0) if value is None else (not null_rank, value)

        return key, descending

    def _no_such_column(self, name: str, sobject: SObject, path: Path) -> ApiError:
        message = (
            f"No such column '{name}' on entity '{sobject.name}'. If you are attempting to use a"
            f" custom field, be sure to append the '__c' after the custom field name. {_WSDL}"
        )
        return self._fail(path.position, "INVALID_FIELD", message)

    def _fail_at(self, position: int) -> Fail:
        return lambda code, message: self._fail(position, code, message)

    def _fail(self, position: int, code: str, message: str) -> ApiError:
        return ApiError(400, code, at_position(self.query.text, position, message))


def _names_one_of(condition: Condition | None, names: frozenset[str]) -> bool:
    """Tell whether a query is for certain values of one of the fields."""
    if isinstance(condition, Test):
        return condition.operator in {"=", "IN"} and condition.path.names[-1].lower() in names
    if condition is None or condition.operator != "AND":
        return False
    return any(_names_one_of(part, names) for part in condition.parts)


def aggregate_lines(plan: Plan, rows: Sequence[Row]) -> Sequence[Mapping[str, Value]]:
    """Return one line for each group, or the only line of a query without GROUP BY."""
    if not plan.groups:
        return [{one.alias: _aggregate_value(one, rows) for one in plan.aggregates}]
    grouped: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        key = tuple(comparable(one.spec.type, one.get(row)) for one in plan.groups)
        grouped.setdefault(key, []).append(row)
    return [
        {
            **{one.names[-1]: one.get(those[0]) for one in plan.groups},
            **{one.alias: _aggregate_value(one, those) for one in plan.aggregates},
        }
        for _, those in sorted(grouped.items(), key=lambda item: str(item[0]))
    ]


def _aggregate_value(one: Aggregate, rows: Sequence[Row]) -> Value:
    column = one.column
    if column is None:
        return len(rows)
    found = [value for row in rows if (value := column.get(row)) is not None]
    if one.function == "COUNT":
        return len(found)
    kind = column.spec.type
    if one.function == "COUNT_DISTINCT":
        return len({comparable(kind, value) for value in found})
    if not found:
        return None
    if one.function in {"SUM", "AVG"}:
        total = sum(value for value in found if isinstance(value, int | float))
        return total if one.function == "SUM" else total / len(found)
    pick = min if one.function == "MIN" else max
    return pick(found, key=lambda value: (comparable(kind, value),))
