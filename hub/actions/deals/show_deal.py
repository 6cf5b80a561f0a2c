"""Deals as people read them: one with all that hangs on it, or many."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, text

from hub.actions.context import Context
from hub.actions.deals.deal_fields import is_filled
from hub.actions.rights import Right, require
from hub.actions.setup import pipeline as setup
from hub.crm import activities, deals, derived, pipelines
from hub.errors import ActionError
from hub.model import names

_LEAD_ENTITY = text("SELECT entity_id FROM crm.lead WHERE id = :lead")
_MOST = 200  # activities that are shown


def show(ctx: Context, name: str) -> dict[str, Any]:
    """Return a deal with its contacts, stages, activities, and what its stage asks for.

    Raises:
        ActionError: there is none.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    number = names.number_of(name, "deal")
    held = None if number is None else deals.read(conn, number)
    if held is None:
        raise names.missing(name, "deal")
    (row,) = deals.rows(conn, [held["id"]])
    ticked = deals.ticked(conn, held["id"])
    return {
        **row,
        "custom_fields": held["custom_fields"],
        "lead_id": held["lead_id"],
        "cloned_from": held["cloned_from"],
        "contacts": [
            {
                "contact": deals.contact_root(conn, c["contact_id"]),
                "name": c["name"],
                "role": c["role"],
            }
            for c in deals.contacts_of(conn, held["id"])
        ],
        "stages": [dict(t) for t in deals.transitions(conn, held["id"])],
        "criteria": [
            {
                "asks for": c.what,
                "else": c.severity,
                "met": c.id in ticked if c.kind == "check" else is_filled(held, c.what),
            }
            for c in pipelines.criteria(conn, [held["stage_id"]])
        ],
        "activities": [asdict(a) for a in _activities(conn, held)],
    }


def _activities(conn: Connection, deal: Mapping[str, Any]) -> list[activities.Entry]:
    """Return what was written on the deal, and on its lead before there was a deal."""
    lead = conn.execute(_LEAD_ENTITY, {"lead": deal["lead_id"]}).scalar_one_or_none()
    entities = [] if lead is None else list(derived.roots_of(conn, [lead]))
    return activities.timeline(conn, entities, deal["id"], _MOST)


def listed(
    ctx: Context,
    limit: int,
    *,
    pipeline: str | None = None,
    stage: str | None = None,
    owner: str | None = None,
    archived_too: bool = False,
) -> list[dict[str, Any]]:
    """Return deals, the newest first, of a pipeline, a stage, an owner.

    Raises:
        ActionError: there is no such pipeline, stage or owner.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    stages = None
    if pipeline or stage:
        found = setup.find(conn, pipeline)
        stages = [setup.find_stage(found, stage)] if stage else found.stages
    asked = deals.find(
        limit,
        stage_ids=None if stages is None else [s.id for s in stages],
        owner_id=_owner(conn, owner) if owner else None,
        archived_too=archived_too,
    )
    ids: list[int] = list(conn.execute(asked).scalars())
    return deals.rows(conn, ids)


def _owner(conn: Connection, email: str) -> int:
    found = conn.execute(
        text('SELECT id FROM crm."user" WHERE lower(email) = lower(:email)'), {"email": email}
    ).scalar_one_or_none()
    if found is None:
        raise ActionError(
            f"there is nobody with the address {email}", resource="user", code="not_found"
        )
    return int(found)
