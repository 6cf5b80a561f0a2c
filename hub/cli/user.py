"""What `hub user` does: users, their leave, and what happens to their records when they leave."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.acting import acted_managed
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_mapping, print_table, stdout

if TYPE_CHECKING:
    from hub.actions.setup.team import UserCard

user_app = typer.Typer(
    help="Add, change, pause and deactivate users; set their leave.", no_args_is_help=True
)
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail address of the user.")]
Role = Annotated[
    str | None, typer.Option("--role", help="admin, manager, rep or viewer (default: rep).")
]
Zone = Annotated[
    str | None, typer.Option("--timezone", help="IANA name: Europe/Paris (default: UTC).")
]


@user_app.command("list")
def user_list(json: Json = False, config: Config = None) -> None:
    """Show the users."""
    from hub.actions.setup import team

    found = acted_managed(config, None, team.listed)
    if json:
        print_json(found)
        return
    print_table(
        "Users",
        ("user", "name", "role", "state", "groups", "open"),
        [(u.email, u.name, u.role, u.state, ", ".join(u.groups), _open(u.open)) for u in found],
    )


@user_app.command("show")
def user_show(email: Email, json: Json = False, config: Config = None) -> None:
    """Show a user: role, leave, groups, and what the user owns."""
    from hub.actions.setup import team

    _say(
        acted_managed(config, None, lambda ctx, managed: team.show(ctx, email, managed)), json=json
    )


@user_app.command("add")
def user_add(
    email: Email,
    name: Annotated[str, typer.Option("--name", help="Name of the user.")],
    role: Role = None,
    zone: Zone = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a user."""
    from hub.actions.setup import team

    done = acted_managed(
        config, who,
        lambda ctx, managed: team.add(
            ctx, email, name, role=role or "rep", zone=zone or "UTC", managed=managed
        ),
    )  # fmt: skip
    _say(done, json=json)


@user_app.command("edit")
def user_edit(
    email: Email,
    name: Annotated[str | None, typer.Option("--name", help="Name of the user.")] = None,
    role: Role = None,
    zone: Zone = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Change name, role or time zone of a user."""
    from hub.actions.setup import team

    done = acted_managed(
        config, who,
        lambda ctx, managed: team.edit(
            ctx, email, name=name, role=role, zone=zone, managed=managed
        ),
    )  # fmt: skip
    _say(done, json=json)


@user_app.command("away")
def user_away(
    email: Email,
    since: Annotated[
        str | None, typer.Option("--from", help="First day, or a moment (default: now).")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", "--to", help="Last day, or a moment (default: no end)."),
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Set a leave: the user takes no turns of a group from the first to the last day."""
    from hub.actions.setup import team

    done = acted_managed(
        config, who,
        lambda ctx, managed: team.away(ctx, email, since=since, until=until, managed=managed),
    )  # fmt: skip
    _say_state(done, json=json)


@user_app.command("pause")
def user_pause(email: Email, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Pause a user: no turns of any group until `hub user back`."""
    from hub.actions.setup import team

    done = acted_managed(config, who, lambda ctx, managed: team.pause(ctx, email, managed=managed))
    _say_state(done, json=json)


@user_app.command("back")
def user_back(email: Email, who: Who = None, json: Json = False, config: Config = None) -> None:
    """End the leave or pause of a user, who gets turns again."""
    from hub.actions.setup import team

    done = acted_managed(config, who, lambda ctx, managed: team.back(ctx, email, managed=managed))
    _say_state(done, json=json)


@user_app.command("deactivate")
def user_deactivate(
    email: Email,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", help="User or group that takes the open records; may be repeated."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the open records with the user.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Deactivate a user and assign the open records to others."""
    from hub.actions.setup import team

    done = acted_managed(
        config, who,
        lambda ctx, managed: team.deactivate(ctx, email, to=to or (), keep=keep, managed=managed),
    )  # fmt: skip
    if json:
        print_json(done)
        return
    given = f"; given to {', '.join(to or ())}: {_open(done.given)}" if done.given else ""
    kept = f"; kept: {_open(done.kept)}" if done.kept else ""
    stdout.print(f"{done.email} is deactivated{given}{kept}", highlight=False)
    if done.lists:
        names = ", ".join(repr(name) for name in done.lists)
        stdout.print(f"lists that name this user: {names} (hub list edit)", highlight=False)


@user_app.command("activate")
def user_activate(email: Email, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Activate a deactivated user."""
    from hub.actions.setup import team

    done = acted_managed(
        config, who, lambda ctx, managed: team.activate(ctx, email, managed=managed)
    )
    _say_state(done, json=json)


def _say(card: "UserCard", *, json: bool) -> None:
    if json:
        print_json(card)
        return
    print_mapping(
        f"user {card.email}",
        {
            "name": card.name, "role": card.role, "time zone": card.timezone, "state": card.state,
            "groups": ", ".join(card.groups) or "none", "owns": _open(card.open) or "no open records",
            "managed by": card.managed_by,
        },
    )  # fmt: skip


def _say_state(card: "UserCard", *, json: bool) -> None:
    if json:
        print_json(card)
    else:
        stdout.print(f"{card.email}: {card.state}", highlight=False)


def _open(counts: Any) -> str:
    return ", ".join(f"{n:,} {kind if n != 1 else kind[:-1]}" for kind, n in counts.items())
