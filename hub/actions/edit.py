"""Edit: what a person types stands above every source until it is taken back."""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, text

from hub.actions import people
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import custom_field_typing
from hub.crm.custom_field_typing import PREFIX
from hub.errors import ActionError
from hub.model.entities import CONTACT_FIELDS, LEAD_FIELDS, ColumnClass
from hub.model.records import JsonValue
from hub.pipeline import load
from hub.records import identity

_KINDS = {
    f.name: f.kind
    for f in (*LEAD_FIELDS, *CONTACT_FIELDS)
    if f.column_class is ColumnClass.FOLDED and f.kind != "json"  # one by one: custom_fields.<key>
}
_LONGEST_EMAIL = 320  # 64 before the @ and 255 behind it (RFC 5321)


def edit(ctx: Context, name: str, values: Mapping[str, JsonValue]) -> int:
    """Type values into a person's record; returns the entity.

    Args:
        ctx: who acts, in an open transaction.
        name: whose record, as `people.find` knows them; of a merged one the survivor's.
        values: by field; `custom_fields.<key>` is one custom field, None blanks a field.

    Raises:
        ActionError: there is no such person or field, or the value is of another kind, or none
            that its custom field takes.
    """
    conn = ctx.conn
    for field, value in values.items():
        _check(field, value)
    entity = people.find(conn, name).root_id
    require(ctx, Right.TYPE, *people.owners_of(conn, entity))
    conn.execute(
        text(
            "INSERT INTO ops.edit (entity_id, field, value, who, at) "
            "VALUES (:entity, :field, CAST(:value AS jsonb), :who, clock_timestamp())"
        ),
        [
            {"entity": entity, "field": field, "value": json.dumps(value), "who": ctx.who}
            for field, value in _normal(conn, entity, values).items()
        ],
    )
    _refold(conn, entity)
    return entity


def _normal(conn: Connection, entity: int, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the values with custom fields as their definitions keep them."""
    own, custom = custom_field_typing.split(values)
    kept = custom_field_typing.typed_of_entity(conn, entity, custom)
    return own | {f"{PREFIX}{key}": value for key, value in kept.items()}


def take_back(ctx: Context, name: str, field: str) -> int:
    """Take back what was typed into a field: the sources speak again. Returns how many edits.

    Raises:
        ActionError: there is no such person.
    """
    conn = ctx.conn
    entity = people.find(conn, name).root_id
    require(ctx, Right.TYPE, *people.owners_of(conn, entity))
    revoked = conn.execute(
        text(
            "UPDATE ops.edit SET revoked_at = now() WHERE entity_id = :entity AND field = :field "
            "AND revoked_at IS NULL"
        ),
        {"entity": entity, "field": field},
    ).rowcount
    _refold(conn, entity)
    return revoked


def _refold(conn: Connection, entity: int) -> None:
    identity.bump(conn, [entity])
    load.refold(conn, [entity])


def _check(field: str, value: JsonValue) -> None:
    if custom_field_typing.is_custom(field):
        return
    kind = _KINDS.get(field)
    if kind is None:
        raise ActionError(
            f"there is no field {field!r} to edit",
            resource="person",
            field=field,
            code="not_found",
            hint=f"fields: {', '.join(sorted(_KINDS))}, custom_fields.<key>",
        )
    if value is not None and not _is_of(kind, value):
        raise ActionError(
            f"{field} is a {kind}; {json.dumps(value)} is not",
            resource="person",
            field=field,
            code="invalid",
        )


def _is_of(kind: str, value: JsonValue) -> bool:
    if kind == "list":
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    if not isinstance(value, str) or "\0" in value:
        return False
    if kind == "email":
        return "@" in value and len(value) <= _LONGEST_EMAIL
    return kind != "datetime" or _is_time(value)


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
