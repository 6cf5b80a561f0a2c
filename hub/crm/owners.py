"""Users: who may own records.

`hub.yaml` is applied here (`managed_by: yaml`); owners of a legacy system are matched by e-mail,
and an unknown one becomes an inactive user, so that the name is not lost. Not here: the groups that
hand records out (`hub.crm.groups`), and how a user is notified (`hub.crm.notice_settings`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.crm import notice_settings
from hub.crm.notice_settings import Choice, ProfileValues
from hub.crm.tables import owner_identity, user
from hub.frozen import dataclass
from hub.records import name_changes

_FILE = "hub.yaml"


@dataclass(frozen=True, slots=True)
class Availability:
    """When a user takes no turns of a group.

    Args:
        away_from: since when the user is away; None with `away_until` None is not away.
        away_until: from then on the user is back; None with `away_from` has no end.
        is_paused: whether the user gets no turns until the pause is ended.
    """

    away_from: datetime | None = None
    away_until: datetime | None = None
    is_paused: bool = False

    def document(self) -> dict[str, Any]:
        """Return the settings as `crm.user.in_yaml` keeps them."""
        ends = {"away_from": self.away_from, "away_until": self.away_until}
        return {
            **{name: None if at is None else at.isoformat() for name, at in ends.items()},
            "is_paused": self.is_paused,
        }


@dataclass(frozen=True, slots=True)
class Person:
    """A person as `hub.yaml` names them.

    Args:
        email: the address.
        name: as messages show it.
        is_active: whether the person takes records and is notified.
        timezone: IANA name.
        notify: event → the mode of each channel.
        role: what the person may do.
        availability: leave and pause.
        profile: language, hours and Apprise target, where the file says them.
    """

    email: str
    name: str
    is_active: bool
    timezone: str
    notify: Mapping[str, Choice]
    role: str = "rep"
    availability: Availability = field(default_factory=Availability)
    profile: ProfileValues = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class User:
    """A row of `crm.user`."""

    id: int
    email: str | None
    name: str
    is_active: bool


def apply_people(conn: Connection, people: Sequence[Person]) -> None:
    """Write people and their preferences; matching is by e-mail, letter case aside."""
    before = users_by_email(conn)
    for person in people:
        _note_news(conn, before.get(person.email.lower()), person)
        statement = insert(user).values(
            email=person.email,
            name=person.name,
            is_active=person.is_active,
            timezone=person.timezone,
            managed_by="yaml",
            role=person.role,
        )
        user_id, said = conn.execute(
            statement.on_conflict_do_update(
                index_elements=[text("lower(email)")],
                set_={
                    "name": statement.excluded.name,
                    "is_active": statement.excluded.is_active,
                    "timezone": statement.excluded.timezone,
                    "managed_by": "yaml",
                    "role": statement.excluded.role,
                },
            ).returning(user.c.id, user.c.in_yaml)
        ).one()
        _apply_availability(conn, user_id, said or {}, person.availability)
        for event, choice in person.notify.items():
            notice_settings.set_choice(conn, user_id, event, choice)
        if person.profile:
            notice_settings.set_profile(conn, user_id, person.profile)


def _note_news(conn: Connection, before: User | None, now: Person) -> None:
    """Keep in the history of names what hub.yaml changes of a user: the name, or that the user has left."""
    if before is None:
        return
    name_changes.note_rename(conn, _FILE, "user", before.name, now.name, scope=now.email)
    if before.is_active and not now.is_active:
        name_changes.note_removal(conn, _FILE, "user", now.name, scope=now.email)
    elif now.is_active and not before.is_active:
        name_changes.note_return(conn, _FILE, "user", now.name, scope=now.email)


def _apply_availability(
    conn: Connection, user_id: int, said: Mapping[str, Any], now_said: Availability
) -> None:
    """Write what hub.yaml says of leave and pause, where it says something new.

    A command may set both as well. Its value stays until the value in the file changes.
    """
    before = {**Availability().document(), **said}
    if before != now_said.document():
        set_availability(conn, user_id, now_said)
        values = {"in_yaml": now_said.document()}
        conn.execute(update(user).where(user.c.id == user_id).values(values))


def set_availability(conn: Connection, user_id: int, wanted: Availability) -> None:
    """Write when a user takes no turns."""
    conn.execute(
        update(user)
        .where(user.c.id == user_id)
        .values(
            away_from=wanted.away_from, away_until=wanted.away_until, is_paused=wanted.is_paused
        )
    )


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user with everything that is set of them."""

    id: int
    email: str
    name: str
    is_active: bool
    role: str
    timezone: str
    away_from: datetime | None
    away_until: datetime | None
    is_paused: bool


_ROW = select(
    user.c.id,
    user.c.email,
    user.c.name,
    user.c.is_active,
    user.c.role,
    user.c.timezone,
    user.c.away_from,
    user.c.away_until,
    user.c.is_paused,
)


def lock_user(conn: Connection, email: str) -> UserRow | None:
    """Lock and return a user by e-mail, letter case aside."""
    asked = _ROW.where(func.lower(user.c.email) == email.strip().lower()).with_for_update()
    row = conn.execute(asked).one_or_none()
    return None if row is None else UserRow(*row)


def every_user(conn: Connection) -> list[UserRow]:
    """Return the users who have an e-mail address: active ones first, by name."""
    asked = _ROW.where(user.c.email.is_not(None)).order_by(
        user.c.is_active.desc(), func.lower(user.c.name), user.c.id
    )
    return [UserRow(*row) for row in conn.execute(asked)]


def add_user(conn: Connection, email: str, name: str, role: str, zone: str) -> bool:
    """Add an active user; says whether the address was free."""
    made = (
        insert(user)
        .values(
            email=email, name=name, is_active=True, role=role, timezone=zone, managed_by="person"
        )
        .on_conflict_do_nothing(index_elements=[text("lower(email)")])
    )
    return conn.execute(made.returning(user.c.id)).first() is not None


def set_user(conn: Connection, user_id: int, values: Mapping[str, Any]) -> None:
    """Write name, role, timezone or is_active of a user."""
    conn.execute(update(user).where(user.c.id == user_id).values(**values))


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
    """Connect an owner of a source with a person; an unknown one becomes an inactive person.

    The e-mail address tells who it is. An owner without one, as in a file, is the one active user of
    this name.
    """
    known = conn.execute(
        select(user.c.id).where(func.lower(user.c.email) == (email or "").lower())
    ).scalar()
    if known is None and not email and not is_queue:
        known = _only_active(conn, name)
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


def _only_active(conn: Connection, name: str) -> int | None:
    """Return the user of a name, if exactly one active user has it."""
    named = conn.execute(
        select(user.c.id).where(func.lower(user.c.name) == name.lower(), user.c.is_active).limit(2)
    )
    found = named.scalars().all()
    return found[0] if len(found) == 1 else None


_DISOWN = text("""
DELETE FROM crm.owner_identity o
USING unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS g(source, source_id)
WHERE o.source = g.source AND o.source_id = g.source_id
RETURNING o.user_id
""")


def disown(conn: Connection, identities: Sequence[tuple[str, str]]) -> list[int]:
    """Forget owners of a source (source, id); return the users that they were connected with."""
    named = conn.execute(
        _DISOWN, {"sources": [i[0] for i in identities], "ids": [i[1] for i in identities]}
    )
    return sorted({u for u in named.scalars() if u is not None})


def delete_users(conn: Connection, user_ids: Collection[int]) -> None:
    """Delete users that no row refers to but their own settings of notifications."""
    notice_settings.delete_of_users(conn, user_ids)
    conn.execute(text('DELETE FROM crm."user" WHERE id = ANY(:ids)'), {"ids": sorted(user_ids)})
