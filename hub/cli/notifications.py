"""What `hub notify` and `hub alerts` do: the notifications of a user, and the unread alerts."""

from typing import Annotated

import typer

from hub.cli.acting import acted, acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_table, stdout
from hub.errors import ConfigError

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
        return
    print_table(
        f"Notifications of {found.user}",
        ("event", "alert", "email", "set by"),
        [(c.event, _on(c.alert), _on(c.email), c.set_by) for c in found.choices],
    )


@notify_app.command("set")
def notify_set(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="As `hub notify show` names it.")],
    alert: Annotated[
        bool | None, typer.Option("--alert/--no-alert", help="Send an alert in the hub.")
    ] = None,
    mail: Annotated[bool | None, typer.Option("--email/--no-email", help="Send an e-mail.")] = None,
    of: Of = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Set the channels by which a user is notified of an event."""
    from hub.actions.setup import notifications
    from hub.settings.managed import managed

    if alert is None and mail is None:
        raise ConfigError("nothing to set", hint=f"hub notify set {event} --no-email")
    known = managed(config)
    done = acted(
        config,
        lambda conn: notifications.set_(
            acting(conn, who), event, alert=alert, mail=mail, email=of, managed=known
        ),
    )
    if json:
        print_json(done)
    else:
        stdout.print(
            f"{done.event}: alert {_on(done.alert)}, e-mail {_on(done.email)}", highlight=False
        )


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


def _on(wanted: bool) -> str:
    return "on" if wanted else "off"
