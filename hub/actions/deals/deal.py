"""Deals: add, edit, archive. Moving one is `hub.actions.deals.move_deal`."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from sqlalchemy import Connection, text

from hub.actions import targets
from hub.actions.companies import named
from hub.actions.context import Actor, Context
from hub.actions.deals.deal_fields import columns
from hub.actions.people import assign
from hub.actions.rights import Right, require
from hub.actions.setup import pipeline as setup
from hub.actions.working import worked_on
from hub.crm import contacts, custom_field_typing, customer_status, deals, former, pipelines
from hub.errors import ActionError
from hub.frozen import dataclass
from hub.model import names
from hub.model.records import JsonValue
from hub.records.history import note_change

_CLOSED_ALONE = "a new deal begins in an open stage"


@dataclass(frozen=True, slots=True)
class NewDeal:
    """A deal to add; None takes the value of the team's settings or of the contact.

    Args:
        name: what people call it.
        contact: the primary contact, by any name that `targets.resolve` accepts.
        company: the company; None: where the contact works.
        owner_id: who owns it; None: the actor.
        values: other fields, by name.
    """

    name: str
    contact: str
    currency: str
    pipeline: str | None = None
    stage: str | None = None
    company: str | None = None
    owner_id: int | None = None
    values: Mapping[str, JsonValue] = field(default_factory=dict)


def add(ctx: Context, new: NewDeal) -> int:
    """Add a deal to an open stage; returns its number.

    Raises:
        ActionError: the contact, pipeline, stage or a field is none.
    """
    conn = ctx.conn
    acting = require(ctx, Right.WORK)
    pipeline = usable(setup.used(conn, new.pipeline))
    stage = pipeline.first if new.stage is None else setup.used_stage(conn, pipeline, new.stage)
    if not stage.is_active:
        raise ActionError(_CLOSED_ALONE, resource="deal", field="stage", code="invalid")
    contact = contact_of(conn, new.contact)
    company = company_of(conn, new.company) if new.company else _employer(conn, contact)
    values: dict[str, Any] = {
        **typed(ctx, {}, {"name": new.name, "currency": new.currency, **new.values}),
        "contact_id": contact,
        "organization_id": company,
        "owner_id": new.owner_id or acting.user_id,
        "pipeline_id": pipeline.id,
        "stage_id": stage.id,
    }
    deal_id = deals.insert(conn, values, ctx.who)
    note_change(conn, ctx.who, {"deal": (None, new.name)}, deal_id=deal_id)
    customer_status.recompute(conn, (contact, company))
    worked_on(conn, contacts.entities_of(conn, [c for c in (contact, company) if c]))
    return deal_id


def usable(pipeline: pipelines.Pipeline) -> pipelines.Pipeline:
    """Return the pipeline if new deals may begin in it.

    Raises:
        ActionError: it was disabled or archived.
    """
    if pipeline.is_disabled or pipeline.is_archived:
        raise ActionError(
            f"the pipeline {pipeline.name!r} is {'archived' if pipeline.is_archived else 'disabled'}",
            resource="pipeline",
            field="pipeline",
            code="conflict",
        )
    return pipeline


def edit(ctx: Context, name: str, values: Mapping[str, JsonValue]) -> int:
    """Type values into a deal; `custom_fields.<key>` is one custom field, None blanks a field.

    `contact` and `company` name others for it, `owner` gives it to a user or a group. The stage is moved
    elsewhere.

    Raises:
        ActionError: there is no such deal or field, or a value is none of its kind.
    """
    conn = ctx.conn
    before, _ = opened(ctx, name)
    own = dict(values)
    new: dict[str, Any] = {}
    owner = _owner(own)
    for field_name, column, read in (
        ("contact", "contact_id", contact_of), ("company", "organization_id", company_of),
    ):  # fmt: skip
        if field_name in own:
            said = own.pop(field_name)
            new[column] = read(conn, str(said)) if said else None
    if "contact_id" in new:
        _follow_contact(conn, before, new)
    new.update(typed(ctx, before["custom_fields"], own))
    changed = {column: value for column, value in new.items() if before[column] != value}
    deals.update(conn, before["id"], changed)
    note_change(
        conn, ctx.who, {c: (before[c], v) for c, v in changed.items()}, deal_id=int(before["id"])
    )
    customer_status.recompute(
        conn, (before["contact_id"], before["organization_id"], new.get("contact_id"),
               new.get("organization_id")),
    )  # fmt: skip
    if "contact_id" in changed:  # a contact has one part in a deal
        deals.dissociate(conn, before["id"], new["contact_id"])
    if owner is not None:
        assign.assign_many(ctx, "deal", [int(before["id"])], owner)
    return int(before["id"])


def _owner(own: dict[str, JsonValue]) -> str | None:
    """Take the owner out of what was typed: a user's e-mail, or a group's name.

    Raises:
        ActionError: it is blank.
    """
    if "owner" not in own:
        return None
    said = own.pop("owner")
    if not isinstance(said, str) or not said.strip():
        raise ActionError(
            "a deal needs an owner",
            resource="deal",
            field="owner",
            code="invalid",
            hint="name a user's e-mail, or a group",
        )
    return said


def _follow_contact(conn: Connection, before: Mapping[str, Any], new: dict[str, Any]) -> None:
    """A deal whose company is where its contact works is of the new contact's company."""
    if new["contact_id"] is None:
        raise ActionError(
            "a deal needs a contact", resource="deal", field="contact", code="invalid"
        )
    if before["organization_id"] in (None, _employer(conn, before["contact_id"])):
        new.setdefault("organization_id", _employer(conn, new["contact_id"]))


def archive(ctx: Context, name: str, *, undo: bool = False) -> int:
    """Remove a deal from every list and report, or restore it; returns its number.

    Raises:
        ActionError: there is no such deal.
    """
    conn = ctx.conn
    before, _ = opened(ctx, name)
    deal_id = int(before["id"])
    if (before["archived_at"] is None) != undo:
        deals.set_archived(conn, deal_id, is_archived=not undo)
        note_change(conn, ctx.who, {"archived": (undo, not undo)}, deal_id=deal_id)
        customer_status.recompute(conn, (before["contact_id"], before["organization_id"]))
    return deal_id


def opened(ctx: Context, name: str) -> tuple[dict[str, Any], Actor]:
    """Return a locked deal, if the actor may work on it.

    Raises:
        ActionError: there is none, or the actor lacks the right.
    """
    number = names.number_of(name, "deal")
    found = None if number is None else deals.lock(ctx.conn, number)
    if found is None:
        raise names.missing(name, "deal")
    return found, require(ctx, Right.WORK, found["owner_id"])


def pipeline_of(conn: Connection, deal: Mapping[str, Any]) -> pipelines.Pipeline:
    """Return the pipeline that a deal is in."""
    return next(p for p in pipelines.read(conn) if p.id == deal["pipeline_id"])


def contact_of(conn: Connection, name: str) -> int:
    """Return the contact that is meant.

    Raises:
        ActionError: there is none, or it is a lead that was not converted.
    """
    found = targets.resolve(conn, name, "contact")
    if found.kind != "contact":
        raise ActionError(
            f"{names.full(name)} is a {found.kind}, not a contact",
            resource="deal",
            field="contact",
            code="invalid",
            hint="hub lead convert turns a lead into a contact",
        )
    return found.id


def company_of(conn: Connection, name: str) -> int:
    """Return the contact of the company that is meant.

    Raises:
        ActionError: there is none, or it is a person.
    """
    return named.contact_id(conn, named.find(conn, name).root_id)


def _employer(conn: Connection, contact_id: int) -> int | None:
    """Return where a contact works; of a company itself."""
    company = conn.execute(
        text(
            "SELECT CASE WHEN is_organization THEN id ELSE company_id END "
            "FROM crm.contact WHERE id = :id"
        ),
        {"id": contact_id},
    ).scalar_one()
    return None if company is None else deals.contact_root(conn, company)


def typed(
    ctx: Context, held: Mapping[str, JsonValue], values: Mapping[str, JsonValue]
) -> dict[str, Any]:
    """Return the columns of what was typed; custom fields are laid over those that the deal holds.

    Raises:
        ActionError: there is no such field, or a value is none of its kind.
    """
    own, custom = custom_field_typing.split(values)
    known = former.values(ctx.conn, columns(own, ctx.now))
    if custom:
        read = custom_field_typing.typed(ctx.conn, ("deal",), custom, held, now=ctx.now)
        whole = {**held, **read}
        known["custom_fields"] = {k: v for k, v in whole.items() if v is not None}
    return known
