"""Dagster beside the hub: its code server, web server and daemon as children.

Dagster itself is never imported here (it costs a second): it runs in processes of its own.
"""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.cli.children import child, stop
from hub.cli.dagster_home import LOCATION, MODULE, code_socket, workspace_file
from hub.clock import SystemClock
from hub.db.engine import Database
from hub.db.locks import only_one
from hub.errors import ConfigError, HubError

_START_S = 120
CODE_SERVER = "Dagster's code server"


@dataclass(frozen=True, slots=True)
class Dagster:
    """Dagster's running processes, by what they are for."""

    address: str
    processes: dict[str, "subprocess.Popen[str]"]
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
    """Run Dagster's code server, web server and daemon; yields them once the definitions are loaded.

    The web server listens on loopback alone, the code server on a socket in Dagster's own folder.

    Raises:
        ConfigError: the port is taken, or another process runs Dagster for this hub.
        HubError: it did not start.
    """
    port = free_port(port)
    log = home / "dagster.log"
    with only_one(database.engine, "dagster") as is_alone:
        if not is_alone:
            raise ConfigError(
                f"{home} is up already", hint="end the other hub up or hub demo first"
            )
        code_socket(home).unlink(missing_ok=True)  # of a killed one
        running = Dagster(f"http://127.0.0.1:{port}", {}, log)
        with ExitStack() as stack:
            try:
                # The code server first: the others would report it as unreachable.
                for name, command in commands(home, port).items():
                    process = stack.enter_context(child(command, env=env, log=log))
                    running.processes[name] = process
                    if name == CODE_SERVER:
                        _wait(running, code_socket(home).exists)
                _wait(running, lambda: "RepositoryLocation" in _locations(running.address))
                yield running
            finally:
                stop(list(running.processes.values()))  # all at once: each takes its time


def commands(home: Path, port: int) -> dict[str, list[str]]:
    """Return the command lines of Dagster's processes, by what they are for."""
    workspace = ["-w", str(workspace_file(home))]
    python = [sys.executable, "-m"]
    return {
        CODE_SERVER: [
            *python, "dagster", "code-server", "start", "-m", MODULE, "-a", "defs",
            "--socket", str(code_socket(home)), "--location-name", LOCATION,
        ],
        "Dagster's web server": [
            *python, "dagster_webserver", *workspace, "-h", "127.0.0.1", "-p", str(port),
        ],
        "Dagster's daemon": [*python, "hub.assets.daemon", "run", *workspace],
    }  # fmt: skip


_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  locationOrLoadError { __typename } } } } }"""


def _wait(running: Dagster, is_ready: Callable[[], bool]) -> None:
    clock = SystemClock()
    for _ in range(_START_S * 4):
        running.check()
        if is_ready():
            return
        clock.sleep(0.25)
    raise HubError("Dagster did not start", hint=f"see {running.log}")


def _locations(address: str) -> str:
    """Return what the web server says of the code location; nothing while it does not answer."""
    request = urllib.request.Request(  # noqa: S310 loopback
        f"{address}/graphql",
        json.dumps({"query": _LOCATIONS}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 loopback
            return str(answer.read())
    except OSError:
        return ""
