"""What `hub group` does: distribution groups and their members."""

from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acted_managed
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_line, print_table, stdout
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.actions.setup.groups import GroupCard

group_app = typer.Typer(
    help="Set up distribution groups; their members take records in turn.", no_args_is_help=True
)
member_app = typer.Typer(
    help="Add, change and remove members of a distribution group.", no_args_is_help=True
)
group_app.add_typer(member_app, name="member")

Group = Annotated[str, typer.Argument(metavar="GROUP", help="Name of the group.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail address of the user.")]
Weight = Annotated[
    int | None, typer.Option("--weight", help="Share of the turns: 2 takes twice as many as 1.")
]
Capacity = Annotated[
    str | None,
    typer.Option("--capacity", help="How many open records the user may own; `any`: no limit."),
]
Position = Annotated[int | None, typer.Option("--position", help="Position in the order, from 1.")]


@group_app.command("list")
def group_list(json: Json = False, config: Config = None) -> None:
    """List the groups."""
    from hub.actions.setup import groups

    found = acted_managed(config, None, groups.listed)
    if json:
        print_json(found)
        return
    print_table(
        "Groups",
        ("group", "record kind", "members", "available", "next", "managed by"),
        [
            (g.name, f"{g.kind}s", len(g.members),
             sum(m.state == "available" for m in g.members), g.next, g.managed_by)
            for g in found
        ],
    )  # fmt: skip


@group_app.command("show")
def group_show(group: Group, json: Json = False, config: Config = None) -> None:
    """Show a group: its members in the order of turns, and the next member."""
    from hub.actions.setup import groups

    _say(
        acted_managed(config, None, lambda ctx, managed: groups.show(ctx, group, managed)),
        json=json,
    )


@group_app.command("add")
def group_add(
    group: Group,
    kind: Annotated[
        str,
        typer.Option(
            "--kind", help="Kind of records that the group distributes: lead, contact or deal."
        ),
    ] = "lead",
    members: Annotated[
        list[str] | None,
        typer.Option("--member", help="E-mail of a member; repeat it in the order of turns."),
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a group."""
    from hub.actions.setup import groups

    done = acted_managed(
        config, who,
        lambda ctx, managed: groups.add(ctx, group, kind, members or (), managed=managed),
    )  # fmt: skip
    _say(done, json=json)


@group_app.command("edit")
def group_edit(
    group: Group,
    name: Annotated[str, typer.Option("--name", help="New name of the group.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Rename a group."""
    from hub.actions.setup import groups

    done = acted_managed(
        config, who, lambda ctx, managed: groups.rename(ctx, group, name, managed=managed)
    )
    _say(done, json=json)


@group_app.command("remove")
def group_remove(group: Group, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Remove a group; its records keep their owners."""
    from hub.actions.setup import groups

    done = acted_managed(
        config, who, lambda ctx, managed: groups.remove(ctx, group, managed=managed)
    )
    if json:
        from hub.views.results import GroupRemoved

        print_json(GroupRemoved(done.name))
    else:
        stdout.print(f"group {done.name} is removed", highlight=False)


@member_app.command("add")
def member_add(
    group: Group,
    email: Email,
    weight: Weight = None,
    capacity: Capacity = None,
    position: Position = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a user to a group, at the end of the order or in a position."""
    from hub.actions.setup import groups
    from hub.actions.setup.groups import Change

    change = Change(weight, _capacity(capacity), None, position)
    done = acted_managed(
        config, who,
        lambda ctx, managed: groups.add_member(ctx, group, email, change, managed=managed),
    )  # fmt: skip
    _say(done, json=json)


@member_app.command("edit")
def member_edit(
    group: Group,
    email: Email,
    weight: Weight = None,
    capacity: Capacity = None,
    position: Position = None,
    pause: Annotated[
        bool | None,
        typer.Option("--pause/--resume", help="Pause the member in this group, or end the pause."),
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Set weight, capacity, position or pause of a member."""
    from hub.actions.setup import groups
    from hub.actions.setup.groups import Change

    change = Change(weight, _capacity(capacity), pause, position)
    if change == Change():
        raise ConfigError(
            "nothing to set", hint=f"hub group member edit {group} {email} --capacity 50"
        )
    done = acted_managed(
        config, who,
        lambda ctx, managed: groups.edit_member(ctx, group, email, change, managed=managed),
    )  # fmt: skip
    _say(done, json=json)


@member_app.command("remove")
def member_remove(
    group: Group, email: Email, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Remove a user from a group."""
    from hub.actions.setup import groups

    done = acted_managed(
        config, who, lambda ctx, managed: groups.remove_member(ctx, group, email, managed=managed)
    )
    _say(done, json=json)


def _capacity(said: str | None) -> int | None:
    from hub.actions.setup.groups import ANY

    if said is None:
        return None
    if said.lower() == "any":
        return ANY
    if not said.isascii() or not said.isdigit():
        raise ConfigError(
            f"--capacity {said!r} is not a number", hint="write a number from 0, or `any`"
        )
    return int(said)


def _say(card: "GroupCard", *, json: bool) -> None:
    if json:
        print_json(card)
        return
    print_line(f"group {card.name}", f"distributes {card.kind}s; managed by {card.managed_by}")
    print_table(
        "Members",
        ("", "member", "weight", "capacity", f"open {card.kind}s", "state", "next"),
        [
            (m.position, m.email, m.weight, "any" if m.capacity is None else m.capacity, m.open,
             m.state, "next" if m.email == card.next else "")
            for m in card.members
        ],
    )  # fmt: skip
