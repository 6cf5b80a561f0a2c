"""The notifications of a user, their channels, and the user's alerts.

Users decide for themselves, an admin for any user. A choice in hub.yaml cannot be changed by
command; the error has its line.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import alerts, owners
from hub.crm.alerts import Alert
from hub.crm.owners import UserRow
from hub.errors import ActionError
from hub.model.events import EventKind
from hub.notify.preferences import DEFAULTS
from hub.settings.managed import NOTHING, Managed


@dataclass(frozen=True, slots=True)
class Choice:
    """The channels by which a user is notified of an event.

    Args:
        event: its kind.
        alert: by an alert in the hub.
        email: by e-mail.
        set_by: `default`, `user`, or the line of hub.yaml.
    """

    event: str
    alert: bool
    email: bool
    set_by: str


@dataclass(frozen=True, slots=True)
class Choices:
    """The choice of a user for every event.

    Args:
        user: address of the user.
        choices: one for each event.
    """

    user: str
    choices: tuple[Choice, ...]


def show(ctx: Context, email: str | None = None, *, managed: Managed = NOTHING) -> Choices:
    """Return the choice of a user for every event.

    Args:
        ctx: the actor, in an open transaction.
        email: the user; None is the actor.
        managed: what hub.yaml manages.

    Raises:
        ActionError: there is no such user, or the actor lacks the right.
    """
    user = _whose(ctx, email)
    own = owners.preferences(ctx.conn, [user.id])
    found = []
    for default in DEFAULTS:
        event = str(default.event)
        web, mail = own.get((user.id, event), (default.web, default.email))
        line = managed.preferences.get((user.email.lower(), event))
        set_by = line or ("user" if (user.id, event) in own else "default")
        found.append(Choice(event, web, mail, set_by))
    return Choices(user.email, tuple(found))


def set_(
    ctx: Context, event: str, *, alert: bool | None = None, mail: bool | None = None,
    email: str | None = None, managed: Managed = NOTHING,
) -> Choice:  # fmt: skip
    """Set the channels by which a user is notified of an event; None leaves a channel as it is.

    Raises:
        ActionError: there is no such event or user, hub.yaml holds the choice, or the actor lacks
            the right.
    """
    user = _whose(ctx, email)
    if event not in set(EventKind):
        near = difflib.get_close_matches(event, list(EventKind), n=3)
        raise ActionError(
            f"there is no event {event!r}",
            resource="notification", field="event", code="not_found",
            hint=f"did you mean {' or '.join(near)}?" if near else f"events: {', '.join(EventKind)}",
        )  # fmt: skip
    line = managed.preferences.get((user.email.lower(), event))
    if line is not None:
        raise ActionError(
            f"hub.yaml sets how {user.email} is notified of {event}",
            resource="notification", code="conflict", hint=f"edit {line}, then run `hub check`",
        )  # fmt: skip
    before = show(ctx, user.email, managed=managed)
    (old,) = [choice for choice in before.choices if choice.event == event]
    web = old.alert if alert is None else alert
    by_mail = old.email if mail is None else mail
    owners.set_preference(ctx.conn, user.id, event, web=web, email=by_mail)
    return Choice(event, web, by_mail, "user")


def alerts_of(
    ctx: Context, email: str | None = None, *, unread: bool = False, limit: int = 50
) -> list[Alert]:
    """Return the alerts of a user, the newest first.

    Raises:
        ActionError: there is no such user, or the actor lacks the right.
    """
    return alerts.of_user(ctx.conn, _whose(ctx, email).id, unread=unread, limit=limit)


def read(ctx: Context, numbers: Sequence[int] | None, email: str | None = None) -> int:
    """Mark alerts as read, all of the user where `numbers` is None; returns how many.

    Raises:
        ActionError: there is no such user or alert, or the actor lacks the right.
    """
    user = _whose(ctx, email)
    if numbers is not None and (missing := alerts.unknown(ctx.conn, user.id, numbers)):
        raise ActionError(
            f"{user.email} has no alert {missing[0]}",
            resource="alert", code="not_found", hint="hub alerts shows the numbers",
        )  # fmt: skip
    return alerts.mark_read(ctx.conn, user.id, numbers, ctx.clock.now())


def _whose(ctx: Context, email: str | None) -> UserRow:
    require(ctx, Right.READ)
    own = getattr(ctx.actor, "email", None)
    said = email or own
    if said is None:
        raise ActionError(
            f"{ctx.who} is not a user of the hub and has no notifications",
            resource="user", code="required",
            hint="name a user: --user ann@example.com, or --as ann@example.com",
        )  # fmt: skip
    found = owners.lock_user(ctx.conn, said)
    if found is None:
        raise ActionError(
            f"there is no user {said!r}",
            resource="user", code="not_found", hint="hub user list shows them",
        )  # fmt: skip
    if ctx.actor.user_id != found.id:
        require(ctx, Right.SET_UP)
    return found
