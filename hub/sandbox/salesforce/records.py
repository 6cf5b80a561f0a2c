"""Rows as JSON of the REST API: `attributes`, selected fields, nested parents."""

from collections.abc import Iterable, Sequence

from hub.sandbox.salesforce.plan import Column, Plan
from hub.sandbox.salesforce.schema import SObject
from hub.sandbox.salesforce.store import Store
from hub.sandbox.salesforce.values import to_json
from hub.sandbox.world import Row

Record = dict[str, object]


def attributes(sobject: SObject, row: Row, version: str) -> dict[str, str]:
    """Return the `attributes` of a record."""
    url = f"/services/data/v{version}/sobjects/{sobject.name}/{row.id}"
    return {"type": sobject.name, "url": url}


def to_records(plan: Plan, rows: Iterable[Row], version: str) -> list[Record]:
    """Return the rows with the plan's columns."""
    return [to_record(plan.sobject, plan.columns, row, version) for row in rows]


def to_record(sobject: SObject, columns: Sequence[Column], row: Row, version: str) -> Record:
    """Return one row with the given columns."""
    record: Record = {"attributes": attributes(sobject, row, version)}
    for column in columns:
        target = _nested(record, column, row, version)
        if target is not None:
            is_blob = column.spec.type == "base64" and not column.parents
            value = column.get(row)
            if is_blob and value is not None:
                value = f"{attributes(sobject, row, version)['url']}/{column.names[-1]}"
            target[column.names[-1]] = to_json(value)
    return record


def _nested(record: Record, column: Column, row: Row, version: str) -> Record | None:
    """Return the JSON object for the column's value; None if a parent is missing."""
    target = record
    for name, parent in zip(column.names[:-1], column.parents, strict=False):
        found = parent(row)
        if found is None:
            target[name] = None
            return None
        inner = target.setdefault(name, {"attributes": attributes(*found, version)})
        if not isinstance(inner, dict):
            return None
        target = inner
    return target


def whole_record(store: Store, sobject: SObject, row: Row, version: str) -> Record:
    """Return one row with all fields, as GET sobjects/X/{id} does."""
    columns = [
        Column((spec.name,), spec, store.getter(sobject, spec)) for spec in sobject.fields.values()
    ]
    return to_record(sobject, columns, row, version)
