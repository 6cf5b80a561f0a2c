"""Users by command: added, changed, away, paused, back, deactivated.

What hub.yaml manages is refused and the line to edit is named; leave and pause may be set by command
for any user. Not here: groups (`groups`), and what a user wants to hear (`hub.actions.setup.notifications`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from zoneinfo import available_timezones

from hub.actions.context import Context
from hub.actions.people.assign import assign_many
from hub.actions.rights import Right, require
from hub.crm import activities, groups, owners, ownership
from hub.crm.groups import is_away
from hub.crm.owners import Availability, UserRow
from hub.crm.ownership import Open
from hub.errors import ActionError, invalid
from hub.lists import places
from hub.lists.places import Target
from hub.model.days import first_words, last_words, span
from hub.records import name_changes
from hub.settings.managed import NOTHING, Managed

_RESOURCE = "user"
_invalid = partial(invalid, _RESOURCE)
ROLES = ("admin", "manager", "rep", "viewer")
_KINDS = ("lead", "contact", "deal")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


@dataclass(frozen=True, slots=True)
class UserCard:
    """A user as people read it.

    Args:
        email: of the user.
        name: of the user.
        role: admin, manager, rep or viewer.
        timezone: IANA name.
        state: active, away …, paused or deactivated.
        groups: names of the groups of which the user is a member.
        open: how many open leads, contacts, deals and tasks the user owns.
        managed_by: the line of hub.yaml, or `commands`.
    """

    email: str
    name: str
    role: str
    timezone: str
    state: str
    groups: Sequence[str]
    open: Mapping[str, int]
    managed_by: str


@dataclass(frozen=True, slots=True)
class Deactivated:
    """What became of the open records of a user who leaves, by kind.

    Args:
        email: of the user.
        given: records that went to others.
        kept: records that stay.
        lists: saved lists that name the user. They still show what the user owns.
    """

    email: str
    given: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    lists: Sequence[str] = ()


def listed(ctx: Context, managed: Managed = NOTHING) -> list[UserCard]:
    """Return the users, those who are active first."""
    require(ctx, Right.READ)
    return [_card(ctx, user, managed) for user in owners.every_user(ctx.conn)]


def show(ctx: Context, email: str, managed: Managed = NOTHING) -> UserCard:
    """Return one user.

    Raises:
        ActionError: there is no such user.
    """
    require(ctx, Right.READ)
    return _card(ctx, _locked(ctx, email), managed)


def add(
    ctx: Context, email: str, name: str, *, role: str = "rep", zone: str = "UTC",
    managed: Managed = NOTHING,
) -> UserCard:  # fmt: skip
    """Add a user who may own records.

    Raises:
        ActionError: the address is taken or none, or role or time zone are unknown.
    """
    require(ctx, Right.SET_UP)
    wanted = email.strip()
    if not _EMAIL.fullmatch(wanted):
        raise _invalid("email", f"{email!r} is not an e-mail address", "as in ann@example.com")
    if not name.strip():
        raise _invalid("name", "a user needs a name", "add --name")
    _check(role, zone)
    if not owners.add_user(ctx.conn, wanted, name.strip(), role, zone):
        raise ActionError(
            f"the user {wanted} exists already",
            resource=_RESOURCE, field="email", code="duplicate",
            hint=f"hub user activate {wanted} activates an inactive user",
        )  # fmt: skip
    return show(ctx, wanted, managed)


def edit(
    ctx: Context, email: str, *, name: str | None = None, role: str | None = None,
    zone: str | None = None, managed: Managed = NOTHING,
) -> UserCard:  # fmt: skip
    """Change name, role or time zone of a user.

    Raises:
        ActionError: there is no such user, a value is unknown, or hub.yaml manages the user.
    """
    require(ctx, Right.SET_UP)
    user = _locked(ctx, email)
    _refuse_managed(user, managed)
    _check(role or user.role, zone or user.timezone)
    asked = {"name": name and name.strip(), "role": role, "timezone": zone}
    values = {field: value for field, value in asked.items() if value}
    if values:
        owners.set_user(ctx.conn, user.id, values)
    now = values.get("name", user.name)
    name_changes.note_rename(ctx.conn, ctx.who, "user", user.name, now, scope=user.email)
    return show(ctx, user.email, managed)


def away(
    ctx: Context, email: str, *, since: str | None = None, until: str | None = None,
    managed: Managed = NOTHING,
) -> UserCard:  # fmt: skip
    """Give a user no turns for a span of days, in all groups; users may say so of themselves.

    Args:
        ctx: the actor, in an open transaction.
        email: the user.
        since: the first day, or a moment; None is now.
        until: the last day, which is part of it, or a moment; None has no end.
        managed: what hub.yaml manages, for the card.

    Raises:
        ActionError: there is no such user, or the span is none or over.
    """
    user = _of_oneself(ctx, email)
    now = ctx.clock.now()
    begin = now if since is None else _ends("from", since, user.timezone, now)[0]
    end = None if until is None else _ends("until", until, user.timezone, now)[1]
    if end is not None and (end <= begin or end <= now):
        raise _invalid("until", f"{until} is before the leave begins", "give a later day")
    owners.set_availability(ctx.conn, user.id, Availability(begin, end, user.is_paused))
    return show(ctx, user.email, managed)


def pause(ctx: Context, email: str, *, managed: Managed = NOTHING) -> UserCard:
    """Give a user no turns in any group until `back`.

    Raises:
        ActionError: there is no such user.
    """
    user = _of_oneself(ctx, email)
    wanted = Availability(user.away_from, user.away_until, is_paused=True)
    owners.set_availability(ctx.conn, user.id, wanted)
    return show(ctx, user.email, managed)


def back(ctx: Context, email: str, *, managed: Managed = NOTHING) -> UserCard:
    """Give a user turns again: ends leave and pause.

    Raises:
        ActionError: there is no such user.
    """
    user = _of_oneself(ctx, email)
    owners.set_availability(ctx.conn, user.id, Availability())
    return show(ctx, user.email, managed)


def activate(ctx: Context, email: str, *, managed: Managed = NOTHING) -> UserCard:
    """Reactivate a user: the user may act and own records again.

    Raises:
        ActionError: there is no such user, or hub.yaml says that the user has left.
    """
    require(ctx, Right.SET_UP)
    user = _locked(ctx, email)
    if user.email.lower() in managed.left:
        _refuse_managed(user, managed)
    owners.set_user(ctx.conn, user.id, {"is_active": True})
    if not user.is_active:
        name_changes.note_return(ctx.conn, ctx.who, "user", user.name, scope=user.email)
    return show(ctx, user.email, managed)


def deactivate(
    ctx: Context, email: str, *, to: Sequence[str] = (), keep: bool = False,
    managed: Managed = NOTHING,
) -> Deactivated:  # fmt: skip
    """Deactivate a user, and assign the open records to others.

    A group takes the records of its kind, a user those of all other kinds. Tasks go to the user, or else
    to the new owner of the record that each is on.

    Args:
        ctx: the actor, in an open transaction.
        email: the user; the open records of a user who has left may still be assigned.
        to: e-mails and names of groups that take the open records.
        keep: leave the records where they are.
        managed: what hub.yaml manages.

    Raises:
        ActionError: there is no such user or receiver; open records have no receiver; hub.yaml says
            that the user is active; or a rule of hub.yaml gives records to the user.
    """
    require(ctx, Right.SET_UP)
    user = _locked(ctx, email)
    address = user.email.lower()
    if address in managed.people and address not in managed.left:
        raise ActionError(
            f"hub.yaml says that {user.email} is active",
            resource=_RESOURCE, code="conflict",
            hint=f"write `active: false` in {managed.people[address]}, then run this command again",
        )  # fmt: skip
    if user.is_active and (lines := managed.routed.get(address)):
        raise ActionError(
            f"{user.email} cannot leave: routing gives records to this user",
            resource=_RESOURCE, code="conflict", hint=f"first edit {', '.join(lines)}",
        )  # fmt: skip
    named = places.uses(ctx.conn, Target("user", frozenset({user.id}), user.email))
    lists = [use.name for use in named if use.place == "list"]
    owned = ownership.open_of(ctx.conn, user.id)
    counts = _counts(owned)
    receivers = {} if keep else _receivers(ctx, user, owned, to)
    owners.set_user(ctx.conn, user.id, {"is_active": False})
    if user.is_active:
        name_changes.note_removal(ctx.conn, ctx.who, "user", user.name, scope=user.email)
    if keep:
        return Deactivated(user.email, {}, counts, lists)
    for kind in _KINDS:
        if owned.of(kind):
            assign_many(ctx, kind, owned.of(kind), receivers[kind], is_bulk=True)
    person = receivers.get("task")
    number = None if person is None else ownership.active_user(ctx.conn, person)
    tasks = activities.set_task_owners(ctx.conn, owned.task, number)
    left = len(owned.task) - len(tasks)
    given = {**counts, "tasks": len(tasks)} if counts.get("tasks") else counts
    kept = {"tasks": left} if left else {}
    return Deactivated(user.email, {k: n for k, n in given.items() if n}, kept, lists)


def _receivers(ctx: Context, user: UserRow, owned: Open, to: Sequence[str]) -> dict[str, str]:
    """Return who takes which kind: kind → e-mail or group; `task` only where a user is named."""
    found: dict[str, str] = {}
    people = [name.removeprefix("user:") for name in to if "@" in name]
    for name in to:
        group = None if "@" in name else groups.named(ctx.conn, name.removeprefix("group:"))
        if group is not None:
            found[group.record_kind] = group.name
        elif "@" not in name:
            raise ActionError(
                f"there is no distribution group {name!r}",
                resource=_RESOURCE, field="to", code="not_found",
                hint="give the e-mail of a user, or a group from `hub group list`",
            )  # fmt: skip
    if people and people[0].lower() == user.email.lower():
        raise _invalid("to", f"{user.email} cannot take the records", "choose another user")
    if people:
        found = {**dict.fromkeys((*_KINDS, "task"), people[0]), **found}
    without = [kind for kind in _KINDS if owned.of(kind) and kind not in found]
    if without or (owned.task and not to):
        open_ = ", ".join(
            f"{n:,} {kind.removesuffix('s') if n == 1 else kind}"
            for kind, n in _counts(owned).items()
        )
        raise ActionError(
            f"{user.email} owns open records: {open_}",
            resource=_RESOURCE, code="conflict",
            hint=f"choose a new owner: hub user deactivate {user.email} --to ann@example.com "
            "(or --to GROUP, for its kind of record); --keep changes no owner",
        )  # fmt: skip
    return found


def _counts(owned: Open) -> dict[str, int]:
    return {f"{kind}s": len(owned.of(kind)) for kind in (*_KINDS, "task") if owned.of(kind)}


def _of_oneself(ctx: Context, email: str) -> UserRow:
    """Return a user whose leave the actor may set: the own one, or any user's for an admin."""
    user = _locked(ctx, email)
    require(ctx, Right.WORK if ctx.actor.user_id == user.id else Right.SET_UP)
    return user


def _locked(ctx: Context, email: str) -> UserRow:
    require(ctx, Right.READ)
    found = owners.lock_user(ctx.conn, email.removeprefix("user:"))
    if found is None:
        raise ActionError(
            f"there is no user {email!r}",
            resource=_RESOURCE, code="not_found", hint="hub user list shows them",
        )  # fmt: skip
    return found


def _card(ctx: Context, user: UserRow, managed: Managed) -> UserCard:
    return UserCard(
        email=user.email,
        name=user.name,
        role=user.role,
        timezone=user.timezone,
        state=_state(user, ctx.clock.now()),
        groups=[g.name for g in groups.of_user(ctx.conn, user.id)],
        open=_counts(ownership.open_of(ctx.conn, user.id)),
        managed_by=managed.people.get(user.email.lower(), "commands"),
    )


def _state(user: UserRow, now: datetime) -> str:
    if not user.is_active:
        return "deactivated"
    words = ["paused"] if user.is_paused else []
    since, until, zone = user.away_from, user.away_until, user.timezone
    if is_away(since, until, now):
        words.append(f"away until {last_words(until, zone)}" if until else "away")
    elif since is not None and since > now:
        end = f" until {last_words(until, zone)}" if until else ""
        words.append(f"away from {first_words(since, zone)}{end}")
    return ", ".join(words) or "active"


def _ends(field: str, said: str, zone: str, now: datetime) -> tuple[datetime, datetime]:
    found = span(said, zone, now)
    if found is None:
        raise _invalid(field, f"{said!r} is not a date", "as in 2026-12-21, or '2026-12-21 14:00'")
    return found


def _check(role: str, zone: str) -> None:
    if role not in ROLES:
        raise _invalid("role", f"{role!r} is not a role", f"roles: {', '.join(ROLES)}")
    if zone not in available_timezones():
        raise _invalid("timezone", f"there is no time zone {zone!r}", "as in Europe/Paris")


def _refuse_managed(user: UserRow, managed: Managed) -> None:
    line = managed.people.get(user.email.lower())
    if line is not None:
        raise ActionError(
            f"hub.yaml manages the user {user.email}",
            resource=_RESOURCE, code="conflict",
            hint=f"edit {line}, then run `hub check`; leave and pause may be set by command",
        )  # fmt: skip
