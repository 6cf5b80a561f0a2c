"""Add: a lead, or a person who is a contact, typed in by hand.

The typed values are a record of the source `hub`, landed and folded as those of all other sources;
its values beat theirs. Likely duplicates are shown before anything is written.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, text

from hub.actions import typed
from hub.actions.companies.choice import Choice, Employer, Sought, choose
from hub.actions.companies.employer import employ, mention_of
from hub.actions.context import Context
from hub.actions.identity import decisions
from hub.actions.identity.duplicates import likely
from hub.actions.people import assign
from hub.actions.rights import Right, require
from hub.crm import companies, custom_field_typing, former
from hub.db.locks import identity_lock
from hub.errors import ActionError
from hub.etl import load, match
from hub.etl.model_in_use import active_model
from hub.frozen import dataclass
from hub.landing import store
from hub.model.records import JsonValue, RawRecord
from hub.model.verdicts import Judgement, Lane, Op, Trust
from hub.records import batches, sources
from hub.views.duplicates import Likely, names

SOURCE = "hub"
KINDS = ("lead", "contact")
_OBJECTS = {"lead": "lead", "contact": "person"}
_NAMES = ("last_name", "organization_name")
_OFFER = Choice()


@dataclass(frozen=True, slots=True)
class Added:
    """Who was added.

    Args:
        name: lead/12 or contact/5.
        record: the source record: hub/leads/…
        entity_id: who it is.
        apart_from: likely duplicates that the user says are other people.
        company_id: the number of the company that they work for.
    """

    name: str
    record: str
    entity_id: int
    apart_from: tuple[str, ...]
    company_id: int | None = None


def add(
    ctx: Context,
    kind: str,
    given: Mapping[str, JsonValue],
    *,
    region: str,
    owner: str | None = None,
    force: bool = False,
    company: Choice = _OFFER,
) -> Added:
    """Add a lead or a contact; a contact works for the company that it names.

    Args:
        ctx: the actor, in an open transaction, in which nothing was read yet.
        kind: lead or contact.
        given: by field; `custom_fields.<key>` is one custom field.
        region: ISO country of phone numbers.
        owner: a person's e-mail or a group's name; else the actor, if in the team, else none:
            routing gives the lead away.
        force: the likely duplicates are other people.
        company: the company, or what to do if several match. A lead with only a company's name is
            linked by the rule of companies.

    Raises:
        ActionError: a value cannot be kept, a name is missing (`required`), there is a likely
            duplicate (`duplicate`), several companies match (`duplicate`), or the actor lacks the
            right.
    """
    conn = ctx.conn
    require(ctx, Right.WORK)
    said = former.values(ctx.conn, typed.canonical(kind, given, region=region))
    values = _checked(ctx, kind, said)
    _named(kind, values)
    identity_lock(conn)
    alike = likely(ctx, values)
    if alike and not force:
        raise ActionError(
            f"likely duplicates: {names(alike)}",
            resource=kind,
            code="duplicate",
            hint="`hub explain` shows one; --force adds a new person",
            others=[person.name for person in alike],
        )
    employer = _employer(ctx, kind, values, company)
    record, source_id = _write(ctx, kind, values)
    for other in _records_of(conn, alike):
        decisions.decide(ctx, (record, other), Judgement.DIFFERENT, why="added by hand")
    match.match_chunk(conn, [record], active_model(conn))
    entity = _entity_of(conn, record)
    works_for = None
    if employer is not None:
        load.refold(conn, [entity])
        works_for = employ(ctx, entity, employer)
    load.refold(conn, [entity])
    name = _row_of(conn, kind, entity)
    _set_owner(ctx, kind, name, owner)
    return Added(
        name,
        f"{SOURCE}/{kind}s/{source_id}",
        entity,
        tuple(person.name for person in alike),
        works_for,
    )


def _employer(
    ctx: Context, kind: str, values: dict[str, JsonValue], company: Choice
) -> Employer | None:
    """Return the new person's employer; its name becomes the person's company if none is typed."""
    if kind == "lead" and company.named is None:
        return None
    found = choose(ctx, Sought(mention_of(values), phone=values.get("phone")), company)
    if found is not None and not values.get("organization_name"):
        (row,) = companies.companies(ctx.conn, [found.entity_id])
        values["organization_name"] = row.name
    return found


def _checked(ctx: Context, kind: str, values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the values with custom fields as their definitions keep them."""
    custom = values.pop("custom_fields", None)
    if isinstance(custom, dict):
        kept = custom_field_typing.typed(ctx.conn, (_OBJECTS[kind],), custom, now=ctx.now)
        values["custom_fields"] = {k: v for k, v in kept.items() if v is not None}
    return values


def _named(kind: str, values: Mapping[str, JsonValue]) -> None:
    wanted = _NAMES if kind == "lead" else _NAMES[:1]
    if not any(values.get(name) for name in wanted):
        raise ActionError(
            f"a {kind} needs {' or '.join(wanted)}",
            resource=kind,
            field=wanted[0],
            code="required",
        )


def _write(ctx: Context, kind: str, values: Mapping[str, JsonValue]) -> tuple[int, str]:
    """Land what was typed and store it as a source record; returns its number and source id."""
    conn = ctx.conn
    now: datetime = ctx.clock.now()
    stream, source_id = f"{kind}s", uuid4().hex
    batch = batches.action_batch(conn, SOURCE)
    payload = json.dumps({"by": ctx.who, "values": dict(values)}).encode()
    raw = RawRecord(source_id, Op.UPSERT, now, now.isoformat(), payload)
    store.land_page(
        conn, [raw], batch=batch, source=SOURCE, stream=stream, lane=Lane.LIVE, mapped=False
    )
    (written,) = sources.upsert(
        conn,
        [
            sources.NewSourceRecord(
                source=SOURCE,
                stream=stream,
                source_id=source_id,
                target="person",
                role=kind,
                raw_id=store.newest_raw_id(conn, SOURCE, stream, source_id),
                batch_id=batch,
                lane=Lane.LIVE,
                mapping_version="by hand",
                trust=Trust.TRUSTED,
                values={**values, "created_at": now.isoformat()},
                refs={},
                source_at=now,
            )
        ],
    )
    return written.id, source_id


def _records_of(conn: Connection, people: list[Likely]) -> list[int]:
    rows = conn.execute(
        text(
            "SELECT id FROM ops.source_record WHERE entity_id = ANY(:ids) AND target = 'person' "
            "ORDER BY id"
        ),
        {"ids": [person.entity_id for person in people]},
    )
    return list(rows.scalars())


def _entity_of(conn: Connection, record: int) -> int:
    return int(
        conn.execute(
            text("SELECT entity_id FROM ops.source_record WHERE id = :id"), {"id": record}
        ).scalar_one()
    )


_ROW = {
    "lead": text("SELECT id FROM crm.lead WHERE entity_id = :entity"),
    "contact": text("SELECT id FROM crm.contact WHERE entity_id = :entity"),
}


def _row_of(conn: Connection, kind: str, entity: int) -> str:
    return f"{kind}/{conn.execute(_ROW[kind], {'entity': entity}).scalar_one()}"


def _set_owner(ctx: Context, kind: str, name: str, owner: str | None) -> None:
    """Set the owner of the new record; an actor who owns it is not notified."""
    wanted = owner or (ctx.who if ctx.actor.user_id is not None else None)
    if wanted is not None:
        assign.assign(ctx, kind, [name], wanted)
