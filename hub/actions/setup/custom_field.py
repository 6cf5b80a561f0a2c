"""Custom fields: defined by an admin, by object, in any of the types that Sell has."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup import naming
from hub.crm import custom_fields
from hub.crm.custom_fields import TYPES, WITH_CHOICES, CustomField, check_object
from hub.errors import ActionError, invalid
from hub.records import name_changes

_RESOURCE = "custom_field"
_invalid = partial(invalid, _RESOURCE)
_LONGEST = 100
_MOST_CHOICES = 500
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]+")


def add(ctx: Context, field: CustomField) -> CustomField:
    """Define a field; returns it as it is kept.

    Args:
        ctx: the actor, in an open transaction.
        field: an empty key is made from the name.

    Raises:
        ActionError: key or name are taken, or a part of the definition is none.
    """
    require(ctx, Right.SET_UP)
    made = replace(
        field, name=field.name.strip(), key=field.key or key_of(field.name),
        choices=_distinct(field.choices),
    )  # fmt: skip
    _check(made)
    if not custom_fields.insert(ctx.conn, made):
        raise _taken(made)
    return made


def edit(
    ctx: Context,
    object_: str,
    key: str,
    *,
    name: str | None = None,
    choices: Sequence[str] | None = None,
    is_filterable: bool | None = None,
) -> CustomField:
    """Rename a field, change its choices, or whether lists may filter by it.

    Its type stays: values of another one would be left behind.

    Raises:
        ActionError: there is no such field, the name is taken, or a choice that is left out is in use
            (`hub.actions.setup.naming` renames and replaces choices).
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    old = custom_fields.fields_of(conn, object_).get(key)
    if old is None:
        raise _unknown(object_, key)
    new = replace(
        old,
        name=old.name if name is None else name.strip(),
        choices=old.choices if choices is None else _distinct(choices),
        is_filterable=old.is_filterable if is_filterable is None else is_filterable,
    )
    _check(new)
    for gone in (c for c in old.choices if c not in new.choices):
        naming.remove(ctx, "choice", gone, scope=f"{object_}.{key}")
    if not custom_fields.update(conn, new):
        raise _taken(new)
    name_changes.note_rename(conn, ctx.who, "field", old.name, new.name, scope=object_)
    return new


def remove(ctx: Context, object_: str, key: str) -> None:
    """Remove a field's definition; its values stay on the records, as any key that a source sends.

    Raises:
        ActionError: there is no such field, or a list, a layout, a link or a criterion names it.
    """
    require(ctx, Right.SET_UP)
    if key not in custom_fields.fields_of(ctx.conn, object_):
        raise _unknown(object_, key)
    naming.remove(ctx, "field", key, scope=object_)


def _check(field: CustomField) -> None:
    check_object(field.object, _RESOURCE)
    if field.type not in TYPES:
        said = field.type[:_LONGEST]
        raise _invalid("type", f"{said!r} is not a type of field", f"one of: {', '.join(TYPES)}")
    for part, value in (("name", field.name), ("key", field.key)):
        if not _PLAIN.fullmatch(value) or len(value) > _LONGEST:
            raise _invalid(part, f"{value[:_LONGEST]!r} is not a {part}", "1 to 100 characters")
    if (field.type in WITH_CHOICES) != bool(field.choices):
        raise _invalid(
            "choices", "only the types list and multi_select_list have choices", "--choice NAME, …"
        )
    if len(field.choices) > _MOST_CHOICES or not all(
        _PLAIN.fullmatch(c) and len(c) <= _LONGEST for c in field.choices
    ):
        raise _invalid(
            "choices", "that is not a list of choices", "up to 500, of 100 characters each"
        )


def _distinct(choices: Sequence[str]) -> tuple[str, ...]:
    """Return the choices in their order, each once; letter case does not count."""
    return tuple({c.strip().casefold(): c.strip() for c in reversed(choices)}.values())[::-1]


def key_of(name: str) -> str:
    """Return the key that a field of a name gets."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or name.strip()


def _taken(field: CustomField) -> ActionError:
    return ActionError(
        f"a {field.object} has a field of this name or key: {field.name}, {field.key}",
        resource=_RESOURCE,
        field="name",
        code="conflict",
        hint=f"hub field list {field.object}",
    )


def _unknown(object_: str, key: str) -> ActionError:
    return ActionError(
        f"a {object_} has no custom field {key!r}",
        resource=_RESOURCE,
        field="key",
        code="not_found",
        hint="hub field list shows them",
    )
