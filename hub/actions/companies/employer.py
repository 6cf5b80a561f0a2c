"""The company of a lead that is converted: the one that is chosen, and who works there."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from hub.actions.companies.choice import Choice, Employer, choose
from hub.actions.context import Context
from hub.crm import companies as rows
from hub.crm import contacts, conversions, custom_field_typing, deals
from hub.etl import companies, load
from hub.landing.own import OURS
from hub.matching import normal
from hub.model.records import JsonValue
from hub.records import entities, sources

_SHARED = (
    "organization_name", "website", "industry", "street", "postal_code", "city", "state", "country",
    "tags",
)  # fmt: skip
_REACHED_BY = ("email", "phone", "mobile", "fax", "description")


def company_of(ctx: Context, lead: Mapping[str, Any], choice: Choice) -> Employer | None:
    """Return the company of a lead; None where none is named, by the lead or by the person.

    Call before entities are locked: a new company is made under the lock of companies.

    Raises:
        ActionError: as `choice.choose`.
    """
    conn = ctx.conn
    account = lead["account_id"]
    known = None if account is None else _entity(conn, deals.contact_root(conn, account))
    mention = _values(conn, lead)
    if known is None:
        known = _left(conn, lead)
    return choose(ctx, mention, choice, known=known, phone=lead["phone"])


def _left(conn: Connection, lead: Mapping[str, Any]) -> int | None:
    """Return the company that an earlier conversion of the lead chose, if the lead still names it."""
    left = conversions.company_left(conn, lead["id"])
    if left is None:
        return None
    entity = _entity(conn, deals.contact_root(conn, left))
    names = [normal.company(c.name) for c in rows.companies(conn, [entity])]
    return entity if names == [normal.company(lead["organization_name"])] else None


def is_company(lead: Mapping[str, Any]) -> bool:
    """Tell whether a lead is a company and no person: it names a company, and nobody's name."""
    return bool(lead["organization_name"]) and not (lead["first_name"] or lead["last_name"])


def mention_of(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return what a person's values say of the company: its name, where it is, and its domain."""
    said = {n: values[n] for n in _SHARED if values.get(n) and n != "tags"}
    domain = normal.own_domain(str(values.get("email") or "").rpartition("@")[2])
    if domain is not None:
        said["domains"] = [domain]
    return said


def _values(conn: Connection, lead: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return what a lead says of its company; fields that companies have too are copied.

    Ways to reach a person stay with the person. Those of a lead without a person are the company's own.
    """
    shared = _SHARED if not is_company(lead) else (*_SHARED, *_REACHED_BY)
    values = {**mention_of(lead), **{n: lead[n] for n in shared if lead[n]}}
    custom = custom_field_typing.shared(conn, "company", lead["custom_fields"])
    return {**values, "custom_fields": custom} if custom else values


def employ(
    ctx: Context, person_entity: int, employer: Employer, *, owner_id: int | None
) -> tuple[int, dict[str, Any] | None]:
    """Let a person work for a company; returns its contact, and the row as it was before."""
    contact, before = keep(ctx, employer, owner_id=owner_id)
    companies.link(ctx.conn, person_entity, employer.entity_id, who=ctx.who)
    return contact, before


def keep(
    ctx: Context, employer: Employer, *, owner_id: int | None
) -> tuple[int, dict[str, Any] | None]:
    """Let people keep a company: it does not go away with its sources.

    Returns:
        Its contact, and the row as it was before; None of a new one.
    """
    conn = ctx.conn
    before = None if employer.is_new else conversions.contact_of(conn, employer.entity_id)
    load.refold(conn, [employer.entity_id])
    row = conversions.contact_of(conn, employer.entity_id)
    if row is None:
        raise AssertionError("unreachable: a company that was folded has a row")
    kept = {"kept_by": "person", "archived_at": None, "owner_id": row["owner_id"] or owner_id}
    contacts.write_keeper(conn, row["id"], kept)
    return int(row["id"]), before


def dismiss(conn: Connection, person_entity: int, company_id: int) -> None:
    """Take back that a person works for a company."""
    companies.unlink(conn, person_entity, _entity(conn, company_id))


def give_up(conn: Connection, company_id: int) -> None:
    """Archive a company that a conversion made and nobody has worked on: its own record is gone."""
    entity = _entity(conn, company_id)
    contacts.write_keeper(
        conn, company_id, {"kept_by": "source", "archived_at": None, "owner_id": None}
    )
    sources.delete_of_entity(conn, entity, OURS)
    entities.bump(conn, [entity])
    load.refold(conn, [entity])


def _entity(conn: Connection, contact_id: int) -> int:
    (entity,) = contacts.entities_of(conn, [contact_id])
    return entity
