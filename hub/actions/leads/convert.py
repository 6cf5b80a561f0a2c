"""Convert leads: a contact of each person, the company they work for, and a deal. Idempotent.

A lead that names a company and no person becomes the company. The company is chosen by
`hub.actions.companies.choice`. If an earlier conversion of the lead made a deal that still exists,
this deal is used again. `hub.actions.leads.making` makes the rows, `hub.actions.leads.reopen`
undoes it.

The contact is a row of the lead's own entity, so everything that belongs to the entity is the
contact's as well: notes, tasks, calls, tickets, edits. The lead's row is frozen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hub.actions import lookup
from hub.actions.companies.employer import companies_of
from hub.actions.context import Context
from hub.actions.deals import deal as deal_actions
from hub.actions.leads.making import Plan, make_all
from hub.actions.leads.wish import Converted, Wish
from hub.actions.rights import Right, require
from hub.actions.setup import pipeline as setup
from hub.crm import conversions, deals, derived
from hub.errors import ActionError
from hub.model import names
from hub.records import entities

__all__ = ["Converted", "Wish", "convert", "convert_all", "lead_named", "leads_numbered"]


def convert(ctx: Context, name: str, wish: Wish | None = None) -> Converted:
    """Convert a lead; a second call returns what the first has made.

    Args:
        ctx: the actor, in an open transaction that holds no entity yet.
        name: the lead, by any name that `lookup.find` accepts; of a merged one the survivor.
        wish: what to make beside the contact.

    Raises:
        ActionError: there is no such lead, it is archived, or a part of the wish is none.
    """
    (made,) = convert_all(ctx, [lead_named(ctx.conn, name)], wish or Wish()).values()
    return made


def convert_all(
    ctx: Context, seen: Sequence[Mapping[str, Any]], wish: Wish, *, tells: bool = True
) -> dict[int, Converted]:
    """Convert leads in their order: each has the result of its own conversion.

    What one cannot take is an error of all. All leads share the statements.

    Args:
        ctx: the actor, in an open transaction that holds no entity yet.
        seen: rows of existing leads, as `lead_named` reads them.
        wish: what to make beside each contact.
        tells: tell subscribers; a bulk action tells none.

    Returns:
        Lead → what it became.

    Raises:
        ActionError: as `convert`.
    """
    conn = ctx.conn
    entity_ids = [int(lead["entity_id"]) for lead in seen]
    require(ctx, Right.WORK, *(lead["owner_id"] for lead in seen), entities=entity_ids)
    done = _again(conn, seen)
    new = [lead for lead in seen if lead["id"] not in done]
    if not new:
        return done
    prepared = _prepare(ctx, wish)
    companies = companies_of(ctx, new, wish.company)  # before entities are locked
    entities.lock_entities(conn, [int(lead["entity_id"]) for lead in new])
    leads_now = _now(conn, new)
    done |= _again(conn, leads_now)
    plans = [
        Plan(lead, company)
        for lead, company in zip(leads_now, companies, strict=True)
        if lead["id"] not in done
    ]
    return done | make_all(ctx, plans, wish, prepared, tells=tells)


def _now(conn: Connection, seen: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return leads as they are now that they are locked.

    Raises:
        ActionError: one was merged or archived meanwhile.
    """
    ids = [int(lead["entity_id"]) for lead in seen]
    merged = set(ids) - derived.roots_of(conn, ids)
    rows = conversions.leads_of(conn, ids)
    for lead in seen:
        if lead["entity_id"] in merged or lead["entity_id"] not in rows:
            raise ActionError(
                f"lead/{lead['id']} was merged during this action",
                resource="lead", code="conflict", hint="run the command again",
            )  # fmt: skip
        _refuse_archived(rows[lead["entity_id"]])
    return [rows[lead["entity_id"]] for lead in seen]


def _again(conn: Connection, leads: Sequence[Mapping[str, Any]]) -> dict[int, Converted]:
    """Return what earlier conversions of leads made: lead → its records."""
    known = conversions.standing(conn, [lead["id"] for lead in leads])
    numbers = [n for one in known.values() for n in (one.person_id, one.company_id) if n]
    roots = deals.contact_roots(conn, numbers)
    return {
        lead: Converted(
            lead,
            roots.get(one.person_id or 0),
            roots.get(one.company_id or 0),
            one.deal_id,
            is_new=False,
        )
        for lead, one in known.items()
    }


def lead_named(conn: Connection, name: str) -> dict[str, Any]:
    """Return the lead that is meant; of a merged one its survivor.

    Raises:
        ActionError: there is none, or it is archived.
    """
    entity = lookup.find(conn, name).root_id
    lead = conversions.lead_of(conn, entity)
    if lead is None:
        raise ActionError(f"{names.full(name)} is not a lead", resource="lead", code="not_found")
    _refuse_archived(lead)
    return lead


def leads_numbered(conn: Connection, entity_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return the existing leads of entities, in order.

    Raises:
        ActionError: one is archived.
    """
    rows = conversions.leads_of(conn, entity_ids)
    for row in rows.values():
        _refuse_archived(row)
    return [rows[i] for i in entity_ids]


def _refuse_archived(lead: Mapping[str, Any]) -> None:
    if lead["archived_at"] is not None:
        raise ActionError(f"lead/{lead['id']} is archived", resource="lead", code="conflict")


def _prepare(ctx: Context, wish: Wish) -> dict[str, Any]:
    """Return the columns of the deal that do not depend on the lead, before anything is made."""
    if not wish.has_deal:
        return {}
    pipeline = deal_actions.usable(setup.used(ctx.conn, wish.pipeline))
    named = {"name": wish.deal_name} if wish.deal_name is not None else {}
    return {
        **deal_actions.typed(ctx, {}, {**named, "currency": wish.currency, **wish.values}),
        "pipeline_id": pipeline.id,
        "stage_id": pipeline.first.id,
    }
