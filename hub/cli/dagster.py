"""Dagster beside the hub: its home on the same PostgreSQL, and its web server as a child.

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
from pathlib import Path

import yaml

from hub.cli.children import child
from hub.clock import SystemClock
from hub.db.engine import Database
from hub.errors import ConfigError, HubError
from hub.settings import Settings

_START_S = 60


def write_dagster_home(settings: Settings, database: Database) -> dict[str, str]:
    """Write DAGSTER_HOME inside HUB_HOME; returns the environment for Dagster's processes."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    document = {
        "storage": {"postgres": {"postgres_url": {"env": "HUB_DAGSTER_URL"}}},
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "python_logs": {"managed_python_loggers": ["hub"], "python_log_level": "INFO"},
    }
    (home / "dagster.yaml").write_text(yaml.safe_dump(document))
    return {
        "DAGSTER_HOME": str(home),
        "HUB_DAGSTER_URL": database.dagster_url,
        "HUB_HOME": str(settings.home),
        "HUB_CONFIG": os.environ.get("HUB_CONFIG", ""),
    }


def free_port(wanted: int) -> int:
    """Return `wanted` if it can be had, or a free port for 0.

    Raises:
        ConfigError: somebody else listens on the wanted port.
    """
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as exc:
            raise ConfigError(f"port {wanted} is in use", hint="choose another, or 0") from exc
        return int(probe.getsockname()[1])


@contextmanager
def dagster_ui(env: Mapping[str, str], home: Path, port: int) -> Iterator[str]:
    """Run Dagster's web server and daemon on loopback; yields its address once it answers."""
    port = free_port(port)
    address = f"http://127.0.0.1:{port}"
    module = ["-m", "hub.assets.definitions"]
    web = [sys.executable, "-m", "dagster_webserver", *module, "-h", "127.0.0.1", "-p", str(port)]
    daemon = [sys.executable, "-m", "dagster._daemon", "run", *module]
    log = home / "dagster.log"
    with child(web, env=env, log=log) as server, child(daemon, env=env, log=log):
        _wait(address, server, log)
        yield address


def _wait(address: str, server: "subprocess.Popen[str]", log: Path) -> None:
    clock = SystemClock()
    for _ in range(_START_S * 2):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):  # noqa: S310 loopback
                return
        except (urllib.error.URLError, OSError):
            clock.sleep(0.5)
    raise HubError("the Dagster UI did not start", hint=f"see {log}")
