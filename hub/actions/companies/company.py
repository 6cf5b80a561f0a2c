"""Add and edit companies by hand, as records of the source `hub`; edits beat every source."""

from collections.abc import Mapping

from hub.actions import typed
from hub.actions.companies import choice, employer, named
from hub.actions.companies.choice import Choice, Sought, Unsure
from hub.actions.context import Context
from hub.actions.people import assign, edit
from hub.actions.rights import Right, require
from hub.crm import companies as rows
from hub.crm import custom_field_typing, former
from hub.crm.custom_field_typing import split
from hub.db.locks import company_lock
from hub.errors import ActionError
from hub.etl import companies, load
from hub.frozen import dataclass
from hub.model import vocabulary
from hub.model.entities import folded_names
from hub.model.records import JsonValue

KIND = "organisation"
_OF_COMPANY = frozenset(folded_names(KIND))


@dataclass(frozen=True, slots=True)
class AddedCompany:
    """A company that was added: contact/12."""

    name: str
    entity_id: int


def add(
    ctx: Context,
    given: Mapping[str, JsonValue],
    *,
    region: str,
    owner: str | None = None,
    force: bool = False,
) -> AddedCompany:
    """Add a company.

    Args:
        ctx: the actor, in an open transaction, in which nothing was read yet.
        given: by field; `company` is its name, `custom_fields.<key>` is one custom field.
        region: ISO country of phone numbers.
        owner: a user's e-mail or a group's name; else the actor, if in the team.
        force: it differs from all companies of the same or a similar name.

    Raises:
        ActionError: a value cannot be kept, the name is missing (`required`), a similar company
            exists (`duplicate`), or the actor lacks the right.
    """
    conn = ctx.conn
    require(ctx, Right.WORK)
    values = former.values(ctx.conn, typed.canonical(KIND, given, region=region))
    custom = values.pop("custom_fields", None)
    if isinstance(custom, dict):
        kept = custom_field_typing.typed(conn, ("company",), custom, now=ctx.now)
        values["custom_fields"] = {k: v for k, v in kept.items() if v is not None}
    if not values.get("organization_name"):
        raise ActionError(
            "a company needs a name", resource="company", field="company", code="required"
        )
    company_lock(conn)
    if not force:
        _refuse_known(ctx, values)
    written = {**values, "created_at": ctx.clock.now().isoformat()}
    made = choice.choose(ctx, Sought(written), Choice(unsure=Unsure.NEW))
    if made is None:
        raise AssertionError("unreachable: a company with a name was made")
    contact = employer.keep(ctx, made, owner_id=None)
    name = f"contact/{contact}"
    wanted = owner or (ctx.who if ctx.actor.user_id is not None else None)
    if wanted is not None:
        assign.assign(ctx, "contact", [name], wanted)
    return AddedCompany(name, made.entity_id)


def _refuse_known(ctx: Context, values: Mapping[str, JsonValue]) -> None:
    conn = ctx.conn
    sure = companies.find_of(conn, values)
    known = rows.companies(conn, [sure]) if sure is not None else choice.offers(conn, values)
    if known:
        raise ActionError(
            f"likely duplicates: {', '.join(one.said for one in known[:5])}",
            resource="company",
            code="duplicate",
            hint="`hub company show` shows one; --force adds another company",
            others=[f"contact/{one.id}" for one in known],
        )


def change(ctx: Context, name: str, values: Mapping[str, JsonValue], *, region: str = "") -> int:
    """Type values into a company; returns its number. They override every source.

    Args:
        ctx: the actor, in an open transaction, in which nothing was read yet.
        name: by any name that `named.find` accepts; of a merged one the survivor's.
        values: by field; None blanks a field.
        region: ISO country of numbers.

    Raises:
        ActionError: there is no such company or field, or a value is of another kind.
    """
    conn = ctx.conn
    company = named.find(conn, name)
    own, _ = split(values)
    for field in vocabulary.columns(vocabulary.PEOPLE, own).keys() - _OF_COMPANY:
        raise ActionError(
            f"a company has no field {field!r}",
            resource="company",
            field=field,
            code="not_found",
            hint=f"fields: company, {', '.join(sorted(_OF_COMPANY - {'organization_name', 'domains'}))}",
        )
    number = named.contact_id(conn, company.root_id)
    edit.edit(ctx, f"contact/{number}", values, region=region)
    load.refold(conn, [company.root_id])
    return number
