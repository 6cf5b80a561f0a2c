"""What `hub notify` and `hub alerts` do: the notifications of a user, and the unread alerts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acted, acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_table, stdout
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.actions.setup.notifications import Choices
    from hub.notify.preferences import Mode

notify_app = typer.Typer(
    help="Set the channels by which a user is notified of an event.", no_args_is_help=True
)
alerts_app = typer.Typer(help="Show the alerts of a user, mark them as read.")
Of = Annotated[
    str | None,
    typer.Option("--user", help="E-mail of the user (default: you). Other users need an admin."),
]


@notify_app.command("show")
def notify_show(of: Of = None, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Show the channels by which a user is notified of each event."""
    from hub.actions.setup import notifications
    from hub.settings.managed import managed

    known = managed(config)
    found = acted(config, lambda conn: notifications.show(acting(conn, who), of, managed=known))
    if json:
        print_json(found)
    else:
        _print(found)


def _print(found: "Choices") -> None:
    has_target = found.profile.apprise is not None
    print_table(
        f"Notifications of {found.user}",
        ("event", "alert", "email", *(["apprise"] if has_target else []), "set by"),
        [
            (
                c.event,
                _on(c.alert),
                _on(c.email),
                *([_on(c.apprise)] if has_target else []),
                c.set_by,
            )
            for c in found.choices
        ],
    )
    stdout.print(_profile_words(found), highlight=False)


def _profile_words(found: "Choices") -> str:
    said = found.profile
    quiet = [f"{said.quiet_from}-{said.quiet_until}"] if said.quiet_from else []
    quiet += ["weekends"] if said.quiet_weekends else []
    target = f"; Apprise target {said.apprise}" if said.apprise else ""
    return (
        f"language {said.language}; digests at {said.digest_at.replace(',', ', ')}; "
        f"quiet hours {' and '.join(quiet) or 'none'} ({found.timezone}){target}"
    )


@notify_app.command("set")
def notify_set(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="As `hub notify show` names it.")],
    alert: Annotated[
        bool | None, typer.Option("--alert/--no-alert", help="Send an alert in the hub.")
    ] = None,
    mail: Annotated[bool | None, typer.Option("--email/--no-email", help="Send an e-mail.")] = None,
    apprise: Annotated[
        bool | None,
        typer.Option("--apprise/--no-apprise", help="Send a message through Apprise."),
    ] = None,
    digest: Annotated[
        list[str] | None,
        typer.Option(
            "--digest", metavar="CHANNEL",
            help="Send it on this channel with the next digest: alert, email or apprise. Repeatable.",
        ),
    ] = None,
    of: Of = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:  # fmt: skip
    """Set the channels by which a user is notified of an event."""
    from hub.actions.setup import notifications
    from hub.settings.managed import managed

    flags = {"alert": alert, "email": mail, "apprise": apprise}
    if digest is None and all(said is None for said in flags.values()):
        raise ConfigError("nothing to set", hint=f"hub notify set {event} --no-email")
    for channel in digest or ():
        if channel not in flags:
            raise ConfigError(
                f"there is no channel {channel!r}", hint="--digest alert, email or apprise"
            )
    modes = {channel: _mode(channel, said, digest or ()) for channel, said in flags.items()}
    known = managed(config)
    done = acted(
        config,
        lambda conn: notifications.set_(
            acting(conn, who), event, alert=modes["alert"], mail=modes["email"],
            apprise=modes["apprise"], email=of, managed=known,
        ),
    )  # fmt: skip
    if json:
        print_json(done)
    else:
        other = (
            f", apprise {_on(done.apprise)}" if done.apprise != "off" or apprise is False else ""
        )
        stdout.print(
            f"{done.event}: alert {_on(done.alert)}, e-mail {_on(done.email)}{other}",
            highlight=False,
        )


def _mode(channel: str, said: bool | None, digest: Sequence[str]) -> "Mode | None":
    from hub.notify.preferences import Mode

    if channel in digest:
        return Mode.DIGEST
    return None if said is None else Mode.INSTANT if said else Mode.OFF


@notify_app.command("profile")
def notify_profile(
    language: Annotated[
        str | None, typer.Option("--language", help="Language of notifications: en or fr.")
    ] = None,
    quiet: Annotated[
        str | None,
        typer.Option("--quiet", help="Hours without mail and messages: 20:00-07:30, or off."),
    ] = None,
    weekends: Annotated[
        bool | None,
        typer.Option(
            "--quiet-weekends/--no-quiet-weekends", help="No mail on Saturdays and Sundays."
        ),
    ] = None,
    digest_at: Annotated[
        str | None,
        typer.Option("--digest-at", help="Times at which digests are sent: 08:00,14:00."),
    ] = None,
    apprise: Annotated[
        str | None,
        typer.Option("--apprise", help="Apprise target, as the settings name it; or off."),
    ] = None,
    of: Of = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Set the language, the quiet hours and the digest times of a user."""
    from hub.actions.setup import notifications
    from hub.settings import load
    from hub.settings.managed import managed

    targets = sorted(load(config, needed=False).apprise)
    known = managed(config)
    done = acted(
        config,
        lambda conn: notifications.set_profile(
            acting(conn, who),
            notifications.Wanted(language, quiet, weekends, digest_at, apprise),
            targets=targets,
            email=of,
            managed=known,
        ),
    )  # fmt: skip
    if json:
        print_json(done)
    else:
        stdout.print(f"{done.user}: {_profile_words(done)}", highlight=False)


@alerts_app.callback(invoke_without_command=True)
def alerts(
    ctx: typer.Context,
    unread: Annotated[bool, typer.Option("--unread", help="Only unread alerts.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Largest number of alerts.")] = 50,
    of: Of = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the alerts of a user, the newest first."""
    if ctx.invoked_subcommand is not None:
        return
    from hub.actions.setup import notifications

    found = acted(
        config,
        lambda conn: notifications.alerts_of(acting(conn, who), of, unread=unread, limit=limit),
    )
    if json:
        print_json(found)
        return
    print_table(
        "Alerts",
        ("", "at", "record", "alert", "read"),
        [(a.id, a.at, a.record, a.text, "" if a.read_at is None else "read") for a in found],
    )
    if len(found) == limit:
        stdout.print(f"the newest {limit}; --limit shows more", highlight=False)


@alerts_app.command("read")
def alerts_read(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="NUMBER…", help="Numbers, as `hub alerts` shows them."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All unread alerts.")] = False,
    of: Of = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Mark alerts as read."""
    from hub.actions.setup import notifications

    if bool(numbers) == all_:
        raise ConfigError("name alerts, or --all", hint="hub alerts read 12 13")
    wanted = None if all_ else list(numbers or ())
    done = acted(config, lambda conn: notifications.read(acting(conn, who), wanted, of))
    if json:
        from hub.views.results import AlertsRead

        print_json(AlertsRead(done))
    else:
        stdout.print(f"{done} marked as read", highlight=False)


def _on(mode: str) -> str:
    return {"instant": "on"}.get(mode, mode)
