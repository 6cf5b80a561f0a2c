"""Reopen a converted lead: what its conversion made goes, unless somebody has worked on it since."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub.actions.companies.employer import dismiss, give_up
from hub.actions.context import Context
from hub.actions.leads.convert import lead_named
from hub.actions.rights import Right, require
from hub.crm import contacts, conversions, customer_status, deals, leads
from hub.crm.conversions import Conversion
from hub.errors import ActionError
from hub.etl import load
from hub.records import entities
from hub.records.history import note_change


@dataclass(frozen=True, slots=True)
class Reopened:
    """A lead that is open again: what of its conversion is gone, and what was worked on and stays."""

    lead_id: int
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def reopen(ctx: Context, name: str) -> Reopened:
    """Undo the conversion of a lead.

    Whatever was written on the lead or on its contact since is the lead's: both are one entity.

    Args:
        ctx: who acts, in an open transaction that holds no entity yet.
        name: the lead, as `people.find` knows it.

    Raises:
        ActionError: there is no such lead, or it was not converted here.
    """
    conn = ctx.conn
    seen = lead_named(conn, name)
    require(ctx, Right.WORK, seen["owner_id"], entities=[seen["entity_id"]])
    entities.lock_entities(conn, [seen["entity_id"]])
    lead = lead_named(conn, name)
    known = conversions.standing(conn, lead["id"])
    if known is None:
        raise ActionError(
            f"lead/{lead['id']} was not converted", resource="lead", code="conflict",
            hint="a lead that its source calls converted stays so",
        )  # fmt: skip
    undo = _Undo(conn, ctx.who, lead, known)
    undo.deal()
    person_stays = undo.person()
    undo.employment()
    entities.bump(conn, [undo.entity])
    load.refold(conn, [undo.entity])
    undo.forget_person(stays=person_stays)
    undo.company()
    conversions.end(conn, known, ctx.who, deleted=undo.deleted)
    left = (("person", known.person_id), ("company", known.company_id))
    customer_status.recompute(conn, [n for kind, n in left if not undo.deleted.get(kind)])
    what = {"converted": ({"conversion": known.id}, None)}
    note_change(conn, ctx.who, what, entity_id=undo.entity)
    return Reopened(int(lead["id"]), tuple(undo.removed), tuple(undo.kept))


class _Undo:
    """The parts of a conversion, undone one after the other."""

    def __init__(
        self, conn: Connection, who: str, lead: Mapping[str, Any], known: Conversion
    ) -> None:
        self.conn, self.who, self.lead, self.known = conn, who, lead, known
        self.entity = int(lead["entity_id"])
        self.before: Mapping[str, Any] = known.made["before"]
        self.removed: list[str] = []
        self.kept: list[str] = []
        self.deleted: dict[str, bool] = {}
        conversions.let_go(conn, known)

    def deal(self) -> None:
        """Delete the deal, archive it where something refers to it, keep it where it was touched."""
        number = self.known.deal_id
        if number is None:
            return
        if not self.known.made["deal"] or conversions.deal_is_touched(self.conn, number):
            self.kept.append(f"deal/{number}")
            return
        self.deleted["deal"] = deals.delete(self.conn, number)
        if not self.deleted["deal"]:
            deals.set_archived(self.conn, number, is_archived=True)
            note_change(self.conn, self.who, {"archived": (False, True)}, deal_id=number)
        self.removed.append(f"deal/{number}")

    def person(self) -> bool:
        """Write back lead and contact; says whether the contact stays because of what it has."""
        given: Mapping[str, int | None] = self.known.made["owners"]
        lead = dict(self.before["lead"])
        if self.lead["owner_id"] != given["lead"]:  # somebody gave it away since
            lead["owner_id"] = self.lead["owner_id"]
        leads.restore(self.conn, self.lead["id"], lead)
        now = conversions.contact_of(self.conn, self.entity)
        if now is None:
            return False
        was = self.before["person"] or {"kept_by": "source", "archived_at": None, "owner_id": None}
        is_given_away = now["owner_id"] != given["person"]
        stays = is_given_away or conversions.has_deals(self.conn, now["id"])
        if not stays:
            contacts.write_keeper(self.conn, now["id"], was)
        return stays

    def forget_person(self, *, stays: bool) -> None:
        """Delete the contact that nobody takes for one any more; call when it was folded."""
        now = conversions.contact_of(self.conn, self.entity)
        if now is None or not self.known.made["person"]:
            return
        is_gone = not stays and (now["unasked_since"] or now["archived_at"]) is not None
        if is_gone:
            self.deleted["person"] = contacts.remove(self.conn, now["id"])
        (self.removed if is_gone else self.kept).append(f"contact/{now['id']}")

    def employment(self) -> None:
        """Take back that the person works for the company, as the conversion said."""
        if self.known.company_id is not None:
            dismiss(self.conn, self.entity, self.known.company_id)

    def company(self) -> None:
        """Give up the company that was made, unless it is more by now; write back one that was there."""
        number = self.known.company_id
        if number is None:
            return
        if not self.known.made["company"]:
            if not conversions.has_deals(self.conn, number):
                contacts.write_keeper(self.conn, number, self.before["company"])
            return
        stays = conversions.has_deals(self.conn, number)
        if stays or conversions.company_is_touched(self.conn, number, self.entity):
            self.kept.append(f"contact/{number}")
            return
        give_up(self.conn, number)
        self.removed.append(f"contact/{number}")
