"""The `assign` command of leads, contacts and deals."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.acting import acted, acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, stdout
from hub.errors import ConfigError


def add_assign(app: typer.Typer, kind: str) -> None:
    """Add `assign` to the commands of a kind of record."""

    @app.command("assign", help=f"Give {kind}s to a person or a distribution group.")
    def assign(
        names: Annotated[
            list[str] | None, typer.Argument(metavar="NAME…", help=f"{kind}s by number or name.")
        ] = None,
        to: Annotated[str, typer.Option("--to", help="A person's e-mail, or a group's name.")] = "",
        all_of: Annotated[
            Path | None,
            typer.Option("--all-of", help="File of names, one a line; - reads them from stdin."),
        ] = None,
        list_: Annotated[
            str | None, typer.Option("--list", help="All records of a smart list instead.")
        ] = None,
        who: Who = None,
        json: Json = False,
        config: Config = None,
    ) -> None:
        from hub.actions.people.assign import assign as act
        from hub.actions.people.assign_list import assign_list

        wanted = [*(names or ()), *_names_in(all_of)]
        if list_ is not None and wanted:
            raise ConfigError("a list or names, not both", hint="leave one away")
        if not (wanted or list_) or not to:
            raise ConfigError(
                "nothing to give away" if to else "nobody to give it to",
                hint=f"hub {kind} assign NAME… --to ann@example.com",
            )
        done = acted(
            config,
            lambda conn: (
                act(acting(conn, who), kind, wanted, to)
                if list_ is None
                else assign_list(acting(conn, who), kind, name=list_, to=to)
            ),
        )
        if json:
            print_json({"assigned": len(done.owners), "unchanged": done.unchanged})
        else:
            kept = f", {done.unchanged} as they were" if done.unchanged else ""
            stdout.print(f"{len(done.owners)} given to {to}{kept}", highlight=False)


def _names_in(file: Path | None) -> Sequence[str]:
    if file is None:
        return ()
    try:
        words = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{file} cannot be read: {exc}", hint="one name a line, UTF-8") from exc
    return [line.strip() for line in words.splitlines() if line.strip()]
