"""Distribution groups by command: who is a member, in which order, with which weight and capacity.

What hub.yaml manages is refused and the line to edit is named. Capacity and pause of a member may
be set by command in any group, because they change from day to day. Not here: users (`team`), and
turns (`hub.routing.ring`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import groups, owners
from hub.crm.groups import KINDS, GroupRow, Set
from hub.crm.owners import UserRow
from hub.errors import ActionError
from hub.etl.groups import group_state
from hub.model.days import last_words
from hub.records import name_changes
from hub.routing.ring import Member, take, unavailable
from hub.settings.managed import NOTHING, Managed

_RESOURCE = "group"
_PLAIN = re.compile(r"[^\x00-\x1f\x7f:]+")
_LONGEST = 100
_MOST = 1000
ANY = -1
"""A capacity that is taken away: any number of records."""


@dataclass(frozen=True, slots=True)
class MemberCard:
    """A member as people read it.

    Args:
        email: of the user.
        name: of the user.
        position: place in the order of turns, from 1.
        weight: share of the turns, relative to the others.
        capacity: how many open records the user may own; None is any number.
        open: how many open records of the group's kind the user owns.
        state: `available`, or why the member takes no turn now.
    """

    email: str
    name: str
    position: int
    weight: int
    capacity: int | None
    open: int
    state: str


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A group as people read it.

    Args:
        name: of the group.
        kind: lead, contact or deal: the kind of record that it distributes.
        next: e-mail of the user who gets the next record; None where no member is available.
        managed_by: the line of hub.yaml, or `commands`.
        members: in the order of turns.
    """

    name: str
    kind: str
    next: str | None
    managed_by: str
    members: Sequence[MemberCard]


@dataclass(frozen=True, slots=True)
class Change:
    """Settings of a member; None leaves a setting as it is.

    Args:
        weight: share of the turns, 0 takes none.
        capacity: how many open records; `ANY` takes the limit away.
        is_paused: whether the member takes no turn of this group.
        position: place in the order of turns, from 1.
    """

    weight: int | None = None
    capacity: int | None = None
    is_paused: bool | None = None
    position: int | None = None


def listed(ctx: Context, managed: Managed = NOTHING) -> list[GroupCard]:
    """Return the groups of every kind, by name."""
    require(ctx, Right.READ)
    return [_card(ctx, group, managed) for group in groups.every(ctx.conn)]


def show(ctx: Context, name: str, managed: Managed = NOTHING) -> GroupCard:
    """Return one group.

    Raises:
        ActionError: there is no such group.
    """
    require(ctx, Right.READ)
    return _card(ctx, _locked(ctx, name), managed)


def add(
    ctx: Context, name: str, kind: str = "lead", members: Sequence[str] = (), *,
    managed: Managed = NOTHING,
) -> GroupCard:  # fmt: skip
    """Make a group of users, in the order of turns.

    Raises:
        ActionError: the name is taken, the kind is none, or a member is not an active user.
    """
    require(ctx, Right.SET_UP)
    _check_name(ctx, name)
    if kind not in KINDS:
        raise ActionError(
            f"{kind!r} is not a kind of record that a group distributes",
            resource=_RESOURCE, field="kind", code="invalid", hint=f"kinds: {', '.join(KINDS)}",
        )  # fmt: skip
    ids = [_user(ctx, email).id for email in members]
    before = groups.lock(ctx.conn, groups.make(ctx.conn, name.strip(), kind))
    groups.set_kind(ctx.conn, before.id, kind)
    groups.save_members(ctx.conn, before, groups.order(before, list(dict.fromkeys(ids))))
    return show(ctx, name.strip(), managed)


def rename(ctx: Context, name: str, new: str, *, managed: Managed = NOTHING) -> GroupCard:
    """Give a group another name.

    Raises:
        ActionError: there is no such group, the name is taken, or hub.yaml names the group.
    """
    require(ctx, Right.SET_UP)
    group = _locked(ctx, name)
    _refuse_managed(group, managed)
    _refuse_routed(group, managed, "renamed")
    if new.strip().lower() != group.name.lower():
        _check_name(ctx, new)
    groups.rename(ctx.conn, group.id, new.strip())
    name_changes.note_rename(ctx.conn, ctx.who, "group", group.name, new.strip())
    return show(ctx, new.strip(), managed)


def remove(ctx: Context, name: str, *, managed: Managed = NOTHING) -> GroupCard:
    """Take a group out of use; assigned records keep their owners, assignments their reasons.

    Raises:
        ActionError: there is no such group, or hub.yaml names it.
    """
    require(ctx, Right.SET_UP)
    group = _locked(ctx, name)
    _refuse_managed(group, managed)
    _refuse_routed(group, managed, "removed")
    card = _card(ctx, group, managed)
    groups.remove(ctx.conn, group.id, ctx.clock.now())
    name_changes.note_removal(ctx.conn, ctx.who, "group", group.name)
    return card


def add_member(
    ctx: Context, name: str, email: str, change: Change = Change(), *, managed: Managed = NOTHING,
) -> GroupCard:  # fmt: skip
    """Add a user to a group, at the end of the order unless a position is named.

    Raises:
        ActionError: there is no such group, the user is not active or is a member, a value is out of
            range, or hub.yaml manages the group.
    """
    require(ctx, Right.SET_UP)
    group = _locked(ctx, name)
    _refuse_managed(group, managed)
    user = _user(ctx, email)
    if any(m.user_id == user.id for m in group.members):
        raise ActionError(
            f"{user.email} is a member of {group.name} already",
            resource=_RESOURCE, field="member", code="duplicate",
            hint=f"hub group member edit {group.name} {user.email} changes weight or capacity",
        )  # fmt: skip
    _save(ctx, group, [*(m.user_id for m in group.members), user.id], user.id, change)
    return show(ctx, group.name, managed)


def edit_member(
    ctx: Context, name: str, email: str, change: Change, *, managed: Managed = NOTHING
) -> GroupCard:
    """Set weight, capacity, pause or position of a member.

    Raises:
        ActionError: there is no such group or member, a value is out of range, or hub.yaml manages
            weight and position of the group.
    """
    require(ctx, Right.SET_UP)
    group = _locked(ctx, name)
    if change.weight is not None or change.position is not None:
        place = managed.members.get((group.name.lower(), email.strip().lower()))
        _refuse_managed(group, managed, place)
    _save(ctx, group, [m.user_id for m in group.members], _member(ctx, group, email), change)
    return show(ctx, group.name, managed)


def remove_member(ctx: Context, name: str, email: str, *, managed: Managed = NOTHING) -> GroupCard:
    """Remove a member from a group; the next member stays the same.

    Raises:
        ActionError: there is no such group or member, or hub.yaml manages the group.
    """
    require(ctx, Right.SET_UP)
    group = _locked(ctx, name)
    place = managed.members.get((group.name.lower(), email.strip().lower()))
    _refuse_managed(group, managed, place)
    gone = _member(ctx, group, email)
    left = [m.user_id for m in group.members if m.user_id != gone]
    groups.save_members(ctx.conn, group, groups.order(group, left))
    return show(ctx, group.name, managed)


def _save(ctx: Context, group: GroupRow, line: list[int], user_id: int, change: Change) -> None:
    """Write the order and the settings of one member."""
    for field, value in (("weight", change.weight), ("position", change.position)):
        least = 0 if field == "weight" else 1
        if value is not None and not least <= value <= _MOST:
            raise _out_of_range(field, least)
    if change.capacity is not None and change.capacity < ANY:
        raise _out_of_range("capacity", 0)
    if change.position is not None:
        line.remove(user_id)
        line.insert(change.position - 1, user_id)
    values: dict[str, Any] = {
        "weight": change.weight,
        "is_paused": change.is_paused,
        "capacity": change.capacity,
    }
    values = {field: value for field, value in values.items() if value is not None}
    if values.get("capacity") == ANY:
        values["capacity"] = None
    groups.save_members(ctx.conn, group, groups.order(group, line), [Set(user_id, values)])


def _out_of_range(field: str, least: int) -> ActionError:
    return ActionError(
        f"{field} of a member must be a number from {least} to {_MOST}",
        resource=_RESOURCE, field=field, code="invalid",
    )  # fmt: skip


def _card(ctx: Context, group: GroupRow, managed: Managed) -> GroupCard:
    now = ctx.clock.now()
    users = {u.id: u for u in owners.every_user(ctx.conn)}
    counts = groups.open_counts(ctx.conn, group.record_kind, [m.user_id for m in group.members])
    state = group_state(group, now)
    cards = [
        MemberCard(
            email=users[m.user_id].email,
            name=users[m.user_id].name,
            position=place,
            weight=m.weight,
            capacity=m.capacity,
            open=counts.get(m.user_id, 0),
            state=_state(member, users[m.user_id]),
        )
        for place, (m, member) in enumerate(zip(group.members, state.members, strict=True), 1)
    ]
    chosen = take(state).chosen
    return GroupCard(
        group.name,
        group.record_kind,
        None if chosen is None else users[chosen].email,
        managed.groups.get(group.name.lower(), "commands"),
        cards,
    )


def _state(member: Member, user: UserRow) -> str:
    why = unavailable(member)
    if why == "away" and user.away_until is not None:
        return f"away until {last_words(user.away_until, user.timezone)}"
    return why or "available"


def _locked(ctx: Context, name: str) -> GroupRow:
    said = name.strip().removeprefix("group:")
    found = groups.named(ctx.conn, said)
    if found is None:
        known = [g.name for g in groups.every(ctx.conn)]
        raise ActionError(
            f"there is no distribution group {said!r}",
            resource=_RESOURCE, code="not_found", hint=f"groups: {', '.join(known) or 'none'}",
        )  # fmt: skip
    return groups.lock(ctx.conn, found.id)


def _user(ctx: Context, email: str) -> UserRow:
    found = owners.lock_user(ctx.conn, email)
    if found is None or not found.is_active:
        raise ActionError(
            f"{email} is not an active user",
            resource=_RESOURCE, field="member", code="not_found",
            hint="hub user list shows them; hub user add adds one",
        )  # fmt: skip
    return found


def _member(ctx: Context, group: GroupRow, email: str) -> int:
    found = owners.lock_user(ctx.conn, email)
    if found is not None and any(m.user_id == found.id for m in group.members):
        return found.id
    raise ActionError(
        f"{email} is not a member of {group.name}",
        resource=_RESOURCE, field="member", code="not_found",
        hint=f"hub group show {group.name} shows the members",
    )  # fmt: skip


def _check_name(ctx: Context, name: str) -> None:
    wanted = name.strip()
    if not _PLAIN.fullmatch(wanted) or "@" in wanted or len(wanted) > _LONGEST:
        raise ActionError(
            f"{name!r} is not a valid name of a group",
            resource=_RESOURCE, field="name", code="invalid",
            hint=f"up to {_LONGEST} characters, without @ and colons",
        )  # fmt: skip
    taken = [g.name for g in groups.every(ctx.conn) if g.name.lower() == wanted.lower()]
    if taken:
        raise ActionError(
            f"the group {taken[0]} exists already",
            resource=_RESOURCE, field="name", code="duplicate", hint="choose another name",
        )  # fmt: skip


def _refuse_managed(group: GroupRow, managed: Managed, place: str | None = None) -> None:
    line = place or managed.groups.get(group.name.lower())
    if line is not None:
        raise ActionError(
            f"hub.yaml manages the group {group.name}",
            resource=_RESOURCE, code="conflict",
            hint=f"edit {line}, then run `hub check`; capacity and pause may be set by command",
        )  # fmt: skip


def _refuse_routed(group: GroupRow, managed: Managed, what: str) -> None:
    lines = managed.rules.get(group.name.lower())
    if lines:
        raise ActionError(
            f"the group {group.name} cannot be {what}: routing names it",
            resource=_RESOURCE, code="conflict", hint=f"first edit {', '.join(lines)}",
        )  # fmt: skip
