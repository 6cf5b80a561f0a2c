"""The `hub` command: every verb, its options, and how it ends."""

import io
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli import identity
from hub.cli.configuration import config_app
from hub.cli.match_commands import match_app
from hub.cli.options import Config, Json
from hub.cli.output import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OPERATOR,
    EXIT_QUARANTINE,
    exit_code,
    print_error,
    print_json,
    print_table,
    print_warning,
    stdout,
)
from hub.cli.quarantine import quarantine_app
from hub.errors import ConfigError, HubError

app = typer.Typer(
    name="hub",
    help="Lead Hub: leads from many vendors, one clean CRM, an owner who knows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
mappings_app = typer.Typer(help="Mapping documents: list, test, preview.", no_args_is_help=True)
app.add_typer(mappings_app, name="mappings")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(config_app, name="config")
identity.register(app)
app.add_typer(match_app, name="match")


@app.command()
def sync(
    sources: Annotated[list[str] | None, typer.Argument(help="Sources; all if none.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read from the beginning.")] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Bring sources up to date now, in this process: from the vendor to the owner."""
    from hub.cli.opening import opened
    from hub.pipeline import flow

    with opened(config) as (hub, _, _settings):
        wanted = sources or hub.sources()
        for source in wanted:
            if source not in hub.sources():
                raise ConfigError(
                    f"source {source!r} is not configured",
                    hint=f"configured: {', '.join(hub.sources()) or 'none'}",
                )
        report = flow.sync(hub, wanted, full=full)
    if json:
        print_json(
            {
                "stages": report.stages,
                "ledgers": [flow.ledger_json(entry) for entry in report.ledgers],
                "quarantined": report.quarantined,
                "stopped": report.stopped,
            }
        )
    else:
        print_table(
            "Ledger",
            ("source", "stream", "counted", "seen", "verdicts", "holds"),
            [
                (e.source, e.stream, e.counted, e.seen,
                 ", ".join(f"{n} {v}" for v, n in sorted(e.verdicts.items())),
                 "yes" if e.holds else "NO")
                for e in report.ledgers
            ],
        )  # fmt: skip
    for message in report.stopped.values():
        print_warning(f"{message}; the next sync goes on from there")
    if not report.holds:
        raise typer.Exit(EXIT_FAILED)
    if report.quarantined:
        raise typer.Exit(EXIT_QUARANTINE)


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
    stream: Annotated[str, typer.Argument(help="<source>/<stream>")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    values: Annotated[
        bool, typer.Option("--values", help="With --dry-run --json: personal values too.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Take everything of a stream through its present mapping again; the source is not asked."""
    from hub.cli.remap import run_remap

    run_remap(config, stream, dry_run=dry_run, values=values, as_json=json)


@app.command()
def check(
    source: Annotated[str | None, typer.Argument(help="One source; all if none.")] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Try every credential, permission and setting; say what is wrong and what to do."""
    from hub.cli.checking import run_checks

    findings = run_checks(config, source)
    if json:
        print_json([vars_of(f) for f in findings])
    else:
        for finding in findings:
            mark = "[green]ok[/green]" if finding.ok else "[red]no[/red]"
            stdout.print(f"{mark}  {finding.subject}: {finding.message}", highlight=False)
            if finding.hint and not finding.ok:
                stdout.print(f"      {finding.hint}", highlight=False)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(EXIT_OPERATOR)


def vars_of(finding: object) -> dict[str, object]:
    """Return a slotted dataclass as a dictionary."""
    from dataclasses import asdict, is_dataclass

    if not is_dataclass(finding) or isinstance(finding, type):
        raise TypeError(type(finding).__name__)
    return asdict(finding)


@app.command()
def dedupe(
    file: Annotated[Path, typer.Argument(help="A CSV file of people, UTF-8, with a header.")],
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", help="YAML, `field: column`; else columns are guessed."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="Where row, cluster, score, decision go.")
    ] = Path("clusters.csv"),
    report: Annotated[
        Path | None, typer.Option("--report", help="Where an HTML report goes.")
    ] = None,
    json: Json = False,
) -> None:
    """Find who is in a CSV file twice; needs no database."""
    from hub.cli.dedupe import dedupe as run
    from hub.cli.dedupe import write_clusters
    from hub.cli.dedupe_report import write_report
    from hub.cli.output import print_mapping

    result = run(file, mapping)
    write_clusters(out, result)
    if report is not None:
        write_report(report, result)
    summary = result.summary()
    if json:
        print_json(summary)
    else:
        used = summary.pop("columns")
        shown = {k.replace("_", " "): v for k, v in summary.items()}
        print_mapping(str(file), shown | {k: ", ".join(v) for k, v in used.items()})
        stdout.print(f"wrote {out}" + (f" and {report}" if report else ""), highlight=False)


@app.command()
def init(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Sources to configure; a terminal is asked if none."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of a source, e.g. salesforce.domain=acme.my."),
    ] = None,
    owners: Annotated[
        list[str] | None,
        typer.Option("--owner", help="Who owns leads: an address, or Name <address>."),
    ] = None,
    sandbox: Annotated[
        Path | None,
        typer.Option("--sandbox", help="The document that `hub sandbox --json` printed."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite hub.yaml.")] = False,
) -> None:
    """Write a commented hub.yaml into the working directory, never a secret; then try the logins.

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
        raise ConfigError("say which sources", hint="hub init salesforce typeform --set …")
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
        stdout.print("once they are set: hub check", highlight=False)
    else:
        check(config=path)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="First port; 0 takes free ones.")] = 0,
    time_scale: Annotated[float, typer.Option(help="The vendors' clock runs N times faster.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the universe.")] = 1,
    people: Annotated[int, typer.Option(help="People in the universe.")] = 200,
    universe: Annotated[Path | None, typer.Option(help="A universe file instead.")] = None,
    faults: Annotated[str, typer.Option(help="A fault profile.")] = "",
    live: Annotated[bool, typer.Option("--live", help="New leads keep arriving.")] = False,
    json: Json = False,
) -> None:
    """Run the emulated vendors alone, on loopback, for any client."""
    from hub.sandbox.server import SandboxOptions, serve

    def announce(document: dict[str, object]) -> None:
        if json:
            print_json(document)
            return
        for name, vendor in document["vendors"].items():  # type: ignore[attr-defined]
            stdout.print(f"{name:12} {vendor['url']}", highlight=False)
        stdout.print(f"{'control':12} {document['control']}", highlight=False)
        stdout.print("Ctrl-C stops.", highlight=False)

    serve(
        SandboxOptions(
            port=port,
            time_scale=time_scale,
            seed=seed,
            people=people,
            universe=universe,
            faults=faults,
            live=live,
        ),
        announce,
    )


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT.")],
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


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the summary.")] = False,
    people: Annotated[int, typer.Option(help="People in the sandbox.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the universe.")] = 1,
    universe: Annotated[Path | None, typer.Option(help="A universe file instead.")] = None,
    faults: Annotated[str, typer.Option(help="A fault profile of the sandbox.")] = "",
    dagster_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the Dagster UI; 0 = free.")
    ] = 0,
    json: Json = False,
) -> None:
    """Show the whole way of a record on emulated vendors: load, sync, route, notify."""
    from hub.cli.demo import DemoOptions, run_demo

    ok = run_demo(
        DemoOptions(
            once=once, people=people, seed=seed, universe=universe, faults=faults,
            dagster_port=dagster_port, json=json,
        )
    )  # fmt: skip
    if not ok:
        raise typer.Exit(EXIT_FAILED)


@mappings_app.command("list")
def mappings_list(json: Json = False, config: Config = None) -> None:
    """Name every mapping document with its version."""
    from hub.cli.mapping import documents

    found = documents(config)
    if json:
        print_json([{"name": n, "version": v, "trust": t} for n, v, t in found])
    else:
        print_table("Mappings", ("name", "version", "trust"), found)


@mappings_app.command("test")
def mappings_test(
    names: Annotated[list[str] | None, typer.Argument(help="Mappings; all if none.")] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run the tests that stand beside the mappings."""
    from hub.cli.mapping import run_mapping_tests

    if not run_mapping_tests(config, names, as_json=json):
        raise typer.Exit(EXIT_FAILED)


@mappings_app.command("preview")
def mappings_preview(
    name: Annotated[str, typer.Argument(help="<source>/<stream>")],
    file: Annotated[Path, typer.Argument(help="Raw records or a vendor's response, as JSON.")],
    config: Config = None,
) -> None:
    """Show what a mapping makes of a file, as JSON."""
    from hub.cli.mapping import preview_file

    print_json(preview_file(config, name, file))


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
