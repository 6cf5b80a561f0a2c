"""The demo: emulated vendors, an initial load and a sync through Dagster, owners who know.

Everything is real but the vendors' servers: PostgreSQL, Dagster, HTTP, SMTP. What it prints is
read back from the database and held against the sandbox's own truth.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import requests

from hub.cli import demo_home
from hub.cli.beside import GatewayPorts, gateway_part, gateway_ports, worker_part
from hub.cli.children import child
from hub.cli.dagster import dagster_running, free_port
from hub.cli.dagster_home import write_dagster_home
from hub.cli.demo_list import import_prospects
from hub.cli.demo_live import arrive, say_line
from hub.cli.demo_report import Window, read_report, show_report
from hub.cli.demo_routing import try_routing
from hub.cli.demo_sales import sell
from hub.cli.demo_subscriber import NETWORK, Subscriber, listening
from hub.cli.init import render_for_sandbox, sandbox_users
from hub.cli.output import EXIT_OPERATOR, print_json, stdout
from hub.clock import SystemClock
from hub.db.engine import Database, open_database
from hub.db.place import make_home
from hub.errors import ConfigError, HubError
from hub.sandbox.generator import live_events
from hub.settings import GatewaySettings, Settings, load

_TIME_SCALE = 60  # a lag of 60 s is kept honestly, and takes a second
_INBOUND = 12
_SETTLE_S = 3.0  # more than the connectors' lag at this time scale
_CLOCK = SystemClock()
_FORM_NAME = "contact"
_FORM = f"""
gateway: {{{{port: {{port}}, private_port: {{private}}, public_url: "http://127.0.0.1:{{port}}"}}}}
forms: {{{{{_FORM_NAME}: {{{{}}}}}}}}
subscriptions: {{{{allowed_networks: [{NETWORK}]}}}}
"""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asked for."""

    once: bool
    people: int
    seed: int
    universe: Path | None
    faults: str
    dagster_port: int
    json: bool


def run_demo(options: DemoOptions) -> bool:
    """Run the demo; returns whether every run was green."""
    home = Path(os.environ.get("HUB_HOME", ".hub")).absolute()
    make_home(home)
    left = demo_home.claim(home)
    universe = demo_home.universe_of(
        seed=options.seed, people=options.people, file=options.universe, faults=options.faults
    )
    if not options.once:
        free_port(options.dagster_port)  # told now, not after the demo
    ports = _gateway_ports()
    say = _teller(options)
    with ExitStack() as stack:
        say("starting the emulated vendors")
        sandbox = stack.enter_context(_sandbox(options, home))
        os.environ.update(sandbox["env"])
        settings = _write_settings(sandbox, home, ports)
        if demo_home.prepare(home, settings, universe, left, _CLOCK):
            say("continuing an interrupted demo of this home")
        database = stack.enter_context(open_database(settings, _CLOCK))
        env = write_dagster_home(settings, database)
        started = time.monotonic()
        runs = [_dagster_run(env, home, "initial load", say)]
        before = Window.now(database)
        subscriber = stack.enter_context(listening(Subscriber(database, settings, _CLOCK)))
        _bring_news(options, sandbox)
        runs.append(_dagster_run(env, home, "sync of new records", say))
        after = Window.now(database)
        runs.append(_dagster_run(env, home, "second sync: no change expected", say))
        proved = Window.now(database)
        say("sales process")
        crm = sell(database, settings, _CLOCK)
        seconds = time.monotonic() - started
        report = read_report(
            database,
            _seed(options, sandbox["control"]),
            sandbox["control"],
            inbound=before,
            second=after,
            proved=proved,
            crm=crm,
            subscriber=subscriber.deliver(),
            prospects=lambda: import_prospects(database, settings, _CLOCK),
            routing=lambda: try_routing(database, settings, _CLOCK),
            runs=runs,
            seconds=seconds,
        )
        demo_home.finish(home, universe)
        if options.json:
            print_json(report)
        else:
            show_report(report)
        ok = all(run["success"] for run in runs)
        if not options.once:
            _stay(options, env, database, settings, sandbox["control"], ports, subscriber)
    return ok


def _write_settings(sandbox: Mapping[str, Any], home: Path, ports: GatewayPorts) -> Settings:
    """Write hub.yaml of the demo, and return the settings."""
    config = home / "hub.yaml"
    written = render_for_sandbox(sandbox, sandbox_users(sandbox))
    config.write_text(written + _FORM.format(port=ports.public, private=ports.private))
    os.environ["HUB_CONFIG"] = str(config)
    return load(config)


def _gateway_ports() -> GatewayPorts:
    """Return the usual ports of the gateway, or free ones where other programs have them."""
    try:
        return gateway_ports(GatewaySettings())
    except ConfigError:
        return gateway_ports(GatewaySettings(port=0, private_port=0))


def _teller(options: DemoOptions) -> Any:
    def say(words: str) -> None:
        if not options.json:
            stdout.print(f"… {words}", highlight=False)

    return say


@contextmanager
def _sandbox(options: DemoOptions, home: Path) -> Iterator[dict[str, Any]]:
    arguments = [
        sys.executable, "-m", "hub.sandbox", "--json", "--time-scale", str(_TIME_SCALE),
        "--seed", str(options.seed), "--people", str(options.people),
    ]  # fmt: skip
    if options.universe:
        arguments += ["--universe", str(options.universe)]
    if options.faults:
        arguments += ["--faults", options.faults]
    log = home / "sandbox.log"
    log.write_text("")
    with child(arguments, env={}, log=log, stdout=subprocess.PIPE) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            told = [*log.read_text().strip().splitlines(), "no reason is known"]
            if process.wait() == EXIT_OPERATOR:
                raise ConfigError(told[0], hint=told[1] if len(told) > 2 else None)  # noqa: PLR2004 a hint and our own line
            raise HubError(f"the sandbox did not start: {told[-2:][0]}", hint=f"see {log}")
        yield json.loads(line)


def _dagster_run(env: Mapping[str, str], home: Path, name: str, say: Any) -> dict[str, Any]:
    say(f"Dagster: {name}")
    log = home / "dagster.log"
    arguments = [sys.executable, "-m", "hub.assets.run", "sync"]
    with child(arguments, env=env, log=log, stdout=subprocess.PIPE) as process:
        said, _ = process.communicate()
    lines = said.strip().splitlines()
    if not lines:
        raise HubError(
            f"the Dagster run “{name}” ended with exit code {process.returncode} and no summary",
            hint=f"see {log}",
        )
    summary: dict[str, Any] = json.loads(lines[-1])
    return summary


def _seed(options: DemoOptions, control: str) -> int:
    """Return the seed of the universe on show: a file has its own."""
    said: int = requests.get(f"{control}/universe", timeout=30).json().get("seed", options.seed)
    return said


def _bring_news(options: DemoOptions, sandbox: Mapping[str, Any]) -> None:
    """Send records of new people to the vendors."""
    for event in islice(live_events(options.seed), _INBOUND):
        requests.post(f"{sandbox['control']}/events", json=event, timeout=10).raise_for_status()
    _CLOCK.sleep(_SETTLE_S)


def _stay(
    options: DemoOptions,
    env: Mapping[str, str],
    database: Database,
    settings: Settings,
    control: str,
    ports: GatewayPorts,
    subscriber: Subscriber,
) -> None:
    """Keep Dagster up with its schedules, the gateway and the worker, and new leads arriving, until Ctrl-C."""
    subscriber.says = lambda words: say_line(f"{'subscriber':<11} {words}")
    beside = gateway_part(ports, env, settings.home) | worker_part(env, settings.home)
    with dagster_running(env, database, settings.home, options.dagster_port, beside) as dagster:
        form = f"{settings.gateway.public_url}/forms/{_FORM_NAME}"
        for name, where in (
            ("Form", f"{form}   (?lang=fr)   a lead of yours, with an owner in two seconds"),
            ("Mail", f"{control}/inbox   what the hub has sent"),
            ("Dagster", f"{dagster.address}   (Ctrl-C ends everything)"),
        ):
            stdout.print(f"{name:<9}{where}", highlight=False, soft_wrap=True)
        stdout.file.flush()
        arrive(dagster, settings.home / "hub.yaml", control, options.seed + 1)
