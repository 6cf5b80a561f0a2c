"""Dagster beside the hub: its home on the same PostgreSQL, its web server and daemon as children.

Dagster itself is never imported here (it costs a second): it runs in processes of its own.
"""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from hub.cli.children import child, stop
from hub.clock import SystemClock
from hub.db.engine import Database
from hub.db.locks import only_one
from hub.errors import ConfigError, HubError
from hub.settings import Settings

_START_S = 60


@dataclass(frozen=True, slots=True)
class Dagster:
    """Dagster's running processes, by what they are for."""

    address: str
    processes: Mapping[str, "subprocess.Popen[str]"]
    log: Path

    def check(self) -> None:
        """Do nothing while all of them run.

        Raises:
            HubError: one has ended.
        """
        for name, process in self.processes.items():
            code = process.poll()
            if code is not None:
                raise HubError(f"{name} ended with exit code {code}", hint=f"see {self.log}")


def write_dagster_home(
    settings: Settings, database: Database, *, config: Path | None = None
) -> dict[str, str]:
    """Write DAGSTER_HOME inside HUB_HOME; returns the environment for Dagster's processes."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    document = {
        "storage": {"postgres": {"postgres_url": {"env": "HUB_DAGSTER_URL"}}},
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "python_logs": {"managed_python_loggers": ["hub"], "python_log_level": "INFO"},
        # Each run is a process of its own; what is above waits in Dagster's queue.
        "concurrency": {"runs": {"max_concurrent_runs": 2}},
        "retention": {
            "schedule": {"purge_after_days": 30},
            "sensor": {"purge_after_days": {"skipped": 1, "success": 7, "failure": 30}},
        },
    }
    (home / "dagster.yaml").write_text(yaml.safe_dump(document))
    return {
        "DAGSTER_HOME": str(home),
        "HUB_DAGSTER_URL": database.dagster_url,
        "HUB_HOME": str(settings.home),
        "HUB_CONFIG": str(config.absolute()) if config else os.environ.get("HUB_CONFIG", ""),
    }


def free_port(wanted: int) -> int:
    """Return `wanted` if it can be had, or a free port for 0.

    Raises:
        ConfigError: somebody else listens on the wanted port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ours of a moment ago is free
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as exc:
            raise ConfigError(f"port {wanted} is in use", hint="choose another, or 0") from exc
        return int(probe.getsockname()[1])


@contextmanager
def dagster_running(
    env: Mapping[str, str], database: Database, home: Path, port: int
) -> Iterator[Dagster]:
    """Run Dagster's web server and daemon on loopback; yields them once the server answers.

    Raises:
        ConfigError: the port is taken, or another process runs Dagster for this hub.
        HubError: it did not start.
    """
    port = free_port(port)
    module = ["-m", "hub.assets.definitions"]
    web = [sys.executable, "-m", "dagster_webserver", *module, "-h", "127.0.0.1", "-p", str(port)]
    daemon = [sys.executable, "-m", "hub.assets.daemon", "run", *module]
    log = home / "dagster.log"
    with only_one(database.engine, "dagster") as is_alone:
        if not is_alone:
            raise ConfigError(
                f"{home} is up already", hint="end the other hub up or hub demo first"
            )
        with child(web, env=env, log=log) as server, child(daemon, env=env, log=log) as second:
            running = Dagster(
                f"http://127.0.0.1:{port}",
                {"Dagster's web server": server, "Dagster's daemon": second},
                log,
            )
            try:
                _wait(running)
                yield running
            finally:
                stop([second, server])  # both at once: each takes its time


def _wait(running: Dagster) -> None:
    clock = SystemClock()
    for _ in range(_START_S * 4):
        running.check()
        try:
            with urllib.request.urlopen(f"{running.address}/server_info", timeout=5):  # noqa: S310 loopback
                return
        except (urllib.error.URLError, OSError):
            clock.sleep(0.25)
    raise HubError("the Dagster UI did not start", hint=f"see {running.log}")
