"""The notifications of a user: channels, language, hours; and the user's alerts.

Users decide for themselves, an admin for any user. A choice in hub.yaml cannot be changed by
command; the error has its line.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import alerts, notice_settings, owners
from hub.crm.alerts import Alert
from hub.crm.notice_settings import Profile, ProfileValues
from hub.crm.owners import UserRow
from hub.errors import ActionError
from hub.model.events import EventKind
from hub.notify.preferences import DEFAULTS, Mode
from hub.settings.managed import NOTHING, Managed

_OFF = "off"
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Choice:
    """How a user is notified of an event: `instant`, `digest` or `off` on each channel.

    Args:
        event: its kind.
        alert: by an alert in the hub.
        email: by e-mail.
        apprise: by a message through Apprise.
        set_by: `default`, `user`, or the line of hub.yaml.
    """

    event: str
    alert: str
    email: str
    apprise: str
    set_by: str


@dataclass(frozen=True, slots=True)
class Choices:
    """The choice of a user for every event.

    Args:
        user: address of the user.
        timezone: IANA name; digest times and quiet hours are on its clock.
        profile: language, quiet hours, digest times, Apprise target.
        choices: one for each event.
    """

    user: str
    timezone: str
    profile: Profile
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
    own = notice_settings.choices(ctx.conn, [user.id])
    found = []
    for default in DEFAULTS:
        event = str(default.event)
        said = own.get((user.id, event)) or default
        line = managed.preferences.get((user.email.lower(), event))
        set_by = line or ("user" if (user.id, event) in own else "default")
        modes = (str(said.web), str(said.email), str(said.apprise))
        found.append(Choice(event, *modes, set_by))
    profile = notice_settings.profile(ctx.conn, user.id)
    return Choices(user.email, user.timezone, profile, tuple(found))


def set_(
    ctx: Context, event: str, *, alert: Mode | None = None, mail: Mode | None = None,
    apprise: Mode | None = None, email: str | None = None, managed: Managed = NOTHING,
) -> Choice:  # fmt: skip
    """Set how a user is notified of an event; None leaves a channel as it is.

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
    web, by_mail, other = alert or old.alert, mail or old.email, apprise or old.apprise
    chosen = notice_settings.Choice(str(web), str(by_mail), str(other))
    notice_settings.set_choice(ctx.conn, user.id, event, chosen)
    return Choice(event, chosen.web, chosen.email, chosen.apprise, "user")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asks of the own profile; None leaves a value as it is.

    Args:
        language: two letters.
        quiet: `20:00-07:30`, or `off`.
        weekends: whether Saturdays and Sundays are quiet.
        digest_at: `08:00,14:00`.
        apprise: the name of a target, or `off`.
    """

    language: str | None = None
    quiet: str | None = None
    weekends: bool | None = None
    digest_at: str | None = None
    apprise: str | None = None


def set_profile(
    ctx: Context, wanted: Wanted, *, targets: Sequence[str] = (), email: str | None = None,
    managed: Managed = NOTHING,
) -> Choices:  # fmt: skip
    """Set the language, the quiet hours, the digest times or the Apprise target of a user.

    Args:
        ctx: the actor, in an open transaction.
        wanted: what is set.
        targets: the Apprise targets that the settings have.
        email: the user; None is the actor.
        managed: what hub.yaml manages.

    Raises:
        ActionError: a value is none, hub.yaml holds it, there is no such user, or the actor lacks
            the right.
    """
    user = _whose(ctx, email)
    asked = {
        "language": _language(wanted.language),
        "quiet": _quiet(wanted.quiet, wanted.weekends),
        "digest_at": _digest_at(wanted.digest_at),
        "apprise": _target(wanted.apprise, targets),
    }
    values: dict[str, str | bool | None] = {}
    for key, part in asked.items():
        line = managed.preferences.get((user.email.lower(), key))
        if part and line is not None:
            raise ActionError(
                f"hub.yaml sets {key} of {user.email}",
                resource="notification", field=key, code="conflict",
                hint=f"edit {line}, then run `hub check`",
            )  # fmt: skip
        values |= part
    if values:
        notice_settings.set_profile(ctx.conn, user.id, values)
    return show(ctx, user.email, managed=managed)


def _language(said: str | None) -> ProfileValues:
    if said is None:
        return {}
    if said not in {"en", "fr"}:
        raise _wrong("language", f"there is no language {said!r}", "en or fr")
    return {"language": said}


def _quiet(said: str | None, weekends: bool | None) -> ProfileValues:  # noqa: FBT001
    values: dict[str, str | bool | None] = {} if weekends is None else {"quiet_weekends": weekends}
    if said == _OFF:
        return {**values, "quiet_from": None, "quiet_until": None}
    if said is None:
        return values
    since, _, until = said.replace(" ", "").partition("-")
    if not _TIME.fullmatch(since) or not _TIME.fullmatch(until) or since == until:
        raise _wrong("quiet", f"{said!r} is no span of hours", "as 20:00-07:30, or off")
    return {**values, "quiet_from": since, "quiet_until": until}


def _digest_at(said: str | None) -> ProfileValues:
    if said is None:
        return {}
    times = sorted({one.strip() for one in said.split(",")})
    if not all(_TIME.fullmatch(one) for one in times):
        raise _wrong("digest_at", f"{said!r} is no list of times", "as 08:00,14:00")
    return {"digest_at": ",".join(times)}


def _target(said: str | None, known: Sequence[str]) -> ProfileValues:
    if said is None:
        return {}
    if said == _OFF:
        return {"apprise": None}
    if said not in known:
        raise _wrong(
            "apprise",
            f"there is no Apprise target {said!r}",
            f"known: {', '.join(known)}" if known else f"set HUB_APPRISE__{said.upper()}",
        )
    return {"apprise": said}


def _wrong(field: str, message: str, hint: str) -> ActionError:
    return ActionError(message, resource="notification", field=field, code="invalid", hint=hint)


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
