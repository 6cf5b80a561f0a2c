"""Commands as Typer reads them: loaded when they run, with guessed names, and one style of help.

In: a name of `hub.cli.commands`. Out: a command that can be run. Help is plain text of at most 80
columns. A wrong name is an error with the nearest one as its hint.
"""

import difflib
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import DefaultPlaceholder

from hub.cli.commands import PLURALS, places
from hub.errors import ConfigError

VERBS: Mapping[str, tuple[str, ...]] = {
    "create": ("add",), "new": ("add",),
    "ls": ("list",), "all": ("list",),
    "view": ("show",), "get": ("show",), "info": ("show",),
    "update": ("edit",), "change": ("edit",),
    "delete": ("remove",), "rm": ("remove",),
    "complete": ("done",), "like": ("duplicates",), "ask": ("add-criterion",),
    "give": ("assign",),
    "log": ("add",),
}  # fmt: skip
"""Verbs of other products, and the hub's; used if the group has the hub's verb only."""

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "-o": ("--owner", "--to"), "--assignee": ("--owner", "--to"), "--owner": ("--to",),
    "--assign-to": ("--owner", "--to"), "--user": ("--owner",), "--to": ("--owner",),
    "--tags": ("--tag",), "-t": ("--tag",),
    "--mail": ("--email",), "--e-mail": ("--email",),
    "--name": ("--last-name",), "--firstname": ("--first-name",), "--lastname": ("--last-name",),
    "--organization": ("--company",), "--organisation": ("--company",),
    "--amount": ("--value",), "--closedate": ("--close-date",),
    "--deadline": ("--due",), "--date": ("--at",), "--when": ("--at",),
    "--since": ("--from",), "--until": ("--to",),
    "--max": ("--limit",), "-n": ("--limit",), "--top": ("--limit",),
    "--order": ("--sort",), "--sort-by": ("--sort",),
    "--filter": ("--where",), "-w": ("--where",),
    "--yes": ("--force",), "-f": ("--force",), "--anyway": ("--force",),
    "--actor": ("--as",), "-c": ("--config",), "-j": ("--json",),
}  # fmt: skip
"""Options as users guess them, and the hub's; used if the command has the hub's option only."""


class _ReadWhenGiven:
    """Reads the value of an option; for an option that is not given, no reader is made.

    Typer makes a validator of pydantic for each option of a command, which took 3 % of a command's CPU.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value as the command takes it."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        param._runtime_param = None  # noqa: SLF001 Typer has no other place for it
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


class HubCommand(TyperCommand):
    """A command that takes guessed options for its own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, options by their guessed names too."""
        options: list[Any] = self.params
        for one in options:
            one._runtime_param = _ReadWhenGiven()  # noqa: SLF001
        known = {name for one in self.params for name in (*one.opts, *one.secondary_opts)}
        if "--wide" in args and "--wide" not in known:
            from hub.cli.output import show_wide

            show_wide()
            args = [word for word in args if word != "--wide"]
        return super().parse_args(ctx, [_option(word, known) for word in args])


def _option(word: str, known: set[str]) -> str:
    name, equals, value = word.partition("=")
    ours = next((o for o in OPTIONS.get(name, ()) if name not in known and o in known), None)
    return f"{ours}{equals}{value}" if ours else word


class HubGroup(TyperGroup):
    """A group that shows its help when no command is named, and knows guessed verbs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the group's own options; without any word, show the help and end with code 2."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            sys.stderr.write(f"{ctx.get_help()}\n")
            raise typer.Exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Return the command that a verb means.

        Raises:
            ConfigError: there is none.
        """
        verb = args[0]
        ours = next((one for one in VERBS.get(verb, ()) if one in self.commands), verb)
        found = self.commands.get(verb) or self.commands.get(ours)
        if found is None and not verb.startswith("-"):
            raise no_such(ctx.command_path, verb, self.commands)
        return super().resolve_command(ctx, [str(found.name) if found else verb, *args[1:]])

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 the base's signature
        """Write every command with the whole first sentence of its help."""
        shown = [(n, c) for n, c in self.commands.items() if not c.hidden]
        with formatter.section("Commands"):
            formatter.write_dl([(name, _sentence(one.help or "")) for name, one in shown])


def _sentence(words: str) -> str:
    return words.strip().split("\n\n")[0].replace("\n", " ")


def no_such(path: str, verb: str, known: Iterable[str]) -> ConfigError:
    """Return the error of a word that is no command, with the nearest ones as its hint."""
    names = sorted(known)
    near = difflib.get_close_matches(verb, names, n=3, cutoff=0.5)
    near = near or [name for name in names if name.startswith(verb[:3])][:3]
    if near:
        hint = f"did you mean: {', '.join(f'{path} {name}' for name in near)}"
    else:
        hint = f"{path} --help shows the commands"
    return ConfigError(f"there is no command `{path} {verb[:60]}`", hint=hint)


def find(words: list[str]) -> tuple[str, list[str]]:
    """Return the command that the first word means, and the words for it.

    Raises:
        ConfigError: there is none.
    """
    known, first, rest = places(), words[0], words[1:]
    if first in known:
        return first, rest
    name = PLURALS.get(first, first)
    if name not in known:
        raise no_such("hub", first, known)
    group = load(name)
    verbs = {*group.commands, *VERBS} if isinstance(group, TyperGroup) else set()
    is_list = "list" in verbs and not (rest and (rest[0] in verbs or rest[0] == "--help"))
    return name, ["list", *rest] if is_list else rest


def load(name: str) -> Any:
    """Import the module of a command; return it as Typer's command or group."""
    module, _, attribute = places()[name].partition(":")
    found = getattr(import_module(f"hub.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        app = found
    else:
        app = typer.Typer()
        app.command(name)(found)
    _style(app)
    command = typer.main.get_group(app) if app is found else typer.main.get_command(app)
    command.name = name
    return command


def _style(app: typer.Typer) -> None:
    """Give an app and all its commands our classes and plain help."""
    app.rich_markup_mode = None
    app._add_completion = False  # noqa: SLF001 Typer takes it only when it makes an app
    app.info.cls = HubGroup
    for one in app.registered_commands:
        one.cls = HubCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _style(group.typer_instance)
            if isinstance(group.cls, DefaultPlaceholder):
                group.cls = HubGroup
