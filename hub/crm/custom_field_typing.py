"""Typed values of custom fields: one way for every record and every caller.

In: values by field, `custom_fields.<key>`. Out: values by key, as definitions keep them. A key that
is neither defined nor on the record is refused. So is a value that does not fit its type.
"""

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, text

from hub.crm import former
from hub.crm.custom_fields import CustomField, fields_of, normalise
from hub.crm.words import scope_of
from hub.errors import ActionError
from hub.model.records import JsonValue

PREFIX = "custom_fields."
_HELD = text("""
SELECT jsonb_object_keys(custom_fields) FROM crm.lead WHERE entity_id = :id
UNION SELECT jsonb_object_keys(custom_fields) FROM crm.contact WHERE entity_id = :id
UNION SELECT jsonb_object_keys(canonical -> 'custom_fields') FROM ops.source_record
      WHERE entity_id = :id AND jsonb_typeof(canonical -> 'custom_fields') = 'object'
""")


def is_custom(name: str) -> bool:
    """Tell whether `custom_fields.<key>` is meant."""
    return name.startswith(PREFIX) and name != PREFIX


def split(
    values: Mapping[str, JsonValue],
) -> tuple[dict[str, JsonValue], dict[str, JsonValue]]:
    """Return the values of a record's own fields, and those of its custom fields by key."""
    own = {name: value for name, value in values.items() if not is_custom(name)}
    custom = {n.removeprefix(PREFIX): v for n, v in values.items() if is_custom(n)}
    return own, custom


def typed(
    conn: Connection,
    objects: Sequence[str],
    given: Mapping[str, JsonValue],
    held: Container[str] = (),
    *,
    now: datetime,
) -> dict[str, JsonValue]:
    """Return typed values of custom fields, by key, in stored form; None is a blank.

    Args:
        conn: an open connection.
        objects: what the record is: lead, person, company, deal; a value has to suit all of them.
        given: by key, or by the name that people read.
        held: keys that the record has without a definition, from a source; they may be corrected.
        now: aware, in the time zone of the person who types; days and moments are read in it.

    Raises:
        ActionError: there is no such field (`not_found`), or it does not take the value (`invalid`).
    """
    if not given:
        return {}
    defs = {object_: fields_of(conn, object_) for object_ in objects}
    kept: dict[str, JsonValue] = {}
    for said, value in given.items():
        key = _key(defs, said, held)
        for object_, fields in defs.items():
            field = fields.get(key)
            if field is not None and field.choices:
                scope = scope_of(object_, key)
                value = former.choices(conn, scope, field.choices, value)  # noqa: PLW2901 likewise
            value = normalise(fields, object_, key, value, now)  # noqa: PLW2901 as the last one keeps it
        kept[key] = value
    return kept


def typed_of_entity(
    conn: Connection, entity_id: int, given: Mapping[str, JsonValue], *, now: datetime
) -> dict[str, JsonValue]:
    """Return typed values of custom fields of a person or a company, in stored form.

    Raises:
        ActionError: as `typed`, of anything that they are in the CRM.
    """
    if not given:
        return {}
    objects = objects_of(conn, entity_id) or ("lead", "person")
    return typed(conn, objects, given, _held(conn, entity_id), now=now)


def _held(conn: Connection, entity_id: int) -> set[str]:
    return set(conn.execute(_HELD, {"id": entity_id}).scalars())


def key_of(conn: Connection, object_: str, said: str) -> str:
    """Return the key of a field that is named by its key or its label.

    Raises:
        ActionError: there is none.
    """
    return _key({object_: fields_of(conn, object_)}, said, ())


def shared(
    conn: Connection, object_: str, held: Mapping[str, JsonValue] | None
) -> dict[str, JsonValue]:
    """Return those of a record's custom fields that another kind of record has too, by key.

    A value that does not fit the field's type stays where it is.
    """
    return shared_by(fields_of(conn, object_), object_, held) if held else {}


def shared_by(
    defs: Mapping[str, CustomField], object_: str, held: Mapping[str, JsonValue] | None
) -> dict[str, JsonValue]:
    """Return what `shared` does, by fields that were read before."""
    found: dict[str, JsonValue] = {}
    for key, value in (held or {}).items():
        if key in defs and value is not None:
            with suppress(ActionError):
                found[key] = normalise(defs, object_, key, value)
    return found


def objects_of(conn: Connection, entity_id: int) -> Sequence[str]:
    """Return what an entity is in the CRM: any of lead, person, company."""
    return list(
        conn.execute(
            text(
                "SELECT 'lead' FROM crm.lead WHERE entity_id = :id AND merged_into IS NULL "
                "UNION ALL SELECT CASE WHEN is_organization THEN 'company' ELSE 'person' END "
                "FROM crm.contact WHERE entity_id = :id AND merged_into IS NULL"
            ),
            {"id": entity_id},
        ).scalars()
    )


def _key(defs: Mapping[str, Mapping[str, CustomField]], said: str, held: Container[str]) -> str:
    known = {field.key: field for fields in defs.values() for field in fields.values()}
    if said in known or said in held:
        return said
    for field in known.values():
        if field.name.casefold() == said.casefold():
            return field.key
    object_ = next(iter(defs))
    raise ActionError(
        f"a {object_} has no custom field {said[:100]!r}",
        resource=object_,
        field=f"{PREFIX}{said[:100]}",
        code="not_found",
        hint=f"fields: {', '.join(known)}" if known else "an admin adds one: hub field add",
    )
