"""Layouts: the fields that a card shows, their sections and order; set by an admin."""

from collections import Counter
from functools import partial
from typing import Any

from sqlalchemy import Connection

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import layouts
from hub.crm.custom_fields import check_object, fields_of
from hub.crm.layouts import Section
from hub.errors import invalid
from hub.lists.catalogues import catalogue
from hub.lists.fields import CUSTOM

_RESOURCE = "layout"
_invalid = partial(invalid, _RESOURCE)
_MOST_SECTIONS = 50
_LONGEST_NAME = 100


def show(ctx: Context, object_: str) -> tuple[Section, ...]:
    """Return the layout of a kind of record; fields whose definition is gone are `missing`.

    Raises:
        ActionError: there is no such kind.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    check_object(object_, _RESOURCE)
    known = _known(conn, object_)
    return tuple(
        Section(
            one.name,
            tuple(name for name in one.fields if name in known),
            tuple(name for name in one.fields if name not in known),
        )
        for one in layouts.read(conn, object_)
    )


def set_(ctx: Context, object_: str, said: Any) -> tuple[Section, ...]:
    """Keep a layout, `[{name, fields}]`; None restores the hub's own.

    Raises:
        ActionError: it is no layout, or names a field twice or one that is not there.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    check_object(object_, _RESOURCE)
    layouts.write(conn, object_, None if said is None else _read(conn, object_, said))
    return show(ctx, object_)


def _read(conn: Connection, object_: str, said: Any) -> list[Section]:
    if not isinstance(said, list) or not 0 < len(said) <= _MOST_SECTIONS:
        raise _invalid(
            "sections", "a layout is a list of sections", "[{name: Lead, fields: [status]}]"
        )
    sections = [_section(number, one) for number, one in enumerate(said)]
    names = catalogue(conn, object_)
    sections = [
        Section(s.name, tuple(f.name if (f := names.find(one)) else one for one in s.fields))
        for s in sections
    ]
    known = _known(conn, object_)
    for name, n in Counter(name for one in sections for name in one.fields).items():
        if name not in known or n > 1:
            why = "is given twice" if name in known else f"is not a field of a {object_}"
            raise _invalid("fields", f"{name[:100]!r} {why}", f"fields: {', '.join(sorted(known))}")
    return sections


def _section(number: int, said: Any) -> Section:
    if not isinstance(said, dict) or set(said) - {"missing"} != {"name", "fields"}:
        raise _invalid(
            f"sections.{number}", "a section has a name and fields", "{name: …, fields: […]}"
        )
    name, fields = said["name"], said["fields"]
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():  # fmt: skip
        raise _invalid(f"sections.{number}.name", "that is not a name", "1 to 100 characters")
    if not isinstance(fields, list) or not all(isinstance(one, str) for one in fields):
        raise _invalid(f"sections.{number}.fields", "fields are a list of names", "[status, owner]")
    return Section(name.strip(), tuple(fields))


def _known(conn: Connection, object_: str) -> set[str]:
    """Return the fields of lists, and those of the team that no list may ask for."""
    own = {f"{CUSTOM}{key}" for key in fields_of(conn, object_)}
    return set(catalogue(conn, object_).fields) | own
