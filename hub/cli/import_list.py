"""The command `hub import-list`: leads of a list of prospects, on the terms on which the list may be used."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_warning
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.connectors.files.streams import FilesConnector


def import_list(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or Excel file of the list.")],
    source: Annotated[
        str, typer.Option("--source", help="Name of the list: the source of its leads.")
    ],
    basis: Annotated[
        str,
        typer.Option("--basis", help="Legal basis: consent, contract or 'legitimate interest'."),
    ],
    consent: Annotated[
        str, typer.Option("--consent", help="Consent to e-mails: unknown or opt_in.")
    ] = "unknown",
    proof: Annotated[
        str, typer.Option("--proof", help="Where the consent comes from; an opt_in needs it.")
    ] = "",
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", metavar="YAML", help="Which field each column is."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try it on a copy of the database; keep the plan.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add leads of a list of prospects; leave out known people, customers, opt-outs."""
    from hub.cli.migrate import Wanted, bars, code_of, reported
    from hub.cli.migration_tables import show
    from hub.cli.session import opened, reached_database
    from hub.migration import files, prospects

    terms = prospects.Terms(source, basis, consent, proof).checked()
    if not file.is_file():
        raise ConfigError(f"{str(file)!r} is no file", hint="hub import-list prospects.csv …")
    with (
        opened(config) as (base, _, _settings),
        reached_database(config) as place,
        bars() as watch,
    ):
        listed = prospects.open_list(base, file, mapping, terms)
        files.check_same(base, listed)
        _warn(listed)
        hub = files.with_files(base, listed)
        wanted = Wanted(None, None, dry_run, False, False)
        done = wanted.done(hub, place, partial(acting, who=who), listed.source, watch)
        view = reported(hub, done, as_json=json)
    if not json:
        show(view, done)
    if code := code_of(view):
        raise typer.Exit(code)


def _warn(listed: "FilesConnector") -> None:
    """Say what is to be decided, and how many rows make no lead for which reason."""
    from hub.migration.prospects import SUPPRESSED

    for finding in listed.check():
        print_warning(finding.message)
    for stream in listed.objects():
        if left := listed.left_out_n(stream):
            print_warning(f"{stream.name}: the hub has {left} rows of this list already")
        for why, n in sorted(listed.marks_n(stream, SUPPRESSED).items()):
            print_warning(
                f"{stream.name}: {n} {'row makes' if n == 1 else 'rows make'} no lead: {why}"
            )
