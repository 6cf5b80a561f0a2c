"""Convert a lead: a contact of the person, the company they work for, and a deal. One call, idempotent.

A lead that names a company and no person becomes the company. Which company is meant is asked of
`hub.actions.companies.choice`. A deal that an earlier conversion of the lead made, and that stands, is
taken up again.

The contact is a row of the lead's own entity, so everything that hangs on the entity is the contact's
as well: notes, tasks, calls, tickets, edits. The lead's row is frozen. `hub.actions.leads.reopen` undoes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from hub.actions import lookup
from hub.actions.companies.choice import Choice, Employer
from hub.actions.companies.employer import company_of, employ, is_company, keep
from hub.actions.context import Context
from hub.actions.deals import deal as deal_actions
from hub.actions.people.assign import give_many
from hub.actions.rights import Right, require
from hub.actions.setup import pipeline as setup
from hub.crm import (
    contacts,
    conversions,
    custom_field_typing,
    customer_status,
    deals,
    derived,
    groups,
    leads,
    ownership,
)
from hub.crm.conversions import Conversion
from hub.errors import ActionError
from hub.etl import load
from hub.model import names
from hub.model.records import JsonValue
from hub.records import entities
from hub.records.history import note_change


@dataclass(frozen=True, slots=True)
class Wish:
    """What a conversion is to make.

    Args:
        currency: of the deal.
        owner: who owns what is made, by e-mail, or a group that takes a turn; None: the lead's
            owner, else whoever converts.
        has_deal: whether a deal is made.
        deal_name: None: the company's name, else the person's.
        pipeline: None: the first in use.
        values: other fields of the deal, by name: value, close_date, …
        company: which company is taken, or what is done where several may be meant.
    """

    currency: str = "EUR"
    owner: str | None = None
    has_deal: bool = True
    deal_name: str | None = None
    pipeline: str | None = None
    values: Mapping[str, JsonValue] = field(default_factory=dict)
    company: Choice = field(default_factory=Choice)


@dataclass(frozen=True, slots=True)
class Converted:
    """What a lead became.

    Args:
        person_id: the contact; None of a lead that named a company and no person.
        is_new: False where the lead had been converted before.
        is_same_deal: the deal is one that an earlier conversion made, before the lead was reopened.
    """

    lead_id: int
    person_id: int | None
    company_id: int | None
    deal_id: int | None
    is_new: bool
    is_same_deal: bool = False


def convert(ctx: Context, name: str, wish: Wish | None = None) -> Converted:
    """Convert a lead; a second call returns what the first has made.

    Args:
        ctx: who acts, in an open transaction that holds no entity yet.
        name: the lead, as `lookup.find` knows it; of a merged one the survivor.
        wish: what to make beside the contact.

    Raises:
        ActionError: there is no such lead, it is archived, or a part of the wish is none.
    """
    conn = ctx.conn
    asked = wish or Wish()
    seen = lead_named(conn, name)
    require(ctx, Right.WORK, seen["owner_id"], entities=[seen["entity_id"]])
    if known := conversions.standing(conn, seen["id"]):
        return _again(conn, known)
    prepared = _prepare(conn, asked)
    company = company_of(ctx, seen, asked.company)  # before entities are locked
    entities.lock_entities(conn, [seen["entity_id"]])
    lead = lead_named(conn, name)
    if lead["entity_id"] != seen["entity_id"]:
        raise ActionError(
            f"{names.full(name)} was merged just now",
            resource="lead",
            code="conflict",
            hint="try again",
        )
    if known := conversions.standing(conn, lead["id"]):
        return _again(conn, known)
    return _make(ctx, lead, _Plan(asked, prepared, company))


@dataclass(frozen=True, slots=True)
class _Plan:
    """A wish that was checked, and the company that was found or made for it."""

    wish: Wish
    deal: Mapping[str, Any]
    company: Employer | None


def lead_named(conn: Connection, name: str) -> dict[str, Any]:
    """Return the lead that is meant; of a merged one its survivor.

    Raises:
        ActionError: there is none, or it is archived.
    """
    entity = lookup.find(conn, name).root_id
    lead = conversions.lead_of(conn, entity)
    if lead is None:
        raise ActionError(f"{names.full(name)} is no lead", resource="lead", code="not_found")
    if lead["archived_at"] is not None:
        raise ActionError(f"lead/{lead['id']} is archived", resource="lead", code="conflict")
    return lead


def _again(conn: Connection, known: Conversion) -> Converted:
    person, company = (
        None if number is None else deals.contact_root(conn, number)
        for number in (known.person_id, known.company_id)
    )
    return Converted(known.lead_id, person, company, known.deal_id, is_new=False)


def _prepare(conn: Connection, wish: Wish) -> dict[str, Any]:
    """Return the columns of the deal that do not depend on the lead, before anything is made."""
    if not wish.has_deal:
        return {}
    pipeline = deal_actions.usable(setup.find(conn, wish.pipeline))
    named = {"name": wish.deal_name} if wish.deal_name is not None else {}
    return {
        **deal_actions.typed(conn, {}, {**named, "currency": wish.currency, **wish.values}),
        "pipeline_id": pipeline.id,
        "stage_id": pipeline.first.id,
    }


def _make(ctx: Context, lead: Mapping[str, Any], plan: _Plan) -> Converted:
    conn = ctx.conn
    entity = int(lead["entity_id"])
    load.refold(conn, [entity])  # the contact begins as what is known now
    owner = lead["owner_id"] or ctx.actor.user_id
    before = conversions.contact_of(conn, entity)
    is_firm = plan.company is not None and is_company(lead) and before is None
    person = None if is_firm else contacts.make_of_lead(conn, lead["id"], owner)
    company, company_before = None, None
    if plan.company is not None:
        company, company_before = (
            keep(ctx, plan.company, owner_id=owner)
            if is_firm
            else employ(ctx, entity, plan.company, owner_id=owner)
        )
    primary = person if person is not None else company
    if primary is None:
        raise AssertionError("unreachable: a lead is a person or a company")
    deal_id, is_same = None, False
    if plan.wish.has_deal:
        known = conversions.deal_left(conn, lead["id"])
        is_same = known is not None
        if known is not None:
            _refuse_values(known, plan.wish)
        deal_id = known or _deal(ctx, lead, {
            **plan.deal, "contact_id": primary, "organization_id": company, "owner_id": owner,
        })  # fmt: skip
    if plan.wish.owner is not None:
        parts = {"lead": int(lead["id"]), "contact": primary, "deal": deal_id}
        is_new = plan.company is not None and plan.company.is_new
        owner = hand_over(ctx, plan.wish.owner, parts, company_id=company if is_new else None)
    leads.convert(conn, lead["id"], contact_id=primary, owner_id=owner)
    made: dict[str, Any] = {
        "person": person is not None and before is None, "deal": deal_id is not None and not is_same,
        "company": plan.company is not None and plan.company.is_new,
        "owners": conversions.owners(conn, entity),
        "before": {"lead": _lead_before(lead), "person": contact_before(before),
                   "company": contact_before(company_before)},
    }  # fmt: skip
    new = Conversion(0, lead["id"], person, company, deal_id, made)
    conversions.keep(conn, new, ctx.who)
    entities.bump(conn, [entity])
    load.refold(conn, [entity])
    derived.recompute(conn, contacts.entities_of(conn, [primary]))
    customer_status.recompute(conn, (person, company))
    what = {"person": person, "company": company, "deal": deal_id}
    note_change(conn, ctx.who, {"converted": (None, what)}, entity_id=entity)
    return Converted(int(lead["id"]), person, company, deal_id, is_new=True, is_same_deal=is_same)


def _refuse_values(deal_id: int, wish: Wish) -> None:
    """Refuse to type values into the deal of an earlier conversion, which is taken up as it is.

    Raises:
        ActionError: the wish says what the deal is to be.
    """
    if wish.deal_name is not None or wish.pipeline is not None or wish.values:
        raise ActionError(
            f"deal/{deal_id} of the earlier conversion stands, and is taken up as it is",
            resource="deal",
            code="conflict",
            hint=f"convert without fields of the deal, then hub deal edit {deal_id}; or first "
            f"hub deal archive {deal_id}, to make another",
            others=[f"deal/{deal_id}"],
        )


def hand_over(
    ctx: Context,
    to: str,
    parts: Mapping[str, int | None],
    *,
    company_id: int | None = None,
) -> int | None:
    """Give what a conversion made to a person, or to whose turn it is in a group; returns who it is.

    One turn is taken, for the record of the kind that the group holds; the others follow it.

    Raises:
        ActionError: there is no such person or group, nobody in it can take one, or it holds a kind
            of record that was not made.
    """
    conn = ctx.conn
    group = None if "@" in to else groups.named(conn, to.removeprefix("group:"))
    kind = group.record_kind if group is not None else "contact"
    record = parts[kind]
    if record is None:
        raise ActionError(
            f"the group {to} hands out {kind}s, and none is made",
            resource="lead",
            field="owner",
            code="conflict",
        )
    give_many(ctx, kind, [record], to)
    owner = ownership.take(conn, kind, [record])[record].owner_id
    if owner is not None:
        rest = {"contact": [parts["contact"], company_id], "deal": [parts["deal"]]}
        for other, numbers in rest.items():
            ownership.give(conn, other, {n: owner for n in numbers if n is not None})
    return owner


def _deal(ctx: Context, lead: Mapping[str, Any], known: Mapping[str, Any]) -> int:
    """Make the deal; source, tags and custom fields of the lead's are its own as well."""
    conn = ctx.conn
    person = " ".join(n for n in (lead["first_name"], lead["last_name"]) if n)
    values = {
        "name": lead["organization_name"] or person or lead["email"] or f"lead/{lead['id']}",
        "source": lead["lead_source"],
        "tags": lead["tags"] or [],
        "lead_id": lead["id"],
        **known,
        "custom_fields": {
            **custom_field_typing.shared(conn, "deal", lead["custom_fields"]),
            **known.get("custom_fields", {}),
        },
    }
    deal_id = deals.insert(conn, values, ctx.who)
    if values["organization_id"] not in (None, values["contact_id"]):
        deals.associate(conn, deal_id, values["organization_id"], "involved")
    return deal_id


def _lead_before(lead: Mapping[str, Any]) -> dict[str, Any]:
    at = lead["converted_at"]
    return {
        "converted_at": at.isoformat() if at else None,
        "contact_id": lead["contact_id"],
        "owner_id": lead["owner_id"],
    }


def contact_before(contact: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what a conversion changes of a contact that is there already."""
    if contact is None:
        return None
    at = contact["archived_at"]
    return {
        "kept_by": contact["kept_by"],
        "archived_at": at.isoformat() if at else None,
        "owner_id": contact["owner_id"],
    }
