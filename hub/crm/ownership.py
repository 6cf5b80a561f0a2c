"""Who owns leads, contacts and deals: locked, read and written for one record or for many.

A distribution group is locked before the records that it hands out, as routing does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from hub.crm import contacts, deals, leads
from hub.crm.owners import GroupRow, MemberRow
from hub.crm.tables import distribution_group

KINDS = ("lead", "contact", "deal")


@dataclass(frozen=True, slots=True)
class Owned:
    """A record and its owner; of a deal `entity_id` is None."""

    id: int
    entity_id: int | None
    owner_id: int | None


_OWNED = {
    "lead": text(
        "SELECT id, entity_id, owner_id FROM crm.lead WHERE id = ANY(:ids) "
        "AND merged_into IS NULL ORDER BY id FOR NO KEY UPDATE"
    ),
    "contact": text(
        "SELECT id, entity_id, owner_id FROM crm.contact WHERE id = ANY(:ids) "
        "AND merged_into IS NULL ORDER BY id FOR NO KEY UPDATE"
    ),
    "deal": text(
        "SELECT id, CAST(NULL AS bigint) AS entity_id, owner_id FROM crm.deal "
        "WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"
    ),
}
# How many open records each member owns; only those who may be full are counted.
_LOAD = {
    "lead": text(
        "SELECT m.user_id, (SELECT count(*) FROM crm.lead l WHERE l.owner_id = m.user_id "
        "  AND l.archived_at IS NULL AND l.merged_into IS NULL AND l.converted_at IS NULL) AS n "
        "FROM crm.member m WHERE m.group_id = :group AND m.capacity IS NOT NULL"
    ),
    "contact": text(
        "SELECT m.user_id, (SELECT count(*) FROM crm.contact c WHERE c.owner_id = m.user_id "
        "  AND c.archived_at IS NULL AND c.merged_into IS NULL) AS n "
        "FROM crm.member m WHERE m.group_id = :group AND m.capacity IS NOT NULL"
    ),
    "deal": text(
        "SELECT m.user_id, (SELECT count(*) FROM crm.deal d JOIN crm.stage s ON s.id = d.stage_id "
        "  WHERE d.owner_id = m.user_id AND d.archived_at IS NULL AND s.is_active) AS n "
        "FROM crm.member m WHERE m.group_id = :group AND m.capacity IS NOT NULL"
    ),
}
_MEMBERS = text(
    "SELECT m.user_id, m.position, m.weight, m.credit, m.is_away, m.capacity, "
    'u.is_active FROM crm.member m JOIN crm."user" u ON u.id = m.user_id '
    "WHERE m.group_id = :group ORDER BY m.position, m.user_id"
)


def take(conn: Connection, kind: str, ids: Sequence[int]) -> dict[int, Owned]:
    """Lock records in the order of their numbers; those that are merged or not there are missing."""
    rows = conn.execute(_OWNED[kind], {"ids": list(ids)})
    return {row.id: Owned(*row) for row in rows}


_GIVE = {"lead": leads.assign, "contact": contacts.give, "deal": deals.give}


def give(conn: Connection, kind: str, owners: Mapping[int, int]) -> None:
    """Write owners (record → user)."""
    if owners:
        _GIVE[kind](conn, owners)


@dataclass(frozen=True, slots=True)
class GroupName:
    """A distribution group as it is named, and the kind of record it holds."""

    id: int
    name: str
    record_kind: str


def group_named(conn: Connection, name: str) -> GroupName | None:
    """Return a group by its name, letter case aside where only one is meant."""
    rows = conn.execute(
        text(
            "SELECT id, name, record_kind FROM crm.distribution_group "
            "WHERE lower(name) = lower(:name) ORDER BY name <> :name, id"
        ),
        {"name": name},
    ).all()
    return GroupName(*rows[0]) if rows and (len(rows) == 1 or rows[0].name == name) else None


def lock_group(conn: Connection, group: GroupName) -> GroupRow:
    """Lock a group and read it with its members and what each of them owns."""
    row = conn.execute(
        select(distribution_group).where(distribution_group.c.id == group.id).with_for_update()
    ).one()
    args = {"group": group.id}
    loads = {r.user_id: r.n for r in conn.execute(_LOAD[group.record_kind], args)}
    members = [
        MemberRow(
            group_id=group.id,
            user_id=m.user_id,
            position=m.position,
            weight=m.weight,
            credit=m.credit,
            is_away=m.is_away,
            capacity=m.capacity,
            is_active=m.is_active,
            load=loads.get(m.user_id, 0),
        )
        for m in conn.execute(_MEMBERS, args)
    ]
    return GroupRow(row.id, row.name, row.next_member_id, row.next_position, members)


def active_user(conn: Connection, email: str) -> int | None:
    """Return somebody of the team who has not left, by e-mail, letter case aside."""
    return conn.execute(
        text('SELECT id FROM crm."user" WHERE lower(email) = lower(:email) AND is_active'),
        {"email": email},
    ).scalar_one_or_none()


def emails(conn: Connection, user_ids: Iterable[int]) -> dict[int, str]:
    """Return by what people are named in a history: their e-mail, else their name."""
    rows = conn.execute(
        text('SELECT id, coalesce(email, name) AS name FROM crm."user" WHERE id = ANY(:ids)'),
        {"ids": list(user_ids)},
    )
    return {row.id: row.name for row in rows}
