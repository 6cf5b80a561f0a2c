"""The commands `hub quarantine`: list refused values and records, show, correct and remap them."""

import json as json_module
from dataclasses import fields
from typing import Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import (
    EXIT_FAILED,
    EXIT_QUARANTINE,
    print_json,
    print_mapping,
    print_table,
    stdout,
)
from hub.errors import ConfigError

quarantine_app = typer.Typer(
    help="List, correct and retry values and records that a mapping refused.", no_args_is_help=True
)


@quarantine_app.command("list")
def quarantine_list(json: Json = False, config: Config = None) -> None:
    """List refused values and records with their reasons."""
    from hub.cli.session import opened_database
    from hub.landing.quarantine import open_rows

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        rows = open_rows(conn)
    if json:
        print_json(rows)
    else:
        print_table(
            "Quarantine",
            ("id", "source", "stream", "source id", "field", "value", "reason", "severity"),
            [
                (r.id, r.source, r.stream, r.source_id, r.field, r.value[:60], r.reason, r.severity)
                for r in rows
            ],
        )


@quarantine_app.command("show")
def quarantine_show(
    row: Annotated[int, typer.Argument(metavar="ID", help="Number in `hub quarantine list`.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Show one refused value or record, and the raw record as the source sent it."""
    from hub.cli.session import opened_database
    from hub.views.quarantine import of_row

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        found = of_row(conn, row)
    if found is None:
        raise ConfigError(
            f"there is no quarantine row {row}", hint="list the rows with `hub quarantine list`"
        )
    if json:
        print_json(found)
        return
    known = {one.name: getattr(found, one.name) for one in fields(found)}
    payload, corrections = known.pop("payload"), known.pop("corrections")
    print_mapping(f"Quarantine row {row}", known)
    if corrections:
        print_table(
            "Corrections",
            ("field", "place", "value", "who", "at"),
            [(c.field, c.path, c.value, c.who, c.at) for c in corrections],
        )
    words = payload if isinstance(payload, str) else json_module.dumps(payload, indent=2)
    stdout.out("" if payload is None else words, highlight=False)


@quarantine_app.command("fix")
def quarantine_fix(
    row: Annotated[int, typer.Argument(metavar="ID", help="Number in `hub quarantine list`.")],
    field: Annotated[
        str,
        typer.Option("--field", help="Field of the mapping, or place in the record: a.b[0].c."),
    ],
    value: Annotated[str, typer.Option("--value", help="The correct value.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Correct a refused value and map the record again; the raw record stays as it is.

    The correction applies while the source sends the same content. Newer content replaces it.
    """
    from hub.actions.rights import Right, require
    from hub.cli.session import opened
    from hub.etl import reprocess

    with opened(config) as (hub, database, _settings):
        with database.engine.begin() as conn:
            by = require(acting(conn, who), Right.WORK).name
        report = reprocess.fix(hub, reprocess.Fix(row, field, value, by))
    show_again(report, as_json=json)


@quarantine_app.command("retry")
def quarantine_retry(
    rows: Annotated[
        list[int] | None, typer.Argument(metavar="ID", help="Numbers in `hub quarantine list`.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Retry all open rows.")] = False,
    source: Annotated[
        str | None, typer.Option("--source", help="Retry only rows of this source.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Map refused records again with the present mapping, without a request to the source."""
    from hub.cli.session import opened
    from hub.etl import reprocess

    if bool(rows) == (every or (source is not None and not rows)):
        raise ConfigError(
            "name the rows to retry, or --all", hint="hub quarantine retry ID … | --all"
        )
    with opened(config) as (hub, _, _settings):
        if source is not None and source not in type(hub.settings.sources).model_fields:
            raise ConfigError(
                f"there is no source {source!r}", hint="list the sources with `hub status`"
            )
        report = reprocess.retry(hub, rows or None, source=source)
    show_again(report, as_json=json)


def show_again(report: Any, *, as_json: bool, tells_quarantine: bool = True) -> None:
    """Print the results of records that were mapped again, and exit with the matching code."""
    if as_json:
        from hub.views.results import MappedAgain

        print_json(MappedAgain(report.queued, report.verdicts, report.quarantined))
    else:
        print_mapping(
            "Mapped again",
            {"records": report.queued, **report.verdicts, "quarantined": report.quarantined},
        )
    if not report.holds:
        raise typer.Exit(EXIT_FAILED)
    if report.quarantined and tells_quarantine:
        raise typer.Exit(EXIT_QUARANTINE)
