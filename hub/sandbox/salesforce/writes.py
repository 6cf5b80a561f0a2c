"""Create, update, delete and merge records of the org, with the vendor's field checks.

Not here: the form of the answers (`sobjects.py`, `batches.py`, `soap.py`).
"""

import re
from collections.abc import Mapping, Sequence

from hub.sandbox.salesforce.errors import ApiError, not_found
from hub.sandbox.salesforce.schema import TEXT_TYPES, FieldSpec, SObject
from hub.sandbox.salesforce.setup import SOURCE
from hub.sandbox.salesforce.store import Store
from hub.sandbox.world import Row

MAX_MERGED = 2
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def find_live(store: Store, sobject: SObject, record_id: str) -> Row:
    """Return a live row; raise the vendor's error if it is missing or deleted."""
    row = store.find(sobject, record_id)
    if row is None:
        raise not_found()
    if row.deleted:
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
    return row


def create(store: Store, sobject: SObject, given: Mapping[str, object]) -> Row:
    """Create a row and return it."""
    values = check_values(sobject, given, creating=True)
    for spec in sobject.fields.values():
        if spec.default is not None and "d" in spec.flags:
            values.setdefault(spec.name, spec.default)
    return store.world.create(SOURCE, sobject.stream, values)


def update(store: Store, sobject: SObject, record_id: str, given: Mapping[str, object]) -> Row:
    """Change fields of a row and return it."""
    row = find_live(store, sobject, record_id)
    values = check_values(sobject, given, creating=False)
    store.world.update(SOURCE, sobject.stream, row.id, values)
    return row


def delete(store: Store, sobject: SObject, record_id: str) -> Row:
    """Move a row to the recycle bin."""
    if not sobject.deletable:
        message = f"entity type cannot be deleted: {sobject.name}"
        raise ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, [])
    row = find_live(store, sobject, record_id)
    store.world.delete(SOURCE, sobject.stream, row.id)
    return row


def merge(
    store: Store,
    sobject: SObject,
    master_id: str,
    loser_ids: Sequence[str],
    values: Mapping[str, object],
) -> Row:
    """Merge up to two rows into the master, apply `values` to it and return it."""
    if not sobject.mergeable or not 1 <= len(loser_ids) <= MAX_MERGED:
        raise ApiError(400, "INVALID_OPERATION", "merge takes one or two records of a kind", [])
    master = find_live(store, sobject, master_id)
    losers = [find_live(store, sobject, loser_id) for loser_id in loser_ids]
    checked = check_values(sobject, values, creating=False) if values else {}
    for loser in losers:
        store.world.merge(SOURCE, sobject.stream, loser.id, master.id)
    store.world.update(SOURCE, sobject.stream, master.id, checked)
    return master


def check_values(
    sobject: SObject, given: Mapping[str, object], *, creating: bool
) -> dict[str, object]:
    """Return the values by canonical field name; raise the vendor's error for invalid ones."""
    values: dict[str, object] = {}
    flag = "c" if creating else "u"
    for name, value in given.items():
        if name == "attributes":
            continue
        spec = sobject.field(name)
        if spec is None:
            message = f"No such column '{name}' on sobject of type {sobject.name}"
            raise ApiError(400, "INVALID_FIELD", message)
        if flag not in spec.flags:
            message = (
                f"Unable to create/update fields: {spec.name}. Please check the security settings"
                " of this field and verify that it is read/write for your profile or permission"
                " set."
            )
            raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, [spec.name])
        values[spec.name] = _checked(spec, value)
    _check_required(sobject, values, creating=creating)
    return values


def _check_required(sobject: SObject, values: Mapping[str, object], *, creating: bool) -> None:
    required = [
        spec.name
        for spec in sobject.fields.values()
        if "c" in spec.flags and not set("nd") & set(spec.flags) and spec.default is None
    ]
    asked = required if creating else [name for name in required if name in values]
    missing = [name for name in asked if values.get(name) in (None, "")]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise ApiError(400, "REQUIRED_FIELD_MISSING", message, missing)


def _checked(spec: FieldSpec, value: object) -> object:
    if value is None or value == "":
        return None
    if spec.type in TEXT_TYPES and not isinstance(value, str):
        value = str(value)
    if isinstance(value, str) and spec.type in TEXT_TYPES and len(value) > spec.length:
        message = f"{spec.label}: data value too large: {value} (max length={spec.length})"
        raise ApiError(400, "STRING_TOO_LONG", message, [spec.name])
    if spec.type == "email" and not _EMAIL.fullmatch(str(value)):
        message = f"{spec.label}: invalid email address: {value}"
        raise ApiError(400, "INVALID_EMAIL_ADDRESS", message, [spec.name])
    return value
