"""Custom fields that a team adds to leads, people, companies and deals, and their valid values.

In: definitions, and values as a person or an API types them. Out: values in the one form that is
kept (`custom_field_values`). What a source sends is kept as it came, with a definition or without.
Not here: what people type into a record's fields (`custom_field_typing`), and who may define fields
(`hub.actions`).
"""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import Row

from hub.crm.custom_field_values import READERS, RefusedError, any_value
from hub.errors import ActionError
from hub.frozen import dataclass
from hub.model.moments import day_of, moment_of
from hub.model.records import JsonValue

OBJECTS = ("lead", "person", "company", "deal")
TYPES = tuple(READERS)
WITH_CHOICES = ("list", "multi_select_list")


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field that a team defined.

    Args:
        object: lead, person, company or deal.
        key: the name inside `custom_fields`.
        name: what people read.
        type: one of `TYPES`.
        choices: what may be chosen; only of a list.
        is_filterable: whether lists may filter by it.
    """

    object: str
    key: str
    name: str
    type: str
    choices: tuple[str, ...] = ()
    is_filterable: bool = True


def document(field: CustomField) -> dict[str, JsonValue]:
    """Return a definition as JSON, for a place that keeps it."""
    return {**_columns(field), "choices": list(field.choices)}


def of_document(kept: Mapping[str, Any]) -> CustomField:
    """Return the definition that `document` was made of."""
    return CustomField(**{**kept, "choices": tuple(map(str, kept["choices"]))})


_COLUMNS = "object, key, name, type, choices, is_filterable"
_ALL = text(f"SELECT {_COLUMNS} FROM crm.custom_field ORDER BY object, lower(name)")  # noqa: S608 ours
_OF = text(
    f"SELECT {_COLUMNS} FROM crm.custom_field "  # noqa: S608 our own names
    "WHERE object = :object ORDER BY lower(name)"
)
_ADD = text(
    f"INSERT INTO crm.custom_field ({_COLUMNS}) "  # noqa: S608 our own names
    "VALUES (:object, :key, :name, :type, CAST(:choices AS jsonb), :is_filterable) "
    "ON CONFLICT DO NOTHING RETURNING id"
)
_SET = text(
    "UPDATE crm.custom_field f SET name = :name, choices = CAST(:choices AS jsonb), "
    "is_filterable = :is_filterable WHERE object = :object AND key = :key AND NOT EXISTS "
    "(SELECT 1 FROM crm.custom_field o WHERE o.object = f.object AND o.id <> f.id "
    " AND lower(o.name) = lower(:name))"
)


def fields_of(conn: Connection, object_: str) -> dict[str, CustomField]:
    """Return the fields of a kind of record by key, in the order of their names."""
    return {row.key: _field(row) for row in conn.execute(_OF, {"object": object_})}


def all_fields(conn: Connection, object_: str | None = None) -> list[CustomField]:
    """Return every field there is, or those of a kind of record.

    Raises:
        ActionError: there is no such kind.
    """
    if object_ is None:
        return [_field(row) for row in conn.execute(_ALL)]
    check_object(object_, "custom_field")
    return list(fields_of(conn, object_).values())


def check_object(object_: str, resource: str) -> None:
    """Refuse an unknown kind of record.

    Raises:
        ActionError: it is none of `OBJECTS`.
    """
    if object_ not in OBJECTS:
        raise ActionError(
            f"{object_[:100]!r} is no kind of record",
            resource=resource,
            field="object",
            code="invalid",
            hint=f"one of: {', '.join(OBJECTS)}",
        )


def insert(conn: Connection, field: CustomField) -> bool:
    """Add a definition; says whether key and name were free."""
    return conn.execute(_ADD, _values(field)).one_or_none() is not None


def update(conn: Connection, field: CustomField) -> bool:
    """Write name, choices and filterability; says whether the field is there and the name free."""
    return conn.execute(_SET, _values(field)).rowcount == 1


def delete(conn: Connection, object_: str, key: str) -> bool:
    """Forget a definition; the values stay on the records. Says whether there was one."""
    done = conn.execute(
        text("DELETE FROM crm.custom_field WHERE object = :object AND key = :key"),
        {"object": object_, "key": key},
    )
    return done.rowcount == 1


_ROWS: Mapping[str, str] = {
    "lead": "crm.lead",
    "person": "crm.contact WHERE NOT is_organization",
    "company": "crm.contact WHERE is_organization",
    "deal": "crm.deal",
}


def held_keys(conn: Connection, object_: str, keys: Collection[str]) -> set[str]:
    """Return those of these keys under which a record of the kind has a value."""
    rows = text(
        "SELECT DISTINCT k FROM (SELECT custom_fields AS held FROM "  # noqa: S608 our own names
        f"{_ROWS[object_]}) r, unnest(CAST(:keys AS text[])) k WHERE r.held ? k"
    )
    return set(conn.execute(rows, {"keys": [*keys]}).scalars())


def _as_iso(type_: str, value: JsonValue, now: datetime | None) -> JsonValue:
    """Return a day or a moment of the person who types in ISO 8601; other values as they are."""
    if now is None or not isinstance(value, str):
        return value
    day = day_of(value, now.date()) if type_ == "date" else None
    at = moment_of(value, now, now.tzinfo or UTC) if type_ == "datetime" else None
    found = day or at
    return value if found is None else found.isoformat()


def normalise(
    defs: Mapping[str, CustomField],
    object_: str,
    key: str,
    value: JsonValue,
    now: datetime | None = None,
) -> JsonValue:
    """Return the value as it is kept; None and the empty text blank a field.

    Args:
        defs: the object's definitions, by key; a key without one holds any text or JSON.
        object_: lead, person, company or deal; named in errors.
        key: the name inside `custom_fields`.
        value: as typed, or as it is kept.
        now: aware, in the time zone of the person who types; None of a value that is kept.

    Raises:
        ActionError: it does not fit the field's type, or is not one of its choices.
    """
    field = defs.get(key)
    if value is None or value in ("", []):
        return None
    try:
        if field is None:
            return any_value(value)
        return READERS[field.type](_as_iso(field.type, value, now), field.choices)
    except RefusedError as refused:
        said = json.dumps(value, ensure_ascii=True, default=str)
        kind = f"{field.name} of a {object_} is a {field.type}" if field else key
        raise ActionError(
            f"{kind}; {said[:80]} is not: {refused.reason}",
            resource=object_,
            field=f"custom_fields.{key}",
            code="invalid",
            hint=f"one of: {', '.join(field.choices)}" if field and field.choices else None,
        ) from refused


def _values(field: CustomField) -> dict[str, object]:
    return {**_columns(field), "choices": json.dumps(list(field.choices))}


def _columns(field: CustomField) -> dict[str, JsonValue]:
    return {
        "object": field.object,
        "key": field.key,
        "name": field.name,
        "type": field.type,
        "is_filterable": field.is_filterable,
    }


def _field(row: Row[tuple[object, ...]]) -> CustomField:
    return CustomField(
        row.object, row.key, row.name, row.type, tuple(map(str, row.choices)), row.is_filterable
    )
