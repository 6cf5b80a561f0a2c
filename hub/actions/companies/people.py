"""The employer of a person, set by a user: link a person to a company, unlink, change the employer.

History stays where it happened. When an employer changes, deals and activities of the time before
stay with the company of that time; later ones belong to the new company. The last change can be
undone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from hub.actions import lookup
from hub.actions.companies import choice, named
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.working import worked_on
from hub.crm import conversions, customer_status, deals, derived
from hub.errors import ActionError
from hub.etl import companies, load
from hub.model import names
from hub.records import companies as employments
from hub.records import entities
from hub.records.history import note_change


@dataclass(frozen=True, slots=True)
class Linked:
    """Where a person works now.

    Args:
        person: how people name the person, as it was typed.
        company_id: the company's number; None: no company.
        left_id: the company of the time before; None: there was none.
        since: from when on activities count for the company; None: all of them.
    """

    person: str
    company_id: int | None
    left_id: int | None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Person:
    """A person: the entity, its contact, and the entity of the company that it is linked to."""

    entity: int
    contact_id: int | None
    company: int | None


def link(
    ctx: Context, person: str, company: str, *, since: datetime | None = None, correct: bool = False
) -> Linked:
    """Link a person to an employer; one who works elsewhere changes the employer.

    Args:
        ctx: the actor, in an open transaction.
        person: a lead or a contact, by any name that `lookup.find` accepts.
        company: by any name that `named.find` accepts.
        since: when the person began there; None: now, of one who changes; else always.
        correct: the person never worked for the company of the time before: its history goes along.

    Raises:
        ActionError: there is no such person or company, or the person works there already.
    """
    conn = ctx.conn
    one = _opened(ctx, person)
    to = choice.standing(conn, company)
    if one.company == to:
        raise ActionError(
            f"{names.full(person, 'contact')} works there already",
            resource="company",
            code="conflict",
        )
    began = since
    if one.company is not None and not correct:
        began = since or ctx.clock.now()
        _leave(ctx, one, one.company, began)
    companies.link(conn, one.entity, to, who=ctx.who, since=began)
    _refold(ctx, one, {to})
    return Linked(person, _number(conn, to), _number(conn, one.company), began)


def unlink(ctx: Context, person: str, company: str | None = None) -> Linked:
    """End the link of a person to the employer; what was done until now stays with it.

    Args:
        ctx: the actor, in an open transaction.
        person: a lead or a contact, by any name that `lookup.find` accepts.
        company: where the person works; None: wherever that is.

    Raises:
        ActionError: there is no such person, or the person does not work there.
    """
    conn = ctx.conn
    one = _opened(ctx, person)
    at = one.company if company is None else named.find(conn, company).root_id
    if one.company is None or at != one.company:
        where = "for no company" if one.company is None else "for another company"
        raise ActionError(
            f"{names.full(person, 'contact')} works {where}", resource="company", code="conflict"
        )
    _leave(ctx, one, one.company, ctx.clock.now())
    _refold(ctx, one, set())
    return Linked(person, None, _number(conn, one.company))


def take_back(ctx: Context, person: str) -> Linked:
    """Undo the last change of a person's employer: a link, an unlink or a change.

    Raises:
        ActionError: there is no such person, or nothing was said.
    """
    conn = ctx.conn
    one = _opened(ctx, person)
    said = employments.take_back(conn, one.entity)
    if not said:
        raise ActionError(
            f"{names.full(person, 'contact')} has no link or unlink to undo",
            resource="company",
            code="conflict",
            hint="hub explain shows where the company comes from",
        )
    entities.bump(conn, [one.entity])
    _refold(ctx, one, set(said))
    now = _person(conn, one.entity).company
    return Linked(person, _number(conn, now), _number(conn, one.company))


def _opened(ctx: Context, name: str) -> _Person:
    """Return the person that is meant, locked, if it may be worked on."""
    conn = ctx.conn
    said = f"contact/{name}" if name.isdigit() else name
    if named.is_company(conn, said):
        raise ActionError(
            f"{names.full(name, 'contact')} is a company",
            resource="person",
            code="invalid",
            hint="name the person first, then the company",
        )
    entity = lookup.find(conn, said).root_id
    require(ctx, Right.WORK, *lookup.owners_of(conn, entity), entities=[entity])
    entities.lock_entities(conn, [entity])
    load.refold(conn, [entity])
    return _person(conn, entity)


def _person(conn: Connection, entity: int) -> _Person:
    contact = conversions.contact_of(conn, entity)
    lead = conversions.lead_of(conn, entity)
    row = contact["company_id"] if contact else lead["account_id"] if lead else None
    company = None if row is None else _entity(conn, deals.contact_root(conn, row))
    return _Person(entity, contact["id"] if contact else None, company)


def _leave(ctx: Context, one: _Person, company: int, until: datetime) -> None:
    conn = ctx.conn
    number = _number(conn, company)
    if one.contact_id is not None and number is not None:
        for deal in deals.stamp_company(conn, [one.contact_id], number):
            note_change(conn, ctx.who, {"organization_id": (None, number)}, deal_id=deal)
    employments.leave(conn, one.entity, company, ctx.who, until)
    entities.bump(conn, [one.entity])


def _refold(ctx: Context, one: _Person, also: Iterable[int]) -> None:
    """Fold the person, and derive the columns of the former and the new company again."""
    conn = ctx.conn
    firms = {*also, *({one.company} if one.company is not None else ())}
    load.refold(conn, [one.entity])
    derived.recompute(conn, {one.entity, *firms})
    customer_status.recompute_entities(conn, sorted({one.entity, *firms}))
    now = _person(conn, one.entity).company
    what = {"company": (_number(conn, one.company), _number(conn, now))}
    note_change(conn, ctx.who, what, entity_id=one.entity)
    worked_on(conn, [one.entity])


def _number(conn: Connection, company: int | None) -> int | None:
    return None if company is None else named.contact_id(conn, company)


def _entity(conn: Connection, contact_id: int) -> int:
    return named.find(conn, f"contact/{contact_id}").root_id
