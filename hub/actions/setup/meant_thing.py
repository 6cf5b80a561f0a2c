"""Which thing a name means, for who renames or removes it: by its name of today alone.

Not here: former names, which count where a name is used (`hub.crm.former`).
"""

from sqlalchemy import Connection

from hub.crm import custom_fields, named, word_rows, words
from hub.crm.custom_fields import CustomField
from hub.crm.named import WORDS, Thing
from hub.crm.words import scope_of
from hub.errors import ActionError
from hub.lists.places import Target
from hub.model.nearest import hint

KINDS = tuple(named.LABELS)
LONGEST = 100
"""Characters of a name."""


def find(conn: Connection, kind: str, name: str, scope: str = "") -> Target:
    """Return the thing that is meant.

    Raises:
        ActionError: there is none, or several are called so.
    """
    check_kind(kind)
    found = thing_named(conn, kind, name, scope)
    if found is None:
        known = [f.name for f in _known(conn, kind, scope)]
        known += list(word_rows.distinct(conn, kind)) if kind in {"tag", "source"} else []
        raise ActionError(
            f"there is no {named.LABELS[kind]} {name[:LONGEST]!r}",
            resource=kind, field="name", code="not_found", hint=hint(name, known),
        )  # fmt: skip
    return found


def _known(conn: Connection, kind: str, scope: str) -> list[Thing]:
    if kind == "field":
        return [Thing(kind, 0, key) for key in custom_fields.fields_of(conn, _object(scope))]
    if kind == "choice":
        return [Thing(kind, 0, choice) for choice in list_field(conn, scope).choices]
    return named.things(conn, kind)


def thing_named(conn: Connection, kind: str, name: str, scope: str) -> Target | None:
    """Return the thing of a name; None if there is none.

    Raises:
        ActionError: several are called so.
    """
    if kind == "field":
        fields = custom_fields.fields_of(conn, _object(scope))
        said = name.strip().casefold()
        key = next((k for k, f in fields.items() if k == name or f.name.casefold() == said), None)
        return Target(kind, frozenset(), key, scope) if key is not None else None
    if kind == "choice":
        field = list_field(conn, scope)
        said = name.strip().casefold()
        exact = next((c for c in field.choices if c.casefold() == said), None)
        if exact is None:
            return None
        inner = scope_of(field.object, field.key)
        return Target(kind, _numbers(conn, kind, inner, exact), exact, inner)
    known = named.things(conn, kind)
    meant = named.meant(known, name)
    if len(meant) > 1:
        raise ActionError(
            f"{len(meant)} {named.LABELS[kind]}s are named {name!r}",
            resource=kind, field="name", code="conflict",
            hint=f"name one: {', '.join(t.full for t in meant)}",
        )  # fmt: skip
    if kind in WORDS:
        word = meant[0].name if meant else name.strip()
        is_there = bool(meant) or word_rows.is_held(conn, kind, "", word)
        return Target(kind, _numbers(conn, kind, "", word), word) if is_there else None
    return Target(kind, frozenset({meant[0].id}), meant[0].name) if meant else None


def _numbers(conn: Connection, kind: str, scope: str, word: str) -> frozenset[int]:
    number = words.ensure(conn, kind, scope, word)
    return words.family(conn, kind, scope, word) | {number}


def _object(scope: str) -> str:
    object_ = scope.partition(".")[0]
    custom_fields.check_object(object_, "custom_field")
    return object_


def list_field(conn: Connection, scope: str) -> CustomField:
    """Return the custom field with choices that a scope names: `lead.tier`.

    Raises:
        ActionError: there is none.
    """
    object_, _, key = scope.partition(".")
    field = custom_fields.fields_of(conn, _object(object_)).get(key)
    if field is None or not field.choices:
        raise ActionError(
            f"a {object_} has no list {key[:LONGEST]!r}",
            resource="choice", field="scope", code="not_found", hint="hub field list shows them",
        )  # fmt: skip
    return field


def check_kind(kind: str) -> None:
    """Raise where there is no such kind of name.

    Raises:
        ActionError: there is none.
    """
    if kind not in KINDS:
        raise ActionError(
            f"there is no kind of name {kind[:LONGEST]!r}",
            resource="name", field="kind", code="invalid", hint=hint(kind, KINDS),
        )  # fmt: skip
