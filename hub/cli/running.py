"""What `hub sync`, `hub up`, `hub status`, `hub remap` and `hub sql` take and print."""

from typing import Annotated

import typer

from hub.cli.options import Config, Json
from hub.cli.output import (
    print_document,
    print_fault,
    print_json,
    print_table,
    print_warning,
    stdout,
    sync_code,
)


def sync(
    sources: Annotated[list[str] | None, typer.Argument(help="Sources; default: all.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read from the beginning.")] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Sync sources now, in this process: read, map, match, load, route and notify."""
    from hub.cli.session import opened
    from hub.cli.upgrading import some_seconds
    from hub.etl import flow

    with opened(config) as (hub, _, _settings):
        wanted = sources or hub.followed()
        for source in wanted:
            hub.require_source(source)
        report = flow.sync(hub, wanted, full=full)
        rederived = some_seconds(hub)
    if json:
        from hub.views.synced import of_report

        print_json(of_report(report, rederived))
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
            f"{rederived.left} results of older rules are left; the next sync continues, hub upgrade "
            "derives them now"
        )
    for message in report.stopped.values():
        print_warning(f"{message}; the next sync continues from there")
    for fault in report.faults:
        print_fault(fault)
    code = sync_code(report.faults, holds=report.holds, quarantined=report.quarantined)
    if code:
        raise typer.Exit(code)


def up(
    dagster_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the Dagster UI; 0 = free.")
    ] = 3000,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run the hub: PostgreSQL, Dagster with its schedules, gateway and worker, until Ctrl-C."""
    from hub.cli import up as running

    with running.up(config, dagster_port) as it:
        dagster = it.dagster
        if json:
            from hub.views.results import HubReady

            ready = HubReady(
                ready=True,
                dagster=dagster.address,
                sources=tuple(it.sources),
                gateway=it.gateway,
                gateway_private=it.gateway_private,
            )
            print_json(ready)
        else:
            stdout.print(f"Dagster UI   {dagster.address}", highlight=False)
            stdout.print(f"webhooks     {it.gateway}/hooks/<source>", highlight=False)
            stdout.print(
                f"syncs        {', '.join(it.sources)}: when they have news", highlight=False
            )
            stdout.print(
                "hub status says how soon a change arrives. Ctrl-C stops.", highlight=False
            )
        running.stay(dagster, config)


def status(json: Json = False, config: Config = None) -> None:
    """Show sources, cursors, queues, quarantine, review, outbox, budgets, drift."""
    from hub.cli.session import opened_database
    from hub.cli.status_tables import show_status
    from hub.clock import SystemClock
    from hub.views.status import read_status

    with opened_database(config) as (database, settings):
        found = read_status(database, settings)
    if json:
        print_json(found)
    else:
        show_status(found, SystemClock().now())


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


def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT, WITH, VALUES, TABLE or EXPLAIN.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Query the database with one read-only statement, Dagster's tables included."""
    from hub.cli.session import opened_database
    from hub.db.sql_console import run_readonly

    with opened_database(config) as (database, _settings):
        rows = run_readonly(database, statement)
    if json:
        print_document([{name: _json_value(value) for name, value in row.items()} for row in rows])
    elif rows:
        print_table("", list(rows[0]), [list(row.values()) for row in rows])
    else:
        stdout.print("no rows")


def _json_value(value: object) -> object:
    """Return a value of SQL: a number as a number, for its precision is the asker's; other types as text."""
    from datetime import datetime
    from decimal import Decimal

    if isinstance(value, dict):
        return {key: _json_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(one) for one in value]
    if isinstance(value, Decimal):
        return float(value)
    is_known = isinstance(value, bool | int | float | str | bytes | memoryview | None)
    is_moment = isinstance(value, datetime) and value.tzinfo is not None
    return value if is_known or is_moment else _text_of(value)


def _text_of(value: object) -> str:
    from datetime import date, time

    return value.isoformat() if isinstance(value, date | time) else str(value)
