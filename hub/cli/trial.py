"""The commands that need no configuration: `hub dedupe`, `hub sandbox` and `hub demo`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.options import Json
from hub.cli.output import EXIT_FAILED, print_json, stdout
from hub.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SandboxReady:
    """Where the emulated vendors answer.

    Args:
        ready: true: all servers listen.
        vendors: address and credentials of each vendor.
        smtp: host and port of the mail server.
        control: address of the control API.
        time_scale: speed of the vendors' clock.
        env: variables that give the hub all secrets.
    """

    ready: bool
    vendors: Mapping[str, Mapping[str, Any]]
    smtp: Mapping[str, Any]
    control: str
    time_scale: float
    env: Mapping[str, str]


def require_sandbox(command: str) -> None:
    """Raise ConfigError if the extra `sandbox` is not installed: its code or its libraries."""
    try:
        import hub.sandbox.server  # noqa: F401 - the import is the test
    except ModuleNotFoundError as exc:
        raise ConfigError(
            f"{command} needs the emulated vendors (module {exc.name} is missing): "
            "install them with: pip install 'lead-hub[sandbox]'"
        ) from exc


def dedupe(
    file: Annotated[Path, typer.Argument(help="A CSV file of people, UTF-8, with a header.")],
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping",
            help="YAML file with `field: column` (default: columns are recognized by name).",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="CSV file for row, cluster, score, decision.")
    ] = Path("clusters.csv"),
    report: Annotated[
        Path | None, typer.Option("--report", help="File for an HTML report.")
    ] = None,
    json: Json = False,
) -> None:
    """Find duplicate people in a CSV file. Needs no database."""
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
        counts = asdict(summary)
        used = counts.pop("columns")
        shown = {k.replace("_", " "): v for k, v in counts.items()}
        print_mapping(str(file), shown | {k: ", ".join(v) for k, v in used.items()})
        stdout.print(f"wrote {out}" + (f" and {report}" if report else ""), highlight=False)


def sandbox(
    port: Annotated[int, typer.Option(help="First port; 0 takes free ports.")] = 0,
    time_scale: Annotated[
        float, typer.Option(help="Speed of the vendors' clock: 60 makes a minute pass in a second.")
    ] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the universe.")] = 1,
    people: Annotated[int, typer.Option(help="People in the universe.")] = 200,
    org: Annotated[
        int, typer.Option(help="Instead, one vendor's org for a migration with so many leads.")
    ] = 0,
    org_of: Annotated[
        str, typer.Option(help="The vendor of that org: salesforce, hubspot or sell.")
    ] = "salesforce",
    universe: Annotated[
        Path | None, typer.Option(help="File with a universe, instead of a generated one.")
    ] = None,
    faults: Annotated[str, typer.Option(help="Fault profiles, separated by commas.")] = "",
    live: Annotated[bool, typer.Option("--live", help="New leads keep arriving.")] = False,
    json: Json = False,
) -> None:
    """Run the emulated vendors on loopback, for any client."""
    require_sandbox("hub sandbox")
    from hub.sandbox.server import SandboxOptions, serve

    def announce(document: dict[str, Any]) -> None:
        said = SandboxReady(**document)
        if json:
            print_json(said)
            return
        for name, vendor in said.vendors.items():
            stdout.print(f"{name:12} {vendor['url']}", highlight=False)
        stdout.print(f"{'control':12} {said.control}", highlight=False)
        stdout.print("Ctrl-C stops.", highlight=False)

    serve(
        SandboxOptions(
            port=port,
            time_scale=time_scale,
            seed=seed,
            people=people,
            org=org,
            org_of=org_of,
            universe=universe,
            faults=faults,
            live=live,
        ),
        announce,
    )


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the summary.")] = False,
    people: Annotated[int, typer.Option(help="People in the sandbox.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the universe.")] = 1,
    universe: Annotated[
        Path | None, typer.Option(help="File with a universe, instead of a generated one.")
    ] = None,
    faults: Annotated[
        str, typer.Option(help="Fault profiles of the sandbox, separated by commas.")
    ] = "",
    dagster_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the Dagster UI; 0 = free.")
    ] = 0,
    json: Json = False,
) -> None:
    """Run every step on emulated vendors: load, sync, match, route, notify."""
    require_sandbox("hub demo")
    from hub.cli.demo import DemoOptions, run_demo

    ok = run_demo(
        DemoOptions(
            once=once, people=people, seed=seed, universe=universe, faults=faults,
            dagster_port=dagster_port, json=json,
        )
    )  # fmt: skip
    if not ok:
        raise typer.Exit(EXIT_FAILED)
