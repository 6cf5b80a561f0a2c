"""The `hub` command: every verb, its options, and how it ends."""

import io
import logging
import os
import signal
import sys
from typing import Annotated

import typer

from hub.cli import (
    activities,
    backups,
    batches,
    identity,
    people,
    reports,
    showing,
    starting,
    tasks,
    upgrading,
)
from hub.cli.company import company_app
from hub.cli.configuration import config_app
from hub.cli.consent import consent_app
from hub.cli.deal import deal_app
from hub.cli.field import field_app
from hub.cli.group import group_app
from hub.cli.lead import lead_app
from hub.cli.link import layout_app, link_app
from hub.cli.lists import list_app
from hub.cli.mapping_commands import mappings_app
from hub.cli.match_commands import match_app
from hub.cli.options import Config, Json
from hub.cli.output import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    exit_code,
    print_error,
    print_fault,
    print_json,
    print_table,
    print_warning,
    stdout,
    sync_code,
)
from hub.cli.pipeline import pipeline_app, reason_app
from hub.cli.quarantine import quarantine_app
from hub.cli.tickets import register_tickets
from hub.cli.user import user_app
from hub.errors import ConfigError, HubError

app = typer.Typer(
    name="hub",
    help="Lead Hub: leads from many vendors, one clean CRM, an owner who knows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (
    starting,
    showing,
    identity,
    activities,
    tasks,
    people,
    reports,
    batches,
    backups,
    upgrading,
):
    commands.register(app)
app.add_typer(mappings_app, name="mappings")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(config_app, name="config")
app.add_typer(consent_app, name="consent")
app.add_typer(match_app, name="match")
register_tickets(app)
app.add_typer(field_app, name="field")
app.add_typer(lead_app, name="lead")
app.add_typer(company_app, name="company")
app.add_typer(list_app, name="list")
app.add_typer(link_app, name="link")
app.add_typer(layout_app, name="layout")
app.add_typer(deal_app, name="deal")
app.add_typer(pipeline_app, name="pipeline")
app.add_typer(reason_app, name="reason")
app.add_typer(group_app, name="group")
app.add_typer(user_app, name="user")


@app.command()
def sync(
    sources: Annotated[list[str] | None, typer.Argument(help="Sources; default: all.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read from the beginning.")] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Sync sources now, in this process: read, map, match, load, route and notify."""
    from hub.cli.opening import opened
    from hub.cli.upgrading import document_of, some_seconds
    from hub.etl import closing, flow

    with opened(config) as (hub, _, _settings):
        wanted = sources or hub.sources()
        for source in wanted:
            if source not in hub.sources():
                raise ConfigError(
                    f"source {source!r} is not configured",
                    hint=f"configured: {', '.join(hub.sources()) or 'none'}",
                )
        report = flow.sync(hub, wanted, full=full)
        rederived = some_seconds(hub)
    if json:
        print_json(
            {
                "stages": report.stages,
                "ledgers": [closing.ledger_json(entry) for entry in report.ledgers],
                "quarantined": report.quarantined,
                "stopped": report.stopped,
                "faults": [fault.to_json() for fault in report.faults],
                "rederived": document_of(rederived),
            }
        )
    else:
        print_table(
            "Ledger",
            ("source", "stream", "counted", "seen", "verdicts", "holds"),
            [
                (e.source, e.stream or "(all)", e.counted, e.seen,
                 ", ".join(f"{n} {v}" for v, n in sorted(e.verdicts.items())),
                 "yes" if e.holds else "NO")
                for e in report.ledgers
            ],
        )  # fmt: skip
    if rederived.left:
        print_warning(
            f"older rules derived {rederived.left} results; the next sync goes on, hub upgrade "
            "derives them now"
        )
    for message in report.stopped.values():
        print_warning(f"{message}; the next sync goes on from there")
    for fault in report.faults:
        print_fault(fault)
    code = sync_code(report.faults, holds=report.holds, quarantined=report.quarantined)
    if code:
        raise typer.Exit(code)


@app.command()
def up(
    dagster_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the Dagster UI; 0 = free.")
    ] = 3000,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run the hub: PostgreSQL, Dagster's UI and schedules, on loopback, until Ctrl-C."""
    from hub.cli import up as running

    with running.up(config, dagster_port) as (dagster, sources):
        if json:
            print_json({"ready": True, "dagster": dagster.address, "sources": sources})
        else:
            stdout.print(f"Dagster UI   {dagster.address}", highlight=False)
            stdout.print(f"syncs        {', '.join(sources)}: every 5 minutes", highlight=False)
            stdout.print("Ctrl-C stops.", highlight=False)
        running.stay(dagster)


@app.command()
def status(json: Json = False, config: Config = None) -> None:
    """Sources, cursors, queues, quarantine, review, outbox, budgets, drift."""
    from hub.cli.opening import opened_database
    from hub.cli.status import read_status
    from hub.cli.status_tables import show_status
    from hub.clock import SystemClock

    with opened_database(config) as (database, settings):
        document = read_status(database, settings)
    if json:
        print_json(document)
    else:
        show_status(document, SystemClock().now())


@app.command()
def remap(
    stream: Annotated[str, typer.Argument(help="Name of the stream: <source>/<stream>.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; change nothing.")
    ] = False,
    values: Annotated[
        bool, typer.Option("--values", help="With --dry-run --json: show personal values too.")
    ] = False,
    accept_consent: Annotated[
        bool,
        typer.Option(
            "--accept-consent", help="Lift the opt-outs that the mapping no longer reads."
        ),
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Map all landed records of a stream again with the present mapping, without the source."""
    from hub.cli.remap import run_remap

    run_remap(
        config, stream, dry_run=dry_run, values=values, accept_consent=accept_consent, as_json=json
    )


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT, WITH, VALUES, TABLE or EXPLAIN.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Look into the database, read-only, Dagster's tables included."""
    from hub.cli.opening import opened_database
    from hub.db.sql_console import run_readonly

    with opened_database(config) as (database, _settings):
        rows = run_readonly(database, statement)
    if json:
        print_json(rows)
    elif rows:
        print_table("", list(rows[0]), [list(row.values()) for row in rows])
    else:
        stdout.print("no rows")


def _interrupt(_signal: int, _frame: object) -> None:
    """End as Ctrl-C does, so that children and the embedded server are stopped."""
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; every foreseen error is one line and an exit code."""
    from hub.logs import configure

    level = logging.getLevelNamesMapping().get(os.environ.get("HUB_LOG", "WARNING").upper(), 30)
    configure(json=not sys.stderr.isatty(), level=level)
    signal.signal(signal.SIGTERM, _interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name never ends a command
    try:
        app()
    except HubError as error:
        print_error(error)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_FAILED)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is closed; the exit code stands


if __name__ == "__main__":
    main()
