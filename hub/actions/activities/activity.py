"""Notes, calls, visits and messages on a lead, a contact or a deal: written, changed, archived.

What all kinds have in common is here, tasks included; what only tasks have is in `task`. A
communication on a deal is one with the deal's contact as well.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import RowMapping

from hub.actions import targets
from hub.actions.context import Actor, Context
from hub.actions.rights import Right, require
from hub.actions.targets import Target
from hub.actions.values import Rule, checked
from hub.actions.working import worked_on
from hub.crm import activities, derived, former, pick_lists
from hub.crm.pick_lists import OUTCOMES
from hub.errors import ActionError
from hub.frozen import dataclass
from hub.model import names
from hub.model.records import JsonValue
from hub.records.history import note_change

COMMUNICATIONS = frozenset({"call", "visit", "message"})
Given = Mapping[str, JsonValue | datetime]

RULES: Mapping[str, Mapping[str, Rule]] = {
    "task": {
        "content": Rule("text", is_required=True),
        "due_at": Rule("moment"),
        "remind_at": Rule("moment"),
        "completed_at": Rule("past"),
    },
    "note": {
        "content": Rule("text", is_required=True),
        "is_important": Rule("bool"),
        "created_at": Rule("past"),
    },
    "call": {
        "made_at": Rule("past", is_required=True),
        "is_incoming": Rule("bool"),
        "is_missed": Rule("bool"),
        "duration_s": Rule("count"),
        "phone_number": Rule("text"),
        "outcome": Rule("text"),
        "summary": Rule("text"),
        "recording_url": Rule("text"),
        "external_id": Rule("text"),
    },
    "visit": {
        "visited_at": Rule("past", is_required=True),
        "address": Rule("text"),
        "outcome": Rule("text"),
        "summary": Rule("text"),
    },
    "message": {
        "kind": Rule("text", is_required=True),
        "sent_at": Rule("past", is_required=True),
        "is_incoming": Rule("bool"),
        "subject": Rule("text"),
        "content": Rule("text"),
        "address": Rule("text"),
        "external_id": Rule("text"),
    },
}
MESSAGE_KINDS = ("email", "text", "chat")
_AT = {"call": "made_at", "visit": "visited_at", "message": "sent_at", "note": "created_at"}
_NOT_NULL = frozenset({"is_incoming", "is_missed", "is_important", "created_at"})


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity as it is kept."""

    kind: str
    id: int
    entity_id: int | None
    deal_id: int | None

    @property
    def name(self) -> str:
        """Return its name, for instance call/7."""
        return f"{self.kind}/{self.id}"


def write(ctx: Context, kind: str, on: str, given: Given) -> Activity:
    """Write a note, call, visit or message; its moment is now where none is given.

    Args:
        ctx: the actor, in an open transaction.
        kind: note, call, visit or message.
        on: the record, by any name that `targets.resolve` accepts.
        given: by field.

    Raises:
        ActionError: there is no such record, the actor lacks the right, or a value cannot be kept.
    """
    conn = ctx.conn
    target = targets.resolve(conn, on)
    require(ctx, Right.WORK, target.owner_id, entities=[target.entity_id])
    now = ctx.now
    values = kept(conn, kind, {_AT[kind]: now, **given}, now=now, is_new=True)
    about = about_of(conn, kind, target)
    number = activities.add(conn, kind, {**about, **values, "who": ctx.who})
    derived.recompute(conn, _some(about["entity_id"]), _some(about["deal_id"]))
    worked_on(conn, _some(about["entity_id"]))
    return Activity(kind, number, about["entity_id"], about["deal_id"])


def edit(ctx: Context, name: str, given: Given) -> Activity:
    """Change fields of an activity; what they were is kept in the history.

    Raises:
        ActionError: there is no such activity or field, the actor lacks the right, or a value
            cannot be kept.
    """
    conn = ctx.conn
    activity, row, _ = find(ctx, name)
    values = kept(conn, activity.kind, given, now=ctx.now, is_new=False)
    alter(ctx, activity, row, values)
    return activity


def archive(ctx: Context, name: str) -> Activity:
    """Hide an activity and leave it out of every count; the row stays.

    Raises:
        ActionError: there is no such activity, or the actor lacks the right.
    """
    activity, row, _ = find(ctx, name)
    alter(ctx, activity, row, {"archived_at": ctx.clock.now()})
    return activity


def find(ctx: Context, name: str) -> tuple[Activity, RowMapping, Actor]:
    """Lock and return an activity to change.

    Raises:
        ActionError: there is none of that name, it is archived, or the actor lacks the right.
    """
    conn = ctx.conn
    kind = name.partition("/")[0]
    if kind not in activities.TABLES:
        raise names.missing(name, "activity")
    number = names.number_of(name, kind)
    row = None if number is None else activities.read(conn, kind, number)
    if row is None or row["archived_at"] is not None:
        raise names.missing(name, kind)
    is_own_task = row.get("owner_id") is not None and row["owner_id"] == ctx.actor.user_id
    owners = [] if is_own_task else _owners(conn, row)
    acting = require(ctx, Right.WORK, *owners, entities=[row["entity_id"]])
    return Activity(kind, row["id"], row["entity_id"], row["deal_id"]), row, acting


def alter(ctx: Context, activity: Activity, row: RowMapping, values: Mapping[str, Any]) -> None:
    """Write what differs, its history, and the derived columns."""
    conn = ctx.conn
    differing = {f: v for f, v in values.items() if row[f] != v}
    if not differing:
        return
    activities.change(conn, activity.kind, activity.id, differing)
    derived.recompute(conn, _some(activity.entity_id), _some(activity.deal_id))
    if activity.entity_id is not None or activity.deal_id is not None:
        said = {f"{activity.name} {f}": (row[f], v) for f, v in differing.items()}
        note_change(conn, ctx.who, said, entity_id=activity.entity_id, deal_id=activity.deal_id)


def kept(
    conn: Connection, kind: str, given: Given, *, now: datetime, is_new: bool
) -> dict[str, Any]:
    """Return the checked values by column.

    Raises:
        ActionError: there is no such field or outcome, or a value is of another kind.
    """
    values = checked(kind, RULES[kind], given, now=now, is_new=is_new)
    for field in _NOT_NULL & values.keys():
        if values[field] is None:
            raise ActionError(
                f"a {kind} needs {field}", resource=kind, field=field, code="required"
            )
    if kind == "message" and values.get("kind", "email") not in MESSAGE_KINDS:
        raise ActionError(
            f"a message is {', '.join(MESSAGE_KINDS)}; {values['kind']!r} is none of them",
            resource="message",
            field="kind",
            code="invalid",
        )
    if "outcome" in values:
        values["outcome_id"] = _outcome(conn, kind, values.pop("outcome"))
    return values


def about_of(conn: Connection, kind: str, target: Target) -> dict[str, int | None]:
    """Return the record that an activity belongs to."""
    if target.kind != "deal":
        return {"entity_id": target.entity_id, "deal_id": None}
    entity = _CONTACT_OF_DEAL if kind in COMMUNICATIONS else None
    found = None if entity is None else conn.execute(entity, {"id": target.id}).scalar()
    return {"entity_id": found, "deal_id": target.id}


_CONTACT_OF_DEAL = text(
    "SELECT c.entity_id FROM crm.deal d JOIN crm.contact c ON c.id = d.contact_id WHERE d.id = :id"
)


def _outcome(conn: Connection, kind: str, name: str | None) -> int | None:
    if not name:
        return None
    found = pick_lists.number_of(conn, OUTCOMES, kind, name)
    now = former.today(conn, "outcome", name, kind) if found is None else None
    if now is not None:
        found = pick_lists.number_of(conn, OUTCOMES, kind, now)
    if found is None:
        known = [one.name for one in pick_lists.options(conn, OUTCOMES, kind)]
        raise ActionError(
            f"{name!r} is not an outcome of a {kind}",
            resource=kind,
            field="outcome",
            code="not_found",
            hint=f"known: {', '.join(known) or 'none'}; `hub outcome add {kind} NAME` adds one",
        )
    return found


_OWNERS = text("""
SELECT owner_id FROM crm.lead WHERE entity_id = ANY(:entities)
UNION SELECT owner_id FROM crm.contact WHERE entity_id = ANY(:entities)
UNION SELECT owner_id FROM crm.deal WHERE id = :deal
""")


def _owners(conn: Connection, row: RowMapping) -> list[int | None]:
    entities = list(derived.roots_of(conn, _some(row["entity_id"])))
    found = conn.execute(_OWNERS, {"entities": entities, "deal": row["deal_id"]})
    return list(found.scalars())


def _some(number: int | None) -> list[int]:
    return [] if number is None else [number]
