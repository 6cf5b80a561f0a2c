"""Smart links: kept by an admin, opened by every user."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection, text

from hub.actions import targets
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup import smart_list
from hub.crm import smart_links
from hub.crm.custom_fields import check_object
from hub.crm.smart_links import LinkError, SmartLink
from hub.errors import ActionError, invalid
from hub.lists import records
from hub.lists.catalogues import catalogue
from hub.lists.fields import Catalogue, Field
from hub.records import name_changes

_RESOURCE = "smart_link"
_invalid = partial(invalid, _RESOURCE)
_LONGEST_NAME = 100


def add(ctx: Context, link: SmartLink) -> SmartLink:
    """Keep a link for the team.

    Raises:
        ActionError: the name is taken, the template is none, or names a field that is not there.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    check_object(link.object, _RESOURCE)
    if not link.name.strip() or len(link.name) > _LONGEST_NAME or not link.name.isprintable():
        raise _invalid(
            "name", f"{link.name[:_LONGEST_NAME]!r} is not a valid name", "1 to 100 characters"
        )
    made = SmartLink(link.object, link.name.strip(), link.template.strip())
    fields = catalogue(conn, link.object)
    today = {name: _field(fields, name).name for name in _names(made)}
    made = replace(made, template=smart_links.renamed(made.template, today))
    if not smart_links.insert(conn, made):
        raise ActionError(
            f"a {link.object} has a link {made.name!r} already",
            resource=_RESOURCE, field="name", code="conflict", hint="hub link list",
        )  # fmt: skip
    return made


def listed(ctx: Context, object_: str | None = None) -> list[SmartLink]:
    """Return the team's links, or those of a kind of record.

    Raises:
        ActionError: there is no such kind.
    """
    require(ctx, Right.READ)
    if object_ is not None:
        check_object(object_, _RESOURCE)
    return smart_links.of_object(ctx.conn, object_)


def remove(ctx: Context, object_: str, name: str) -> None:
    """Forget a link.

    Raises:
        ActionError: there is none of that name.
    """
    require(ctx, Right.SET_UP)
    if not smart_links.delete(ctx.conn, object_, name):
        raise _missing(object_, name)
    name_changes.note_removal(ctx.conn, ctx.who, "link", name, scope=object_)


def opened(ctx: Context, name: str, record: str) -> str:
    """Return the address that a link has for a record.

    Args:
        ctx: the actor, and the open connection.
        name: the link's name.
        record: a lead, contact or deal, by any name that `targets.resolve` accepts.

    Raises:
        ActionError: there is no such link or record, or the link cannot be filled from it.
    """
    conn = ctx.conn
    require(ctx, Right.READ)
    target = targets.resolve(conn, record)
    object_ = _object_of(conn, target)
    links = [one for one in smart_links.of_object(conn, object_) if one.name.casefold() == name.strip().casefold()]  # fmt: skip
    if not links:
        raise _missing(object_, name)
    fields = catalogue(conn, object_)
    found = {said: _field(fields, said).name for said in _names(links[0])}
    names, moment = list(found.values()), smart_list.asking(ctx).moment
    values = records.values_of(conn, fields, target.id, names, moment) or {}
    try:
        return smart_links.fill(links[0].template, lambda said: values.get(found[said]))
    except LinkError as exc:
        raise _invalid(
            "template", f"{links[0].name}: {exc}", "choose another record or another link"
        ) from exc


def _object_of(conn: Connection, target: targets.Target) -> str:
    if target.kind != "contact":
        return target.kind
    is_company = conn.execute(
        text("SELECT is_organization FROM crm.contact WHERE id = :id"), {"id": target.id}
    ).scalar_one()
    return "company" if is_company else "person"


def _names(link: SmartLink) -> Sequence[str]:
    try:
        return smart_links.fields_in(link.template)
    except LinkError as exc:
        raise _invalid(
            "template",
            f"that is not a template: {exc}",
            "https://billing.example.com/find?q={email}",
        ) from exc


def _field(fields: Catalogue, name: str) -> Field:
    found = fields.find(name)
    if found is None:
        raise ActionError(
            f"a {fields.object} has no field {name[:100]!r}",
            resource=_RESOURCE, field="template", code="not_found",
            hint=f"fields: {', '.join(fields.fields)}",
        )  # fmt: skip
    return found


def _missing(object_: str, name: str) -> ActionError:
    return ActionError(
        f"a {object_} has no link {name[:_LONGEST_NAME]!r}",
        resource=_RESOURCE, field="name", code="not_found", hint="hub link list",
    )  # fmt: skip
