"""Assign: leads, contacts and deals get another owner, one or a whole selection at once.

A distribution group is named like a person; each record takes a turn of it, also one that had an
owner. New and former owners are notified, as each of them prefers: of one record by one event, of
many by one for all of them. What was is in the history.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import field

from sqlalchemy import Connection

from hub.actions import targets
from hub.actions.context import Actor, Context
from hub.actions.rights import Right, require
from hub.actions.working import worked_on
from hub.crm import groups, ownership
from hub.crm.groups import GroupName, GroupRow
from hub.crm.ownership import Owned
from hub.db import outbox
from hub.errors import ActionError
from hub.etl.groups import group_state, save_group
from hub.frozen import dataclass
from hub.model.events import OwnerChanged
from hub.model.hook_events import HookEvent, lead_assigned
from hub.model.names import full
from hub.records import assignments, hook_deliveries
from hub.records.assignments import NewAssignment
from hub.records.history import Changed, note_changes
from hub.routing.choice import Tried
from hub.routing.replay import encode
from hub.routing.ring import GroupState, Pick, take
from hub.routing.rules import Target

BY_HAND = "by hand"
_SHOWN = 5
_NO_GROUP = GroupState(0, "", ())
Decided = list[tuple[NewAssignment, Owned]]


@dataclass(frozen=True, slots=True)
class Given:
    """What an assignment did: records by their new owner, and how many kept their owner."""

    owners: Mapping[int, int] = field(default_factory=dict)
    unchanged: int = 0


def assign(ctx: Context, kind: str, names: Sequence[str], to: str) -> Given:
    """Assign records, given by name, to a user or a group.

    Raises:
        ActionError: as `assign_many`; or a name is unknown, or of another kind of record.
    """
    found = [targets.resolve(ctx.conn, name, kind) for name in names]
    for target, name in zip(found, names, strict=True):
        if target.kind != kind:
            raise ActionError(
                f"{full(name, kind)} is a {target.kind}, not a {kind}",
                resource=kind,
                code="invalid",
            )
    return assign_many(ctx, kind, [target.id for target in found], to)


def assign_many(
    ctx: Context,
    kind: str,
    ids: Sequence[int],
    to: str,
    *,
    tells: bool = True,
    is_bulk: bool = False,
) -> Given:
    """Assign records to a user or a group, in the given order.

    Args:
        ctx: the actor, in an open transaction.
        kind: lead, contact or deal.
        ids: their numbers; one that comes twice counts once.
        to: a person's e-mail, or a group's name; `user:` or `group:` may precede it.
        tells: notify new and former owners, and subscribers; a bulk action notifies owners itself, once.
        is_bulk: all records of a list or of a user who leaves; subscribers are told nothing.

    Raises:
        ActionError: there is no such person, group or record; the group holds another kind of
            record, or has no available member; the actor lacks the right.
    """
    conn = ctx.conn
    wanted = list(dict.fromkeys(ids))
    user, group = receiver(conn, kind, to)
    locked = None if group is None else groups.lock(conn, group.id)
    records = ownership.take(conn, kind, wanted)
    _all_there(kind, wanted, records)
    acting = require(ctx, Right.REASSIGN, *{r.owner_id for r in records.values()})
    ordered = [records[i] for i in wanted]
    decided = (
        _by_turns(ctx, ordered, kind, locked)
        if locked is not None
        else _to_person(ordered, kind, user or 0, ctx.who)
    )
    numbers = assignments.keep(conn, [t for t, _ in decided])
    changed = [
        (number, t, r)
        for number, (t, r) in zip(numbers, decided, strict=True)
        if r.owner_id != t.user_id
    ]
    new_owners = {r.id: t.user_id for _, t, r in changed if t.user_id is not None}
    ownership.set_owners(conn, kind, new_owners)
    note_changes(conn, ctx.who, _changes(conn, [(t, r) for _, t, r in changed]))
    worked_on(conn, [r.entity_id for _, _, r in changed])
    if tells:
        outbox.put(conn, _events(ctx, acting, kind, changed, group.name if group else None))
        if not is_bulk:
            hook_deliveries.put(conn, _for_subscribers(kind, [(t, r) for _, t, r in changed]))
    return Given(new_owners, len(wanted) - len(changed))


def _for_subscribers(kind: str, decided: Decided) -> list[HookEvent]:
    return [
        lead_assigned(record.id, turn.user_id, record.owner_id)
        for turn, record in decided
        if kind == "lead" and turn.user_id is not None
    ]


def receiver(conn: Connection, kind: str, to: str) -> tuple[int | None, GroupName | None]:
    """Return the user, or the group, that takes records of a kind.

    Raises:
        ActionError: there is no such user or group, or the group holds another kind.
    """
    prefix, colon, rest = to.partition(":")
    is_said = colon and prefix in ("user", "group")
    name = rest if is_said else to
    is_person = prefix == "user" if is_said else "@" in name
    if is_person:
        user = ownership.active_user(conn, name)
        if user is None:
            raise _noreceiver(kind, f"{name} is not an active member of the team")
        return user, None
    group = groups.named(conn, name)
    if group is None:
        raise _noreceiver(kind, f"there is no distribution group {name!r}")
    if group.record_kind != kind:
        raise ActionError(
            f"the group {group.name} distributes {group.record_kind}s, not {kind}s",
            resource=kind,
            field="owner",
            code="conflict",
            hint="a group distributes one kind of record: `kind:` under `groups:` in hub.yaml",
        )
    return None, group


def _noreceiver(kind: str, message: str) -> ActionError:
    return ActionError(
        message,
        resource=kind,
        field="owner",
        code="not_found",
        hint="give the e-mail of a user, or the name of a group; see `hub user list` and `hub group list`",
    )


def _all_there(kind: str, wanted: Sequence[int], records: Mapping[int, Owned]) -> None:
    missing = [f"{kind}/{i}" for i in wanted if i not in records]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (" …" if len(missing) > _SHOWN else "")
        raise ActionError(f"there is no {shown}", resource=kind, code="not_found")


def _to_person(records: Sequence[Owned], kind: str, user: int, who: str) -> Decided:
    """Decide every record that the user does not own yet."""
    return [(_turn(kind, r, Pick(user, _NO_GROUP), who), r) for r in records if r.owner_id != user]


def _by_turns(ctx: Context, records: Sequence[Owned], kind: str, group: GroupRow) -> Decided:
    """Give every record a turn, also one whose owner stays the same."""
    state = group_state(group, ctx.clock.now())
    decided: Decided = []
    for record in records:
        taken = take(state)
        if taken.chosen is None:
            raise ActionError(
                f"no member of the group can take a {kind}: {'; '.join(taken.reasons)}",
                resource=kind,
                field="owner",
                code="conflict",
                hint="all members of the group are away, at capacity or inactive",
            )
        decided.append((_turn(kind, record, taken, ctx.who, before=state), record))
        state = taken.state
    save_group(ctx.conn, group, state)
    return decided


def _turn(
    kind: str, record: Owned, taken: Pick, who: str, *, before: GroupState | None = None
) -> NewAssignment:
    tried = [] if before is None else [Tried(Target("group", before.name), before, taken.chosen)]
    return NewAssignment(
        lead_id=record.id if kind == "lead" else None,
        contact_id=record.id if kind == "contact" else None,
        deal_id=record.id if kind == "deal" else None,
        group_id=taken.state.group_id or None,
        user_id=taken.chosen,
        rule=BY_HAND,
        reason="; ".join((f"assigned by {who}", *taken.reasons)),
        skipped=taken.skipped,
        next_before=before.next_member if before else None,
        next_after=taken.state.next_member,
        tried=encode(tried),
    )


def _changes(conn: Connection, decided: Decided) -> list[Changed]:
    ids = {i for turn, record in decided for i in (turn.user_id, record.owner_id) if i is not None}
    names = ownership.emails(conn, ids)
    return [
        Changed(
            {"owner": (names.get(record.owner_id or 0), names.get(turn.user_id or 0))},
            entity_id=record.entity_id,
            deal_id=turn.deal_id,
        )
        for turn, record in decided
    ]


def _events(
    ctx: Context,
    acting: Actor,
    kind: str,
    decided: Sequence[tuple[int, NewAssignment, Owned]],
    group: str | None,
) -> list[OwnerChanged]:
    """Return the events for new and former owners; no user is notified of the own action."""
    told: defaultdict[tuple[bool, int], list[tuple[int, int]]] = defaultdict(list)
    for number, turn, record in decided:
        for is_loss, user in ((False, turn.user_id), (True, record.owner_id)):
            if user is not None and user != acting.user_id:
                told[is_loss, user].append((number, record.id))
    return [
        OwnerChanged(
            user_id=user,
            is_gain=not is_loss,
            record_kind=kind,
            record_ids=[record for _, record in mine],
            assignment_id=mine[0][0],
            group=group,
            given_by=ctx.who,
        )
        for (is_loss, user), mine in sorted(told.items())
    ]
