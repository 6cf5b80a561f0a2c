"""The company of a converted lead: the chosen one, and the person's link to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hub.actions.companies import named
from hub.actions.companies.choice import Choice, Employer, Sought, choose_all
from hub.actions.context import Context
from hub.crm import companies as rows
from hub.crm import contacts, conversions, custom_field_typing, custom_fields, deals
from hub.crm.custom_fields import CustomField
from hub.etl import companies, load
from hub.frozen import dataclass
from hub.landing.own import OURS
from hub.matching import normal
from hub.model.records import JsonValue
from hub.records import entities, sources

_SHARED = (
    "organization_name", "website", "industry", "street", "postal_code", "city", "state", "country",
    "tags",
)  # fmt: skip
_REACHED_BY = ("email", "phone", "mobile", "fax", "description")


def companies_of(
    ctx: Context, leads: Sequence[Mapping[str, Any]], choice: Choice
) -> list[Employer | None]:
    """Return the companies of leads, in order; None where none is named, by the lead or by the person.

    Call before entities are locked: a new company is made under the lock of companies.

    Raises:
        ActionError: as `choice.choose_all`.
    """
    conn = ctx.conn
    accounts = [lead["account_id"] for lead in leads if lead["account_id"] is not None]
    left = conversions.companies_left(conn, [i["id"] for i in leads if i["account_id"] is None])
    roots = deals.contact_roots(conn, [*accounts, *left.values()])
    entity = contacts.entity_of(conn, set(roots.values())) if roots else {}
    names = {
        c.entity_id: normal.company(c.name)
        for c in rows.companies(conn, {entity[roots[c]] for c in left.values()})
    } if left else {}  # fmt: skip
    defs = (
        custom_fields.fields_of(conn, "company") if any(i["custom_fields"] for i in leads) else {}
    )
    sought = []
    for lead in leads:
        account = lead["account_id"]
        known = None if account is None else entity[roots[account]]
        if known is None and lead["id"] in left:
            # the company that an earlier conversion chose, if the lead still names it
            was = entity[roots[left[lead["id"]]]]
            known = was if names.get(was) == normal.company(lead["organization_name"]) else None
        sought.append(Sought(_values(defs, lead), known, lead["phone"]))
    return choose_all(ctx, sought, choice)


def is_company(lead: Mapping[str, Any]) -> bool:
    """Tell whether a lead is a company: it has a company's name, and no person's name."""
    return bool(lead["organization_name"]) and not (lead["first_name"] or lead["last_name"])


def mention_of(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the company's values in a person's record: its name, place and domain."""
    said = {n: values[n] for n in _SHARED if values.get(n) and n != "tags"}
    domain = normal.own_domain(str(values.get("email") or "").rpartition("@")[2])
    if domain is not None:
        said["domains"] = [domain]
    return said


def _values(defs: Mapping[str, CustomField], lead: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return the values of a lead's company; fields that companies have too are copied.

    Ways to reach a person stay with the person. Those of a lead without a person are the company's own.
    """
    shared = _SHARED if not is_company(lead) else (*_SHARED, *_REACHED_BY)
    values = {**mention_of(lead), **{n: lead[n] for n in shared if lead[n]}}
    custom = custom_field_typing.shared_by(defs, "company", lead["custom_fields"])
    return {**values, "custom_fields": custom} if custom else values


@dataclass(frozen=True, slots=True)
class Kept:
    """A company that users keep: its contact, and the row as it was before; None of a new one."""

    contact_id: int
    before: Mapping[str, Any] | None


def keep_all(
    ctx: Context, employers: Sequence[Employer], owners: Sequence[int | None]
) -> list[Kept]:
    """Mark companies as kept by users, in order: they stay when their sources are gone.

    Args:
        ctx: the actor, in an open transaction.
        employers: the companies; one may come several times.
        owners: of each, the owner if it has none yet.
    """
    conn = ctx.conn
    ids = list(dict.fromkeys(one.entity_id for one in employers))
    now: dict[int, Mapping[str, Any]] = dict(conversions.contacts_of(conn, ids))
    load.refold(conn, ids)
    folded = conversions.contacts_of(conn, ids)
    kept: list[Kept] = []
    seen: set[int] = set()
    for one, owner_id in zip(employers, owners, strict=True):
        row = now[one.entity_id] if one.entity_id in seen else folded[one.entity_id]
        before = None if one.is_new else now.get(one.entity_id)
        kept.append(Kept(int(row["id"]), before))
        now[one.entity_id] = {
            **row, "kept_by": "person", "archived_at": None, "owner_id": row["owner_id"] or owner_id,
        }  # fmt: skip
        seen.add(one.entity_id)
    contacts.write_keepers(conn, {int(now[i]["id"]): now[i] for i in ids})
    return kept


def keep(ctx: Context, employer: Employer, *, owner_id: int | None) -> int:
    """Mark a company as kept by users; returns its contact."""
    return keep_all(ctx, [employer], [owner_id])[0].contact_id


def employ(ctx: Context, person_entity: int, employer: Employer) -> int:
    """Link a person to an employer; returns the company's contact."""
    contact = keep(ctx, employer, owner_id=None)
    companies.link(ctx.conn, person_entity, employer.entity_id, who=ctx.who)
    return contact


def archive_unused(conn: Connection, company_id: int) -> None:
    """Archive a company that a conversion made and no user has worked on: its own record is gone.

    The question in review about its name is removed. Call under the lock of companies.
    """
    entity = _entity(conn, company_id)
    contacts.write_keeper(
        conn, company_id, {"kept_by": "source", "archived_at": None, "owner_id": None}
    )
    own = named.records(conn, entity)
    sources.delete_of_entity(conn, entity, OURS)
    companies.place_records(conn, own)
    entities.bump(conn, [entity])
    load.refold(conn, [entity])


def _entity(conn: Connection, contact_id: int) -> int:
    return contacts.entity_of(conn, [contact_id])[contact_id]
