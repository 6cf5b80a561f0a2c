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

    @app.command("assign", help=f"Assign {kind}s to a user or a distribution group.")
    def assign(
        names: Annotated[
            list[str] | None, typer.Argument(metavar="NAME…", help=f"{kind}s by number or name.")
        ] = None,
        to: Annotated[str, typer.Option("--to", help="E-mail of a user, or name of a group.")] = "",
        all_of: Annotated[
            Path | None,
            typer.Option("--all-of", help="File with one name per line; - reads stdin."),
        ] = None,
        list_: Annotated[
            str | None, typer.Option("--list", help="Assign all records of this saved list.")
        ] = None,
        who: Who = None,
        json: Json = False,
        config: Config = None,
    ) -> None:
        from hub.actions.people.assign import assign as act
        from hub.actions.people.assign_list import assign_list

        wanted = [*(names or ()), *_names_in(all_of)]
        if list_ is not None and wanted:
            raise ConfigError(
                "a list and names were given; one of them is allowed", hint="omit one of them"
            )
        if not (wanted or list_) or not to:
            raise ConfigError(
                "the records are missing" if to else "the new owner is missing",
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
            from hub.views.results import RecordsAssigned

            print_json(RecordsAssigned(len(done.owners), done.unchanged))
        else:
            kept = f", {done.unchanged} unchanged" if done.unchanged else ""
            stdout.print(f"{len(done.owners)} assigned to {to}{kept}", highlight=False)


def _names_in(file: Path | None) -> Sequence[str]:
    if file is None:
        return ()
    try:
        words = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(
            f"{file} cannot be read: {exc}", hint="write one name per line, in UTF-8"
        ) from exc
    return [line.strip() for line in words.splitlines() if line.strip()]
