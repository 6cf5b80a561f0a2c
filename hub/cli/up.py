"""What `hub up` does: Dagster over the configured sources, with its schedules, gateway and worker, until Ctrl-C.

Processes that end are started again (`hub.cli.supervisor`). A changed hub.yaml is loaded again. What older
rules derived is derived again meanwhile, in a thread of this process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hub.cli.beside import gateway_part, gateway_ports, worker_part
from hub.cli.dagster import Dagster, dagster_running, free_port
from hub.cli.dagster_home import write_dagster_home
from hub.cli.output import print_warning
from hub.cli.session import opened
from hub.cli.upgrading import in_background
from hub.clock import SystemClock
from hub.errors import ConfigError, HubError
from hub.settings import find, load
from hub.settings.changes import Changes

_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Up:
    """What runs.

    Args:
        dagster: Dagster.
        sources: the sources that it syncs.
        gateway: address for webhooks, leads and forms.
        gateway_private: address of the gateway's health checks and metrics.
    """

    dagster: Dagster
    sources: list[str]
    gateway: str
    gateway_private: str


_CLOCK = SystemClock()


@contextmanager
def up(config: Path | None, dagster_port: int) -> Iterator[Up]:
    """Start the hub; yields what runs. All has ended afterwards.

    Raises:
        ConfigError: no source is configured, a port is taken, or the hub is up already.
    """
    # Faults are reported now, not after PostgreSQL has started.
    free_port(dagster_port)
    settings = load(config)
    ports = gateway_ports(settings.gateway)
    if not settings.sources.configured():
        raise ConfigError(
            "no source is configured", hint="add one under `sources:` in hub.yaml, then hub check"
        )
    with opened(config) as (hub, database, settings):
        env = write_dagster_home(settings, database, config=find(config))
        beside = gateway_part(ports, env, settings.home) | worker_part(env, settings.home)
        with (
            dagster_running(env, database, settings.home, dagster_port, beside) as dagster,
            in_background(hub),
        ):
            addresses = ports.addresses(settings.gateway.bind)
            yield Up(dagster, hub.followed(), *addresses)


def stay(dagster: Dagster, config: Path | None) -> NoReturn:
    """Wait for Ctrl-C; start again what ends, and load a changed hub.yaml.

    Raises:
        HubError: a process ended too often, or another hub has come up for this home.
    """
    changes = Changes(find(config))
    while True:
        dagster.check()
        if changes.has_one():
            _load_again(dagster, config)
        _CLOCK.sleep(_LOOK_S)


def _load_again(dagster: Dagster, config: Path | None) -> None:
    try:
        sources = load(config).sources.followed()
    except HubError as exc:
        print_warning(
            f"hub.yaml has changed and cannot be used: {exc.message}; until it is right, runs fail"
        )
        return
    if problem := dagster.api.reload():
        print_warning(f"hub.yaml has changed, and Dagster did not load it again: {problem}")
        return
    print_warning(f"hub.yaml has changed and is in force; sources: {', '.join(sources) or 'none'}")
