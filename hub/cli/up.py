"""What `hub up` does: Dagster over the configured sources, with its schedules, until Ctrl-C.

What older rules derived is derived again meanwhile, in a thread of this process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from hub.cli.dagster import Dagster, dagster_running, free_port
from hub.cli.dagster_home import write_dagster_home
from hub.cli.session import opened
from hub.cli.upgrading import in_background
from hub.clock import SystemClock
from hub.errors import ConfigError
from hub.settings import find, load

_LOOK_S = 0.5
_CLOCK = SystemClock()


@contextmanager
def up(config: Path | None, dagster_port: int) -> Iterator[tuple[Dagster, list[str]]]:
    """Bring the hub up; yields Dagster and the sources it syncs. All has ended afterwards.

    Raises:
        ConfigError: no source is configured, a port is taken, or the hub is up already.
    """
    # What cannot be is told now, not after PostgreSQL has started.
    free_port(dagster_port)
    if not load(config).sources.configured():
        raise ConfigError(
            "no source is configured", hint="add one under `sources:` in hub.yaml, then hub check"
        )
    with opened(config) as (hub, database, settings):
        env = write_dagster_home(settings, database, config=find(config))
        with (
            dagster_running(env, database, settings.home, dagster_port) as dagster,
            in_background(hub),
        ):
            yield dagster, hub.sources()


def stay(dagster: Dagster) -> NoReturn:
    """Wait for Ctrl-C.

    Raises:
        HubError: a child process has ended.
    """
    while True:
        dagster.check()
        _CLOCK.sleep(_LOOK_S)
