"""Distribution groups between the database and the round robin: state read, and changes written."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.crm import groups as stored
from hub.crm import owners
from hub.crm.groups import GroupRow, Set
from hub.frozen import dataclass
from hub.routing.ring import GroupState, Member
from hub.routing.ring import credit_turn as owe


def group_state(group: GroupRow, at: datetime | None) -> GroupState:
    """Return a group as the state of its turns.

    Args:
        group: as it was read under its lock.
        at: when the turns are taken; members may be away then; None where no turn is taken.
    """
    members = tuple(
        Member(
            m.user_id,
            m.position,
            active=m.is_active,
            away=at is not None and m.is_away(at),
            paused=m.is_paused,
            weight=m.weight,
            credit=m.credit,
            capacity=m.capacity,
            load=m.load,
        )
        for m in group.members
    )
    return GroupState(group.id, group.name, members, group.next_member_id, group.next_position)


def save_group(conn: Connection, before: GroupRow, after: GroupState) -> None:
    """Write what turns have changed of a group: its pointer and its members' credits."""
    credits_before = {m.user_id: m.credit for m in before.members}
    changed = {m.user_id: m.credit for m in after.members if m.credit != credits_before[m.user_id]}
    pointer = (after.next_member, after.next_position)
    if changed or pointer != (before.next_member_id, before.next_position):
        stored.save_turn(
            conn,
            before.id,
            next_member_id=after.next_member,
            next_position=after.next_position,
            credits_after=changed,
        )


Turns = Mapping[tuple[int, int], int]
"""(group, user) → how many turns were undone."""


def owed(groups: Mapping[str, GroupRow], turns: Turns) -> dict[tuple[str, int], int]:
    """Return what members are owed: (group's name, user) → turns; who has left a group is owed none."""
    return {
        (name, user): n
        for name, group in sorted(groups.items())
        for (number, user), n in sorted(turns.items())
        if number == group.id and user in {m.user_id for m in group.members}
    }


def credit_turns(
    conn: Connection, groups: Mapping[str, GroupRow], turns: Turns
) -> dict[tuple[str, int], int]:
    """Credit members with the turns that were undone; they are served first next time.

    Args:
        conn: an open transaction that holds the groups' locks.
        groups: as they were locked, by name.
        turns: turns that were undone.

    Returns:
        The credits, as `owed` returns them.
    """
    given = owed(groups, turns)
    for name, group in groups.items():
        state = group_state(group, None)
        for (of_group, user), n in given.items():
            if of_group == name:
                state = owe(state, user, n)
        save_group(conn, group, state)
    return given


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member as hub.yaml names it; `email` is of a user."""

    email: str
    weight: int = 1
    capacity: int | None = None
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A distribution group as hub.yaml names it; members in the order of turns."""

    name: str
    members: Sequence[NewMember | str]
    record_kind: str = "lead"


def apply_groups(conn: Connection, wanted: Sequence[Group]) -> None:
    """Write the groups of hub.yaml: who is listed is a member, in the order of the list, with this weight.

    Whose turn it is stays (`hub.crm.groups.order`). Capacity and pause are written where the file says
    something else than it said last: between two changes of the file, commands may set them.
    """
    people = owners.users_by_email(conn)
    for group in wanted:
        members = [NewMember(m) if isinstance(m, str) else m for m in group.members]
        before = stored.lock(conn, stored.make(conn, group.name, group.record_kind))
        if not before.members and before.record_kind != group.record_kind:
            stored.set_kind(conn, before.id, group.record_kind)
        said = stored.yaml_values(conn, before.id)
        weights = {m.user_id: m.weight for m in before.members}
        ids = [people[m.email.lower()].id for m in members]
        settings = [
            Set(i, _news(m, said.get(i, {}), weights.get(i, 1)))
            for i, m in zip(ids, members, strict=True)
        ]
        stored.save_members(conn, before, stored.order(before, ids), settings)


def _news(member: NewMember, said: Mapping[str, Any], weight: int) -> dict[str, Any]:
    """Return what hub.yaml sets of a member that is not so yet."""
    now_said = {"capacity": member.capacity, "is_paused": member.is_paused}
    before = {"capacity": None, "is_paused": False, **said}
    news: dict[str, Any] = {k: v for k, v in now_said.items() if v != before[k]}
    if news:
        news["in_yaml"] = now_said
    if member.weight != weight:
        news["weight"] = member.weight
    return news
