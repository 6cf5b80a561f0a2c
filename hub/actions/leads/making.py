"""Make the rows of conversions: contacts, companies, deals, and the notes for the undo of each.

In: leads that are locked, with the companies that were chosen. Each step is one statement for all leads.
Not here: which leads may be converted (`hub.actions.leads.convert`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.actions.companies.choice import Employer
from hub.actions.companies.employer import Kept, is_company, keep_all
from hub.actions.context import Context
from hub.actions.leads.wish import Converted, Wish
from hub.actions.people.assign import assign_many
from hub.crm import (
    contacts,
    conversions,
    custom_field_typing,
    custom_fields,
    customer_status,
    deals,
    derived,
    groups,
    leads,
    ownership,
)
from hub.crm.conversions import Conversion
from hub.errors import ActionError
from hub.etl import companies, load
from hub.frozen import dataclass
from hub.model.hook_events import lead_converted
from hub.records import entities, hook_deliveries
from hub.records.history import Changed, note_changes

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A lead that is converted, and the company that was found or made for it."""

    lead: Row
    company: Employer | None

    @property
    def entity(self) -> int:
        """Return the entity of the lead."""
        return int(self.lead["entity_id"])


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a lead became, as numbers of rows; `before` are the rows that were there already."""

    plan: Plan
    owner: int | None
    person: int | None
    person_before: Row | None
    company: Kept | None

    @property
    def company_id(self) -> int | None:
        return None if self.company is None else self.company.contact_id

    @property
    def primary(self) -> int:
        """Return the contact of the deal: the person, else the company."""
        found = self.person if self.person is not None else self.company_id
        if found is None:
            raise AssertionError("unreachable: a lead is a person or a company")
        return found


def make_all(
    ctx: Context, plans: Sequence[Plan], wish: Wish, prepared: Row, *, tells: bool = True
) -> dict[int, Converted]:
    """Make what each lead becomes; returns lead → what it became.

    Args:
        ctx: the actor; the entities of the leads are locked.
        plans: the leads with their companies.
        wish: what to make beside the contacts.
        prepared: columns of each deal.
        tells: tell subscribers.

    Raises:
        ActionError: a part of the wish is none for one of the leads.
    """
    if not plans:
        return {}
    conn = ctx.conn
    ids = [plan.entity for plan in plans]
    load.refold(conn, ids)  # the contact begins with today's values
    parts = _contacts(ctx, plans)
    made = _deals(ctx, parts, wish, prepared)
    owners = _owners(ctx, parts, wish, made)
    leads.convert(conn, [
        leads.Became(p.plan.lead["id"], p.primary, owners[p.plan.entity]) for p in parts
    ])  # fmt: skip
    _keep(ctx, parts, made)
    entities.bump(conn, ids)
    load.refold(conn, ids)
    derived.recompute(conn, contacts.entities_of(conn, [p.primary for p in parts]))
    customer_status.recompute(conn, [n for p in parts for n in (p.person, p.company_id)])
    note_changes(conn, ctx.who, [
        Changed({"converted": (None, {
            "person": p.person, "company": p.company_id, "deal": made.of(p),
        })}, entity_id=p.plan.entity)
        for p in parts
    ])  # fmt: skip
    if tells:
        hook_deliveries.put(conn, [
            lead_converted(
                int(p.plan.lead["id"]), contact_id=p.person, company_id=p.company_id, deal_id=made.of(p)
            )
            for p in parts
        ])  # fmt: skip
    return {
        p.plan.lead["id"]: Converted(
            int(p.plan.lead["id"]), p.person, p.company_id, made.of(p), is_new=True,
            is_same_deal=p.plan.lead["id"] in made.taken_up,
        )
        for p in parts
    }  # fmt: skip


def _contacts(ctx: Context, plans: Sequence[Plan]) -> list[_Parts]:
    """Make the people and keep the companies."""
    conn = ctx.conn
    before = conversions.contacts_of(conn, [plan.entity for plan in plans])
    owner = {p.entity: p.lead["owner_id"] or ctx.actor.user_id for p in plans}
    people = [
        plan
        for plan in plans
        if plan.company is None or not is_company(plan.lead) or plan.entity in before
    ]
    made = contacts.make_of_leads(conn, {p.lead["id"]: owner[p.entity] for p in people})
    employed = [(plan, plan.company) for plan in plans if plan.company is not None]
    kept = keep_all(ctx, [one for _, one in employed], [owner[plan.entity] for plan, _ in employed])
    company = {plan.entity: one for (plan, _), one in zip(employed, kept, strict=True)}
    companies.link_all(
        conn,
        {plan.entity: one.entity_id for plan, one in employed if plan.entity in made},
        who=ctx.who,
    )
    return [
        _Parts(
            plan,
            owner[plan.entity],
            made.get(plan.entity),
            before.get(plan.entity),
            company.get(plan.entity),
        )
        for plan in plans
    ]


@dataclass(frozen=True, slots=True)
class _Deals:
    """The deals of leads; those of `taken_up` are of earlier conversions."""

    by_lead: Mapping[int, int]
    taken_up: Mapping[int, int]

    def of(self, parts: _Parts) -> int | None:
        return self.by_lead.get(parts.plan.lead["id"])


def _deals(ctx: Context, parts: Sequence[_Parts], wish: Wish, prepared: Row) -> _Deals:
    """Make the deals; source, tags and custom fields of the leads are their own as well."""
    if not wish.has_deal:
        return _Deals({}, {})
    conn = ctx.conn
    left = conversions.deals_left(conn, [p.plan.lead["id"] for p in parts])
    for number in left.values():
        _refuse_values(number, wish)
    defs = (
        custom_fields.fields_of(conn, "deal")
        if any(p.plan.lead["custom_fields"] for p in parts)
        else {}
    )
    new = [p for p in parts if p.plan.lead["id"] not in left]
    values = [_deal_of(p, custom_field_typing.shared_by(
        defs, "deal", p.plan.lead["custom_fields"]), prepared) for p in new]  # fmt: skip
    numbers = deals.insert_many(conn, values, ctx.who)
    deals.associate_many(
        conn,
        {
            number: p.company_id
            for number, p in zip(numbers, new, strict=True)
            if p.company_id is not None and p.company_id != p.primary
        },
        "involved",
    )
    made = {p.plan.lead["id"]: number for number, p in zip(numbers, new, strict=True)}
    return _Deals({**left, **made}, left)


def _deal_of(parts: _Parts, custom: Row, prepared: Row) -> dict[str, Any]:
    lead = parts.plan.lead
    person = " ".join(n for n in (lead["first_name"], lead["last_name"]) if n)
    return {
        "name": lead["organization_name"] or person or lead["email"] or f"lead/{lead['id']}",
        "source": lead["lead_source"],
        "tags": lead["tags"] or [],
        "lead_id": lead["id"],
        **prepared,
        "contact_id": parts.primary,
        "organization_id": parts.company_id,
        "owner_id": parts.owner,
        "custom_fields": {**custom, **prepared.get("custom_fields", {})},
    }


def _refuse_values(deal_id: int, wish: Wish) -> None:
    """Refuse to type values into the deal of an earlier conversion, which is taken up as it is.

    Raises:
        ActionError: the wish says what the deal is to be.
    """
    if wish.deal_name is not None or wish.pipeline is not None or wish.values:
        raise ActionError(
            f"deal/{deal_id} of the earlier conversion exists and is kept as it is",
            resource="deal",
            code="conflict",
            hint=f"convert without fields of the deal, then hub deal edit {deal_id}; or first "
            f"hub deal archive {deal_id}, to make another",
            others=[f"deal/{deal_id}"],
        )


def _owners(
    ctx: Context, parts: Sequence[_Parts], wish: Wish, made: _Deals
) -> dict[int, int | None]:
    """Return who owns what each lead became, by entity; a group takes a turn for each."""
    if wish.owner is None:
        return {p.plan.entity: p.owner for p in parts}
    found = {}
    for p in parts:
        numbers = {"lead": int(p.plan.lead["id"]), "contact": p.primary, "deal": made.of(p)}
        is_new = p.plan.company is not None and p.plan.company.is_new
        company = p.company_id if is_new else None
        found[p.plan.entity] = set_owner(ctx, wish.owner, numbers, company_id=company)
    return found


def _keep(ctx: Context, parts: Sequence[_Parts], deals_made: _Deals) -> None:
    """Store what each conversion made and changed, so that it can be undone."""
    given = conversions.owners(ctx.conn, [p.plan.entity for p in parts])
    kept = []
    for p in parts:
        lead, company, number = p.plan.lead, p.plan.company, deals_made.of(p)
        made = {
            "person": p.person is not None and p.person_before is None,
            "deal": number is not None and lead["id"] not in deals_made.taken_up,
            "company": company is not None and company.is_new,
            "owners": given[p.plan.entity],
            "before": {
                "lead": _lead_before(lead),
                "person": contact_before(p.person_before),
                "company": contact_before(None if p.company is None else p.company.before),
            },
        }
        kept.append(Conversion(0, lead["id"], p.person, p.company_id, number, made))
    conversions.keep(ctx.conn, kept, ctx.who)


def set_owner(
    ctx: Context,
    to: str,
    parts: Mapping[str, int | None],
    *,
    company_id: int | None = None,
) -> int | None:
    """Set the owner of a conversion's records: a user, or a group's next member; returns the user.

    One turn is taken, for the record of the kind that the group holds; the others follow it.

    Raises:
        ActionError: there is no such user or group, no member is available, or the group holds
            another kind of record.
    """
    conn = ctx.conn
    group = None if "@" in to else groups.named(conn, to.removeprefix("group:"))
    kind = group.record_kind if group is not None else "contact"
    record = parts[kind]
    if record is None:
        raise ActionError(
            f"the group {to} distributes {kind}s, but the conversion adds none",
            resource="lead",
            field="owner",
            code="conflict",
        )
    assign_many(ctx, kind, [record], to)
    owner = ownership.take(conn, kind, [record])[record].owner_id
    if owner is not None:
        rest = {"contact": [parts["contact"], company_id], "deal": [parts["deal"]]}
        for other, numbers in rest.items():
            ownership.set_owners(conn, other, {n: owner for n in numbers if n is not None})
    return owner


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
