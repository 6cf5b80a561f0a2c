"""Reopen converted leads: records of the conversion are removed, unless a user worked on them since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from hub.actions.companies.employer import archive_unused
from hub.actions.context import Context
from hub.actions.leads.convert import lead_named, leads_numbered
from hub.actions.rights import Right, require
from hub.crm import contacts, conversions, customer_status, deals, leads
from hub.crm.conversions import Conversion
from hub.db.locks import company_lock
from hub.errors import ActionError
from hub.etl import companies, load
from hub.records import entities
from hub.records.history import Changed, note_changes


@dataclass(frozen=True, slots=True)
class Reopened:
    """A lead that is open again: what of its conversion is gone, and what was worked on and stays."""

    lead_id: int
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def reopen(ctx: Context, name: str) -> Reopened:
    """Undo the conversion of a lead.

    Everything written on the lead or its contact since belongs to the lead: both are one entity.

    Args:
        ctx: the actor, in an open transaction that holds no entity yet.
        name: the lead, by any name that `lookup.find` accepts.

    Raises:
        ActionError: there is no such lead, or it was not converted here.
    """
    (done,) = reopen_all(ctx, [lead_named(ctx.conn, name)])
    return done


def reopen_all(ctx: Context, seen: Sequence[Mapping[str, Any]]) -> list[Reopened]:
    """Undo the conversions of leads, in order: the last converted first, so that each finds what was before.

    What one cannot take is an error of all. All leads share the statements.

    Args:
        ctx: the actor, in an open transaction that holds no entity yet.
        seen: rows of leads, as `lead_named` reads them.

    Raises:
        ActionError: as `reopen`.
    """
    conn = ctx.conn
    ids = [int(lead["entity_id"]) for lead in seen]
    if len(set(ids)) < len(ids):
        raise ActionError("a lead is named twice", resource="lead", code="invalid")
    require(ctx, Right.WORK, *(lead["owner_id"] for lead in seen), entities=ids)
    if any(one.company_id for one in _known(conn, seen).values()):
        company_lock(conn)  # before entities are locked: a company may go
    entities.lock_entities(conn, ids)
    now = leads_numbered(conn, ids)
    known = _known(conn, now)
    for lead in now:
        if lead["id"] not in known:
            raise ActionError(
                f"lead/{lead['id']} was not converted", resource="lead", code="conflict",
                hint="a lead that its source has converted cannot be reopened here",
            )  # fmt: skip
    undos = [_Undo(lead, known[lead["id"]]) for lead in now]
    conversions.let_go(conn, [one.known.id for one in undos])
    _deals(ctx, undos)
    staying = _people(conn, undos)
    companies.unlink_all(
        conn, {u.entity: employer for u in undos if (employer := _employer(conn, u)) is not None}
    )
    entities.bump(conn, ids)
    load.refold(conn, ids)
    _forget_people(conn, undos, staying)
    for one in undos:
        _company(conn, one)
    conversions.end(conn, [(one.known, one.gone) for one in undos], ctx.who)
    _after(ctx, undos)
    return [Reopened(int(u.lead["id"]), tuple(u.removed), tuple(u.kept)) for u in undos]


def _known(conn: Connection, leads_: Sequence[Mapping[str, Any]]) -> dict[int, Conversion]:
    return conversions.standing(conn, [lead["id"] for lead in leads_])


@dataclass(slots=True)
class _Undo:
    """A conversion that is undone.

    Args:
        lead: its row.
        known: the conversion.
        removed: names of rows that are gone, or archived in their place.
        kept: names of rows that stay.
        gone: kinds of rows that are deleted.
    """

    lead: Mapping[str, Any]
    known: Conversion
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    @property
    def entity(self) -> int:
        return int(self.lead["entity_id"])

    @property
    def before(self) -> Mapping[str, Any]:
        """Return what the rows held before the conversion."""
        found: Mapping[str, Any] = self.known.made["before"]
        return found


def _deals(ctx: Context, undos: Sequence[_Undo]) -> None:
    """Delete deals, archive those to which something refers, keep those that were touched."""
    conn = ctx.conn
    made = {u.known.deal_id: u for u in undos if u.known.deal_id and u.known.made["deal"]}
    touched = conversions.deals_touched(conn, made)
    untouched = [number for number in made if number not in touched]
    gone = deals.delete(conn, untouched)
    left = [number for number in untouched if number not in gone]
    for number in left:
        deals.set_archived(conn, number, is_archived=True)
    note_changes(
        conn, ctx.who, [Changed({"archived": (False, True)}, deal_id=number) for number in left]
    )
    for one in undos:
        own = one.known.deal_id
        if own is None:
            continue
        if own in gone:
            one.gone.add("deal")
        (one.removed if own in untouched else one.kept).append(f"deal/{own}")


_UNKEPT: Mapping[str, Any] = {"kept_by": "source", "archived_at": None, "owner_id": None}


def _people(conn: Connection, undos: Sequence[_Undo]) -> set[int]:
    """Write back leads and contacts; returns the entities whose contacts stay because of what they have."""
    leads.restore(conn, {one.lead["id"]: _lead(one) for one in undos})
    now = conversions.contacts_of(conn, [one.entity for one in undos])
    having = conversions.having_deals(conn, [row["id"] for row in now.values()])
    staying = {
        one.entity
        for one in undos
        if (row := now.get(one.entity)) is not None
        and (row["owner_id"] != one.known.made["owners"]["person"] or row["id"] in having)
    }
    contacts.write_keepers(
        conn,
        {
            row["id"]: one.before["person"] or _UNKEPT
            for one in undos
            if (row := now.get(one.entity)) is not None and one.entity not in staying
        },
    )
    return staying


def _lead(one: _Undo) -> dict[str, Any]:
    before = dict(one.before["lead"])
    if one.lead["owner_id"] != one.known.made["owners"]["lead"]:  # the owner was changed since
        before["owner_id"] = one.lead["owner_id"]
    return before


def _employer(conn: Connection, one: _Undo) -> int | None:
    number = one.known.company_id
    return None if number is None else contacts.entity_of(conn, [number])[number]


def _forget_people(conn: Connection, undos: Sequence[_Undo], staying: set[int]) -> None:
    """Delete the contacts without a remaining reason; call when they were folded."""
    now = conversions.contacts_of(conn, [one.entity for one in undos])
    made = [
        (one, now[one.entity]) for one in undos if one.known.made["person"] and one.entity in now
    ]
    leaving = {
        row["id"]
        for one, row in made
        if one.entity not in staying and (row["unasked_since"] or row["archived_at"]) is not None
    }
    gone = contacts.remove(conn, sorted(leaving))
    for one, row in made:
        if row["id"] in gone:
            one.gone.add("person")
        (one.removed if row["id"] in leaving else one.kept).append(f"contact/{row['id']}")


def _company(conn: Connection, one: _Undo) -> None:
    """Give up the company that was made, unless it is more by now; write back one that was there."""
    number = one.known.company_id
    if number is None:
        return
    has_deals = bool(conversions.having_deals(conn, [number]))
    if not one.known.made["company"]:
        if not has_deals:
            contacts.write_keeper(conn, number, one.before["company"])
        return
    if has_deals or conversions.company_is_touched(conn, number, one.entity):
        one.kept.append(f"contact/{number}")
        return
    archive_unused(conn, number)
    one.removed.append(f"contact/{number}")


def _after(ctx: Context, undos: Sequence[_Undo]) -> None:
    left = [
        number
        for one in undos
        for kind, number in (("person", one.known.person_id), ("company", one.known.company_id))
        if kind not in one.gone
    ]
    customer_status.recompute(ctx.conn, left)
    note_changes(ctx.conn, ctx.who, [
        Changed({"converted": ({"conversion": one.known.id}, None)}, entity_id=one.entity)
        for one in undos
    ])  # fmt: skip
