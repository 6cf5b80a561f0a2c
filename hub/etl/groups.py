"""Distribution groups between the database and the ring: as it takes them, and what it changed."""

from collections.abc import Mapping

from sqlalchemy import Connection

from hub.crm import owners
from hub.crm.owners import GroupRow
from hub.routing.ring import GroupState, Member
from hub.routing.ring import give_back as owe


def group_state(group: GroupRow) -> GroupState:
    """Return a group as the ring takes it."""
    members = tuple(
        Member(
            m.user_id, m.position, m.is_active, m.is_away, m.weight, m.credit, m.capacity, m.load
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
        owners.save_turn(
            conn,
            before.id,
            next_member_id=after.next_member,
            next_position=after.next_position,
            credits_after=changed,
        )


Turns = Mapping[tuple[int, int], int]
"""(group, user) → how many turns were taken back."""


def owed(groups: Mapping[str, GroupRow], turns: Turns) -> dict[tuple[str, int], int]:
    """Return what members are owed: (group's name, user) → turns; who has left a group is owed none."""
    return {
        (name, user): n
        for name, group in sorted(groups.items())
        for (number, user), n in sorted(turns.items())
        if number == group.id and user in {m.user_id for m in group.members}
    }


def give_back(
    conn: Connection, groups: Mapping[str, GroupRow], turns: Turns
) -> dict[tuple[str, int], int]:
    """Owe members the turns that were taken back; they are served first next time.

    Args:
        conn: an open transaction that holds the groups' locks.
        groups: as they were locked, by name.
        turns: what was taken back.

    Returns:
        What members are owed, as `owed` has it.
    """
    given = owed(groups, turns)
    for name, group in groups.items():
        state = group_state(group)
        for (of_group, user), n in given.items():
            for _ in range(n if of_group == name else 0):
                state = owe(state, user)
        save_group(conn, group, state)
    return given
