"""Dagster beside the hub: its code server, web server and daemon as supervised children.

Dagster itself is never imported here (it costs a second): it runs in processes of its own.
"""

import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from hub.cli.dagster_api import DagsterApi
from hub.cli.dagster_home import LOCATION, MODULE, code_socket, dagster_home, workspace_file
from hub.cli.ending import Ending, ending
from hub.cli.output import print_warning
from hub.cli.supervisor import ChildPart, Part, PostgresPart, Supervisor
from hub.clock import SystemClock
from hub.db.embedded import EmbeddedServer
from hub.db.engine import Database
from hub.db.kept_lock import KeptLock
from hub.errors import ConfigError, HubError

CODE_SERVER = "Dagster's code server"
WEB_SERVER = "Dagster's web server"
DAEMON = "Dagster's daemon"
POSTGRES = "PostgreSQL"
_START_S = 120.0
_END_S, _ASK_S = 6.0, 0.25
_LOCK_S = 15.0
_CLOCK = SystemClock()


@dataclass(slots=True)
class Dagster:
    """Dagster, as long as the hub is up."""

    address: str
    supervisor: Supervisor
    lock: KeptLock
    home: Path
    _locked_at: float = field(default_factory=time.monotonic)

    @property
    def api(self) -> DagsterApi:
        """The web server, for questions."""
        return DagsterApi(self.address)

    def check(self) -> None:
        """Start again what has ended, and hold the lock of the home. Cheap: call it often.

        Raises:
            HubError: a process ended too often, or another hub has come up for this home.
        """
        self.supervisor.check()
        if time.monotonic() < self._locked_at + _LOCK_S:
            return
        self._locked_at = time.monotonic()
        # Lost with PostgreSQL: until it is taken again, another `hub up` could have taken it.
        if self.lock.keep() is False:
            raise HubError(
                f"another hub has come up for {self.home} while PostgreSQL was down; this one stops",
                hint="only one hub up, or hub demo, can run for a home",
            )


def free_port(wanted: int) -> int:
    """Return `wanted` if it can be had, or a free port for 0.

    Raises:
        ConfigError: another program listens on the wanted port.
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
    env: Mapping[str, str],
    database: Database,
    home: Path,
    port: int,
    beside: Mapping[str, Part] = MappingProxyType({}),
) -> Iterator[Dagster]:
    """Run Dagster's code server, web server and daemon; yields them once the definitions are loaded.

    The web server listens on loopback alone, the code server on a socket in Dagster's own folder.
    At the end runs in flight are ended in order, and all processes with them.

    Args:
        env: the environment of the processes.
        database: the hub's.
        home: HUB_HOME.
        port: of the web server.
        beside: further processes by name, which are watched and ended with Dagster's.

    Raises:
        ConfigError: the port is taken, or another process runs Dagster for this hub.
        HubError: it did not start.
    """
    port = free_port(port)
    lock = KeptLock(database.engine, "only:dagster")
    server = EmbeddedServer(home, _CLOCK) if database.is_embedded else None
    try:
        if lock.keep() is not True:
            raise ConfigError(
                f"{home} runs already", hint="stop the other hub up or hub demo first"
            )
        if server:
            server.attach()
        supervisor = Supervisor(
            {**parts(env, home, port, server), **beside}, foundation=POSTGRES if server else None
        )
        running = Dagster(f"http://127.0.0.1:{port}", supervisor, lock, home)
        try:
            _start(running)
            yield running
        finally:
            with ending() as end:
                try:
                    _end_runs(running.api, end)
                finally:
                    supervisor.stop(end)
    finally:
        lock.release()
        if server:
            server.detach()


def parts(
    env: Mapping[str, str], home: Path, port: int, server: EmbeddedServer | None
) -> dict[str, Part]:
    """Return the processes by name, in the order in which they are started."""
    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    workspace = ["-w", str(workspace_file(home))]
    python = [sys.executable, "-m"]
    commands = {
        CODE_SERVER: [
            *python, "dagster", "code-server", "start", "-m", MODULE, "-a", "defs",
            "--socket", str(code_socket(home)), "--location-name", LOCATION,
            "-d", str(dagster_home(home)),  # Dagster puts this folder before all other modules
        ],
        WEB_SERVER: [
            *python, "hub.assets.web_server", *workspace, "-h", "127.0.0.1", "-p", str(port),
        ],
        DAEMON: [*python, "hub.assets.daemon", "run", *workspace],
    }  # fmt: skip
    files = {CODE_SERVER: "code-server.log", WEB_SERVER: "web-server.log", DAEMON: "daemon.log"}
    first: dict[str, Part] = (
        {POSTGRES: PostgresPart(server, home / "pg/data/server.log")} if server else {}
    )
    return first | {
        name: ChildPart(command, env, logs / files[name]) for name, command in commands.items()
    }


def _start(running: Dagster) -> None:
    """Start all; the code server first, which the others would report as unreachable."""
    code_socket(running.home).unlink(missing_ok=True)  # of a killed one
    for name, part in running.supervisor.parts.items():
        if isinstance(part, ChildPart):
            part.start()
        if name == CODE_SERVER:
            _wait(running, code_socket(running.home).exists)
    _wait(running, running.api.has_loaded)


def _wait(running: Dagster, is_ready: Callable[[], bool]) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        if is_ready():
            return
        for name, part in running.supervisor.parts.items():
            is_begun = not isinstance(part, ChildPart) or part.process is not None
            if is_begun and not part.is_alive():
                raise HubError(
                    f"{name} did not start ({part.how_it_ended()})", hint=f"its log: {part.log}"
                )
        _CLOCK.sleep(0.25)
    raise HubError("Dagster did not start in time", hint=f"its logs: {running.home / 'logs'}")


def _end_runs(api: DagsterApi, end: Ending) -> None:
    """End runs in flight in order, so that none is found as running by the next start.

    Without a web server nothing is asked for: the runs get the signal with their code server.
    """
    runs = api.in_flight()
    if not runs:
        return
    print_warning(
        f"runs under way are ended: {', '.join(sorted(runs.values()))}; what they read is kept, and "
        "the next run goes on from there"
    )
    api.terminate(list(runs))
    end.wait("runs end", lambda: _named(api.in_flight()), _END_S, every_s=_ASK_S)


def _named(runs: Mapping[str, str]) -> list[str]:
    return [f"{job} (run {run_id[:8]})" for run_id, job in sorted(runs.items())]
