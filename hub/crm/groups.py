"""Distribution groups: their members, whose turn it is, and how both are changed.

A group is locked before its members are read for a turn or changed. Not here: whose turn comes next
(`hub.routing.ring`), and users (`hub.crm.owners`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.crm.tables import distribution_group, member
from hub.frozen import dataclass

KINDS = ("lead", "contact", "deal")


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as routing needs it.

    Args:
        group_id: the group.
        user_id: the user.
        position: place in the order of turns.
        weight: share of the turns; 0 takes none.
        credit: state of the turns.
        capacity: how many open records of the group's kind the user may own; None is no limit.
        is_paused: whether the member, or the user in all groups, takes no turn until the pause
            ends.
        is_active: whether the user has not left.
        away_from: since when the user is away; None with `away_until` None is not away.
        away_until: from then on the user is back.
        load: how many open records of the kind the user owns; counted only where there is a capacity.
    """

    group_id: int
    user_id: int
    position: int
    weight: int
    credit: float
    capacity: int | None
    is_paused: bool
    is_active: bool
    away_from: datetime | None
    away_until: datetime | None
    load: int

    def is_away(self, at: datetime) -> bool:
        """Tell whether the user is away at a moment."""
        return is_away(self.away_from, self.away_until, at)


def is_away(since: datetime | None, until: datetime | None, at: datetime) -> bool:
    """Tell whether a span without an end, or without a beginning, holds a moment."""
    if since is None and until is None:
        return False
    return (since is None or since <= at) and (until is None or at < until)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A distribution group with its pointer and its members in order."""

    id: int
    name: str
    next_member_id: int | None
    next_position: int | None
    members: Sequence[MemberRow]
    record_kind: str = "lead"


_G = distribution_group.c
_STANDING = (
    select(_G.id, _G.name, _G.next_member_id, _G.next_position, _G.record_kind)
    .where(_G.removed_at.is_(None))
    .order_by(_G.id)
)
_OF_LEADS = _STANDING.where(_G.record_kind == "lead")
# How many open records a member owns, by kind of the group; only members with a capacity are counted.
_OPEN = {
    "lead": "(SELECT count(*) FROM crm.lead l WHERE l.owner_id = m.user_id "
    "AND l.archived_at IS NULL AND l.merged_into IS NULL AND l.converted_at IS NULL)",
    "contact": "(SELECT count(*) FROM crm.contact c WHERE c.owner_id = m.user_id "
    "AND c.archived_at IS NULL AND c.merged_into IS NULL)",
    "deal": "(SELECT count(*) FROM crm.deal d JOIN crm.stage s ON s.id = d.stage_id "
    "WHERE d.owner_id = m.user_id AND d.archived_at IS NULL AND s.is_active)",
}
_MEMBERS = text(
    "SELECT m.group_id, m.user_id, m.position, m.weight, m.credit, m.capacity, "
    "  m.is_paused OR u.is_paused AS is_paused, u.is_active, u.away_from, u.away_until, "
    "  CASE WHEN m.capacity IS NULL THEN 0 "
    + "".join(f"WHEN g.record_kind = '{kind}' THEN {n} " for kind, n in _OPEN.items())
    + "END AS load "
    'FROM crm.member m JOIN crm."user" u ON u.id = m.user_id '
    "JOIN crm.distribution_group g ON g.id = m.group_id "
    "WHERE m.group_id = ANY(:groups) ORDER BY m.group_id, m.position, m.user_id"
)


_OPEN_NOW = {
    kind: text(
        f"SELECT m.user_id, {n} AS n FROM unnest(CAST(:ids AS bigint[])) AS m(user_id)"  # noqa: S608 our own text
    )
    for kind, n in _OPEN.items()
}


def open_counts(conn: Connection, kind: str, user_ids: Iterable[int]) -> dict[int, int]:
    """Return how many open records of a kind each user owns."""
    rows = conn.execute(_OPEN_NOW[kind], {"ids": sorted(user_ids)})
    return {row.user_id: row.n for row in rows}


def lock_all(conn: Connection) -> dict[str, GroupRow]:
    """Lock all groups of leads in the order of their ids, and read them with their members."""
    return {g.name: g for g in _read(conn, _OF_LEADS.with_for_update())}


def of_leads(conn: Connection) -> dict[str, GroupRow]:
    """Read all groups of leads with their members."""
    return {g.name: g for g in _read(conn, _OF_LEADS)}


def every(conn: Connection) -> list[GroupRow]:
    """Read the groups of every kind with their members, by name."""
    return sorted(_read(conn, _STANDING), key=lambda g: (g.name.lower(), g.name))


def lock(conn: Connection, group_id: int) -> GroupRow:
    """Lock one group and read it with its members and what each of them owns."""
    return _read(conn, _STANDING.where(_G.id == group_id).with_for_update())[0]


def _read(conn: Connection, asked: Select[Any]) -> list[GroupRow]:
    found = conn.execute(asked).all()
    rows = conn.execute(_MEMBERS, {"groups": [g.id for g in found]})
    members = [MemberRow(*row) for row in rows]
    return [
        GroupRow(
            g.id,
            g.name,
            g.next_member_id,
            g.next_position,
            [m for m in members if m.group_id == g.id],
            g.record_kind,
        )
        for g in found
    ]


@dataclass(frozen=True, slots=True)
class GroupName:
    """A distribution group as it is named, and the kind of record it holds."""

    id: int
    name: str
    record_kind: str


def named(conn: Connection, name: str) -> GroupName | None:
    """Return a group by its name, letter case aside where only one is meant."""
    rows = conn.execute(
        text(
            "SELECT id, name, record_kind FROM crm.distribution_group "
            "WHERE lower(name) = lower(:name) AND removed_at IS NULL ORDER BY name <> :name, id"
        ),
        {"name": name},
    ).all()
    return GroupName(*rows[0]) if rows and (len(rows) == 1 or rows[0].name == name) else None


_SET_CREDITS = text("""
UPDATE crm.member m SET credit = n.credit
FROM unnest(CAST(:users AS bigint[]), CAST(:credits AS float[])) AS n(user_id, credit)
WHERE m.group_id = :group AND m.user_id = n.user_id
""")


def save_turn(
    conn: Connection,
    group_id: int,
    *,
    next_member_id: int | None,
    next_position: int | None,
    credits_after: Mapping[int, float],
) -> None:
    """Move a group's pointer and its members' credits."""
    conn.execute(
        update(distribution_group)
        .where(distribution_group.c.id == group_id)
        .values(next_member_id=next_member_id, next_position=next_position)
    )
    if credits_after:
        args = {"users": list(credits_after), "credits": list(credits_after.values())}
        conn.execute(_SET_CREDITS, {"group": group_id, **args})


def make(conn: Connection, name: str, kind: str) -> int:
    """Make a group, or take up a removed one of the name; an existing one is returned as it is."""
    made = insert(distribution_group).values(name=name, record_kind=kind)
    again = made.on_conflict_do_update(index_elements=["name"], set_={"removed_at": None})
    number: int = conn.execute(again.returning(_G.id)).scalar_one()
    return number


def set_kind(conn: Connection, group_id: int, kind: str) -> None:
    """Set the kind of records that a group without members distributes."""
    conn.execute(update(distribution_group).where(_G.id == group_id).values(record_kind=kind))


def rename(conn: Connection, group_id: int, name: str) -> None:
    """Give a group another name."""
    conn.execute(update(distribution_group).where(_G.id == group_id).values(name=name))


def remove(conn: Connection, group_id: int, at: datetime) -> None:
    """Take a group out of use; its assignments keep it."""
    conn.execute(member.delete().where(member.c.group_id == group_id))
    conn.execute(
        update(distribution_group)
        .where(_G.id == group_id)
        .values(removed_at=at, next_member_id=None, next_position=None)
    )


def order(group: GroupRow, wanted: Sequence[int]) -> GroupRow:
    """Return the group with the members that are wanted, in this order. Pure.

    Whose turn was next stays next; if that member leaves, the next one after it that stays. Members who
    join at the end leave the places of the others as they are, so that no turn is shifted.
    """
    known = {m.user_id: m for m in group.members}
    joining = MemberRow(
        group.id, 0, 0, 1, 0.0, None, is_paused=False, is_active=True, away_from=None,
        away_until=None, load=0,
    )  # fmt: skip
    stay = [m.user_id for m in group.members if m.user_id in set(wanted)]
    if list(wanted[: len(stay)]) == stay:
        places = {u: known[u].position for u in stay}
        for user in wanted[len(stay) :]:
            places[user] = joining_position(places.values(), group.next_position)
        pointer = (group.next_member_id, group.next_position)
    else:
        places = {user: place for place, user in enumerate(wanted, 1)}
        due = _due(group, stay)
        pointer = (due, None if due is None else places[due])
    members = [
        replace(known.get(user, joining), user_id=user, position=places[user]) for user in wanted
    ]
    return GroupRow(group.id, group.name, *pointer, members, group.record_kind)


def _due(group: GroupRow, stay: Sequence[int]) -> int | None:
    """Return whose turn is next among those who stay; None where no turn was taken yet."""
    if group.next_position is None or not stay:
        return None
    line = [m.user_id for m in group.members]
    if group.next_member_id in line:
        start = line.index(group.next_member_id)
    else:
        start = next(
            (i for i, m in enumerate(group.members) if m.position >= group.next_position), 0
        )
    return next(user for user in (*line[start:], *line[:start]) if user in set(stay))


def joining_position(positions: Iterable[int], next_position: int | None) -> int:
    """Return the position of a member who joins: after all others, and after whose turn it was.

    A member whose turn was next may have left with the highest position; a newcomer comes after
    that turn, else another member would be served twice before.
    """
    return max(next_position or 0, *positions, 0) + 1


@dataclass(frozen=True, slots=True)
class Set:
    """Settings of a member; a field that is not named stays as it is."""

    user_id: int
    values: Mapping[str, Any] = field(default_factory=dict)


def save_members(
    conn: Connection, before: GroupRow, after: GroupRow, settings: Sequence[Set] = ()
) -> None:
    """Write the present members, their positions and their settings.

    Args:
        conn: a transaction that holds the group's lock.
        before: the group as it was locked.
        after: what `order` made of it.
        settings: weight, capacity, is_paused, in_yaml by member.
    """
    old = {m.user_id: m.position for m in before.members}
    new = {m.user_id: m.position for m in after.members}
    if gone := sorted(old.keys() - new.keys()):
        conn.execute(
            member.delete().where(member.c.group_id == before.id, member.c.user_id.in_(gone))
        )
    for user, place in new.items():
        if user not in old:
            conn.execute(insert(member).values(group_id=before.id, user_id=user, position=place))
        elif old[user] != place:
            _set(conn, before.id, Set(user, {"position": place}))
    for one in settings:
        if one.values:
            _set(conn, before.id, one)
    pointer = (after.next_member_id, after.next_position)
    if pointer != (before.next_member_id, before.next_position):
        save_turn(
            conn, before.id, next_member_id=pointer[0], next_position=pointer[1], credits_after={}
        )


def _set(conn: Connection, group_id: int, one: Set) -> None:
    conn.execute(
        update(member)
        .where(member.c.group_id == bindparam("of_group"), member.c.user_id == bindparam("of_user"))
        .values(**one.values),
        {"of_group": group_id, "of_user": one.user_id},
    )


def yaml_values(conn: Connection, group_id: int) -> dict[int, Mapping[str, Any]]:
    """Return what hub.yaml said last of the members of a group: user → setting → value."""
    rows = conn.execute(
        select(member.c.user_id, member.c.in_yaml).where(member.c.group_id == group_id)
    )
    return {row.user_id: row.in_yaml or {} for row in rows}


def of_user(conn: Connection, user_id: int) -> list[GroupName]:
    """Return the groups of which a user is a member, by name."""
    rows = conn.execute(
        select(_G.id, _G.name, _G.record_kind)
        .join(member, member.c.group_id == _G.id)
        .where(member.c.user_id == user_id)
        .order_by(_G.name)
    )
    return [GroupName(*row) for row in rows]
