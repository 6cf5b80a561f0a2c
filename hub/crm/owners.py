"""People who own leads, the groups that hand leads out, and what each person wants to hear.

`hub.yaml` is applied here (`managed_by: yaml`); owners of a legacy system are matched by e-mail,
and those nobody knows become inactive people, so that their name is not lost.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.crm.tables import distribution_group, member, notification_preference, owner_identity, user
from hub.model.folding import LegacyOwner


@dataclass(frozen=True, slots=True)
class Person:
    """A person as `hub.yaml` names them; `notify` is event → (web, email)."""

    email: str
    name: str
    is_active: bool
    timezone: str
    notify: Mapping[str, tuple[bool, bool]]
    role: str = "rep"


@dataclass(frozen=True, slots=True)
class Group:
    """A distribution group as `hub.yaml` names it; members by e-mail, in the order of turns."""

    name: str
    members: Sequence[str]
    record_kind: str = "lead"


@dataclass(frozen=True, slots=True)
class User:
    """A row of `crm.user`."""

    id: int
    email: str | None
    name: str
    is_active: bool


def apply_people(conn: Connection, people: Sequence[Person]) -> None:
    """Write people and their preferences; matching is by e-mail, letter case aside."""
    for person in people:
        statement = insert(user).values(
            email=person.email,
            name=person.name,
            is_active=person.is_active,
            timezone=person.timezone,
            managed_by="yaml",
            role=person.role,
        )
        user_id = conn.execute(
            statement.on_conflict_do_update(
                index_elements=[text("lower(email)")],
                set_={
                    "name": statement.excluded.name,
                    "is_active": statement.excluded.is_active,
                    "timezone": statement.excluded.timezone,
                    "managed_by": "yaml",
                    "role": statement.excluded.role,
                },
            ).returning(user.c.id)
        ).scalar_one()
        for event, (web, email) in person.notify.items():
            preference = insert(notification_preference).values(
                user_id=user_id, event=event, web=web, email=email
            )
            conn.execute(
                preference.on_conflict_do_update(
                    index_elements=["user_id", "event"], set_={"web": web, "email": email}
                )
            )


def apply_groups(conn: Connection, groups: Sequence[Group]) -> None:
    """Write groups: who is new joins at the end, who is not listed any more leaves.

    The order of those who stay, and whose turn it is, are not touched.
    """
    for group in groups:
        conn.execute(
            insert(distribution_group)
            .values(name=group.name, record_kind=group.record_kind)
            .on_conflict_do_nothing()
        )
        group_id, next_position = conn.execute(
            select(distribution_group.c.id, distribution_group.c.next_position)
            .where(distribution_group.c.name == group.name)
            .with_for_update()
        ).one()
        wanted = [users_by_email(conn)[email.lower()].id for email in group.members]
        conn.execute(
            member.delete().where(member.c.group_id == group_id, member.c.user_id.not_in(wanted))
        )
        rows = conn.execute(
            select(member.c.user_id, member.c.position).where(member.c.group_id == group_id)
        )
        places = {row.user_id: row.position for row in rows}
        for user_id in wanted:
            if user_id not in places:
                place = joining_position(places.values(), next_position)
                places[user_id] = place
                conn.execute(
                    insert(member).values(group_id=group_id, user_id=user_id, position=place)
                )


def joining_position(positions: Iterable[int], next_position: int | None) -> int:
    """Return the position of a member who joins: after all others, and after whose turn it was.

    A member whose turn was next may have left with the highest position; who joins then comes
    after that turn, else somebody would be served twice before the newcomer.
    """
    return max(next_position or 0, *positions, 0) + 1


def users_by_email(conn: Connection) -> dict[str, User]:
    """Return all people by lower-case e-mail."""
    rows = conn.execute(select(user.c.id, user.c.email, user.c.name, user.c.is_active))
    return {row.email.lower(): User(*row) for row in rows if row.email}


@dataclass(frozen=True, slots=True)
class Adopted:
    """Whether an owner of a source made a new person, and whether the owner was connected before."""

    is_created: bool
    was_known: bool


def adopt_legacy_owner(
    conn: Connection, *, source: str, source_id: str, email: str | None, name: str, is_queue: bool
) -> Adopted:
    """Connect an owner of a source with a person; an unknown one becomes an inactive person."""
    known = conn.execute(
        select(user.c.id).where(func.lower(user.c.email) == (email or "").lower())
    ).scalar()
    earlier = conn.execute(
        select(owner_identity.c.user_id).where(
            owner_identity.c.source == source, owner_identity.c.source_id == source_id
        )
    ).first()
    user_id = known or (earlier.user_id if earlier else None)
    created = user_id is None and not is_queue
    if created:
        user_id = conn.execute(
            insert(user)
            .values(email=email, name=name, is_active=False, managed_by=source)
            .returning(user.c.id)
        ).scalar_one()
    statement = insert(owner_identity).values(
        source=source, source_id=source_id, user_id=user_id, is_queue=is_queue
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "source_id"],
            set_={"user_id": statement.excluded.user_id, "is_queue": statement.excluded.is_queue},
        )
    )
    return Adopted(is_created=created, was_known=earlier is not None)


def legacy_owners(conn: Connection) -> dict[tuple[str, str], LegacyOwner]:
    """Return (source, source id) → person for every owner a source named."""
    rows = conn.execute(
        select(
            owner_identity.c.source,
            owner_identity.c.source_id,
            owner_identity.c.user_id,
            func.coalesce(user.c.is_active, False),
            owner_identity.c.is_queue,
        ).outerjoin(user, user.c.id == owner_identity.c.user_id)
    )
    return {(row[0], row[1]): LegacyOwner(row[2], row[3], row[4]) for row in rows}


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as routing needs it; `load` counts open leads owned."""

    group_id: int
    user_id: int
    position: int
    weight: int
    credit: float
    is_away: bool
    capacity: int | None
    is_active: bool
    load: int


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A distribution group with its pointer and its members in order."""

    id: int
    name: str
    next_member_id: int | None
    next_position: int | None
    members: Sequence[MemberRow]


def lock_groups(conn: Connection) -> dict[str, GroupRow]:
    """Lock all groups of leads in the order of their ids, and read them with their members."""
    return _groups(conn, _OF_LEADS.with_for_update())


def groups(conn: Connection) -> dict[str, GroupRow]:
    """Read all groups of leads with their members."""
    return _groups(conn, _OF_LEADS)


_OF_LEADS = (
    select(distribution_group)
    .where(distribution_group.c.record_kind == "lead")
    .order_by(distribution_group.c.id)
)


def _groups(conn: Connection, asked: Select[Any]) -> dict[str, GroupRow]:
    found = conn.execute(asked).all()
    rows = conn.execute(
        text(
            "SELECT m.group_id, m.user_id, m.position, m.weight, m.credit, m.is_away, m.capacity, "
            "  u.is_active, CASE WHEN m.capacity IS NULL THEN 0 ELSE (SELECT count(*) "
            "    FROM crm.lead l WHERE l.owner_id = m.user_id AND l.archived_at IS NULL "
            "    AND l.merged_into IS NULL AND l.converted_at IS NULL) END AS load "
            "FROM crm.member m JOIN crm.user u ON u.id = m.user_id ORDER BY m.group_id, m.position"
        )
    )
    members = [MemberRow(*row) for row in rows]
    return {
        group.name: GroupRow(
            group.id,
            group.name,
            group.next_member_id,
            group.next_position,
            [m for m in members if m.group_id == group.id],
        )
        for group in found
    }


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
    for user_id, credit in credits_after.items():
        conn.execute(
            update(member)
            .where(member.c.group_id == group_id, member.c.user_id == user_id)
            .values(credit=credit)
        )


def preferences(
    conn: Connection, user_ids: Sequence[int]
) -> dict[tuple[int, str], tuple[bool, bool]]:
    """Return (user, event) → (web, email) for those who said what they want."""
    c = notification_preference.c
    rows = conn.execute(select(c.user_id, c.event, c.web, c.email).where(c.user_id.in_(user_ids)))
    return {(row.user_id, row.event): (row.web, row.email) for row in rows}


_DISOWN = text("""
DELETE FROM crm.owner_identity o
USING unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS g(source, source_id)
WHERE o.source = g.source AND o.source_id = g.source_id
RETURNING o.user_id
""")


def disown(conn: Connection, identities: Sequence[tuple[str, str]]) -> list[int]:
    """Forget owners of a source (source, id); return the users whom they were connected with."""
    named = conn.execute(
        _DISOWN, {"sources": [i[0] for i in identities], "ids": [i[1] for i in identities]}
    )
    return sorted({u for u in named.scalars() if u is not None})


def delete_users(conn: Connection, user_ids: Collection[int]) -> None:
    """Delete users to whom nothing refers."""
    conn.execute(text('DELETE FROM crm."user" WHERE id = ANY(:ids)'), {"ids": sorted(user_ids)})
