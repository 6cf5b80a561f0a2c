"""What `hub init` and `hub check` do: from nothing to a configuration whose logins work."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.options import Config, Json
from hub.cli.output import EXIT_OPERATOR, print_json, stdout
from hub.errors import ConfigError


def init(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Sources to configure (default: the command asks on a terminal)."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of a source, e.g. salesforce.domain=acme.my."),
    ] = None,
    owners: Annotated[
        list[str] | None,
        typer.Option("--owner", help="User who may own leads: an address, or Name <address>."),
    ] = None,
    sandbox: Annotated[
        Path | None,
        typer.Option("--sandbox", help="File with the output of `hub sandbox --json`."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite hub.yaml.")] = False,
) -> None:
    """Write a commented hub.yaml without secrets into the working directory, then test the logins.

    Without a source, and without a terminal to ask, it is an example. The logins are tried once
    all the secrets of the chosen sources are set.
    """
    from hub.cli.init import ask_choices, choices_of, refuse_existing, write_config

    path = Path("hub.yaml")
    refuse_existing(path, force=force)
    choices = None
    if sources:
        choices = choices_of(sources, settings or (), owners or ())
    elif settings or owners:
        raise ConfigError("the sources are missing", hint="hub init salesforce typeform --set …")
    elif sandbox is None and sys.stdin.isatty():
        choices = ask_choices()
    path, names = write_config(path, sandbox, choices=choices, force=force)
    stdout.print(f"wrote {path}", highlight=False)
    missing = [one for one in names if not (os.environ.get(one) or os.environ.get(f"{one}_FILE"))]
    stdout.print("secrets are read from the environment:", highlight=False)
    for name in names:
        state = "" if sandbox else "  not set" if name in missing else "  is set"
        stdout.print(f"  {name}{state}", highlight=False)
    if choices is None:
        return
    if missing:
        stdout.print("then run: hub check", highlight=False)
    else:
        check(config=path)


def check(
    source: Annotated[str | None, typer.Argument(help="Name of a source; default: all.")] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Check all credentials, permissions and settings, with advice for each failure."""
    from hub.cli.checking import run_checks

    findings = run_checks(config, source)
    if json:
        print_json(findings)
    else:
        for finding in findings:
            mark = stdout.styled("ok", "green") if finding.ok else stdout.styled("no", "red")
            stdout.print(f"{mark}  {finding.subject}: {finding.message}", highlight=False)
            if finding.hint and not finding.ok:
                stdout.print(f"      {finding.hint}", highlight=False)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(EXIT_OPERATOR)
