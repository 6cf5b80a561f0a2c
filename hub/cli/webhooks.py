"""What `hub webhooks` does: check the hub's webhooks at the vendors, and register them there."""

import sys
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import EXIT_FAILED, print_json, print_line, stdout
from hub.cli.tables import wrapped
from hub.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.actions.context import Acting, Context
    from hub.actions.setup.webhooks import Webhook

webhooks_app = typer.Typer(
    help="Check and register the webhooks that vendors send to the hub.", no_args_is_help=True
)
Source = Annotated[
    str | None, typer.Argument(metavar="SOURCE", help="A source, such as typeform; default: all.")
]
_SHOWN = 3
_DONE = {"make": "made", "mend": "mended"}


@webhooks_app.command("check")
def webhooks_check(
    source: Source = None, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Check the webhooks that the vendors have against hub.yaml, with the next step for each."""
    from hub.actions.setup import webhooks
    from hub.cli.session import opened

    with opened(config) as (hub, _database, _settings):
        found = webhooks.check(hub, _as(who), source)
    _end(found, json=json)


@webhooks_app.command("register")
def webhooks_register(
    source: Source = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without a question.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it would do; write nothing.")
    ] = False,
    renew: Annotated[
        bool,
        typer.Option("--renew", help="Write those that look right, too: after a changed secret."),
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Register the hub's webhook at each vendor, or mend it; webhooks of others stay as they are."""
    from hub.actions.setup import webhooks
    from hub.cli.session import opened

    with opened(config) as (hub, _database, _settings):
        planned = webhooks.plan(hub, _as(who), source, renew=renew)
        found = [one.webhook for one in planned]
        writes = [one for one in found if one.does]
        if writes and not dry_run:
            if not json:
                _announce(writes)
            _agreed(len(writes), yes=yes, json=json)
            found = webhooks.register(hub, _as(who), planned)
    if dry_run:
        if json:
            print_json(found)
        else:
            _announce(writes)
            _lines([one for one in found if not one.does])
        return
    if not json:
        for one in found:
            if one.does:
                print_line(_DONE[one.does], f"{_name(one)}: {one.address}")
    _end(found, json=json)


def _as(who: str | None) -> "Acting":
    def context(conn: "Connection") -> "Context":
        return acting(conn, who)

    return context


def _announce(writes: Sequence["Webhook"]) -> None:
    for one in writes:
        print_line(f"to {one.does}", f"{_name(one)}: {one.message}")


def _agreed(n: int, *, yes: bool, json: bool) -> None:
    """Ask before anything is written at a vendor.

    Raises:
        ConfigError: there is no terminal to ask at.
        typer.Exit: the answer was no.
    """
    if yes:
        return
    if json or not sys.stdin.isatty():
        raise ConfigError(
            f"{_webhooks(n)} would be written at the vendors, and nobody can be asked here",
            hint="--dry-run shows them, --yes writes them",
        )
    if not typer.confirm(f"Write {_webhooks(n)} at the vendors?"):
        stdout.print("nothing was written")
        raise typer.Exit(EXIT_FAILED)


def _end(found: Sequence["Webhook"], *, json: bool) -> None:
    if json:
        print_json(found)
    else:
        _lines(found)
    if not all(one.ok for one in found):
        raise typer.Exit(EXIT_FAILED)


def _lines(found: Sequence["Webhook"]) -> None:
    """Write a line for each source, or for each thing that is wrong with it."""
    if not found:
        stdout.print("no source of hub.yaml sends webhooks")
    for source, every in groupby(found, key=lambda one: one.source):
        parts = list(every)
        wrong = [one for one in parts if not one.ok]
        for message, hint in dict.fromkeys((one.message, one.hint) for one in wrong or parts[:1]):
            same = [one for one in parts if (one.message, one.hint) == (message, hint)]
            mark = _mark(same[0])
            _put(f"{mark}  ", f"{source}: {_of(same, len(parts))}{message}", indent=4)
            if hint:
                _put(f"{'':6}", hint, indent=6)


def _put(head: str, words: str, *, indent: int) -> None:
    """Write words behind a head; on a terminal further lines begin below the words."""
    lines = wrapped(words, max(20, stdout.width - indent)) if stdout.is_terminal else [words]
    stdout.write("\n".join([f"{head}{lines[0]}", *(f"{'':{indent}}{line}" for line in lines[1:])]))


def _mark(one: "Webhook") -> str:
    if not one.ok:
        return stdout.styled("no", "red")
    return stdout.styled("ok", "green") if one.state == "right" else stdout.styled("--", "yellow")


def _of(same: Sequence["Webhook"], n: int) -> str:
    """Return which parts of a source a line is about, "" for the one part of a source."""
    if n == 1:
        return ""
    if len(same) == n:
        return f"{n} of {n}: "
    named = ", ".join(one.part for one in same[:_SHOWN])
    return f"{len(same)} of {n} ({named}{' and more' if len(same) > _SHOWN else ''}): "


def _name(one: "Webhook") -> str:
    return f"{one.source} {one.part}"


def _webhooks(n: int) -> str:
    return f"{n} webhook{'' if n == 1 else 's'}"
