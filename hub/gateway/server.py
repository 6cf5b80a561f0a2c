"""Both listeners in one event loop, from their start to a graceful end."""

import asyncio
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from hub.clock import Clock
from hub.db.engine import Database
from hub.db.transactions import ask
from hub.errors import ConfigError
from hub.gateway.connections import MOST_HEADERS, bounded_protocol
from hub.gateway.doors import Doors
from hub.gateway.guard import App, Bounds, Guard
from hub.gateway.inbox_writer import InboxWriter
from hub.gateway.metrics import Metrics
from hub.gateway.private import private_app
from hub.gateway.public import public_app
from hub.logs import get_logger
from hub.settings import GatewaySettings, Settings
from hub.views import live_figures

log = get_logger()

LOOPBACK = "127.0.0.1"
_BACKLOG = 256
_IDLE_S = 5
_STOP_S = 8
_BODIES = 64 << 20
_FILES = 4096
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the gateway listens."""

    public: str
    private: str


class Gateway:
    """The gateway of one process.

    Args:
        settings: of hub.yaml.
        database: open, with the schema of this version.
        clock: for the age of signatures.
        file: the hub.yaml, which is read again when it changes.
    """

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, file: Path | None = None
    ) -> None:
        own = settings.gateway
        self.metrics = Metrics()
        self.writer = InboxWriter(database.engine, own.max_waiting)
        self.metrics.watch_inbox(self.writer.depth, lambda: clock.now().timestamp())
        self.metrics.watch_hub(lambda: ask(database.engine, live_figures.read))
        self.public = public_app(
            Doors(settings, file), self.writer, database.engine, clock, self.metrics
        )
        self.private = private_app(
            self.public, self.metrics, self.writer.depth, own.max_waiting, lambda: self._is_stopping
        )
        self._own = own
        self.ended_by = 0  # a signal
        self._is_stopping = False
        self._servers: list[_Server] = []

    def guarded(self) -> App:
        """Return the public application behind its guard."""
        bodies = max(_BODIES, self._own.max_body)
        bounds = Bounds(self._own.max_body, bodies, self._own.request_s)
        return Guard(self.public, bounds, self.metrics)

    def _signalled(self, number: int) -> None:
        self.ended_by = number
        self.stop()

    def stop(self) -> None:
        """End: take no new connection, finish what is under way for some seconds."""
        self._is_stopping = True
        for server in self._servers:
            server.should_exit = True

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve the public and the private listener until `stop`, or a signal in the main thread."""
        public = _config(self.guarded(), self._own)
        private = _config(self.private, None)
        self._servers = [_Server(public), _Server(private)]
        writing = asyncio.create_task(self.writer.run())
        try:
            with _signals(self._signalled):
                await asyncio.gather(*(
                    server.serve(sockets=[one])
                    for server, one in zip(self._servers, sockets, strict=True)
                ))  # fmt: skip
        finally:
            self.writer.stop()
            await writing


class _Server(uvicorn.Server):
    """A server that leaves the signals of the process to the gateway."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: "App | FastAPI", own: GatewaySettings | None) -> uvicorn.Config:
    """Return the configuration of a listener; the private one trusts no proxy and has few connections."""
    most, request_s = (own.max_connections, own.request_s) if own else (50, 10.0)
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=bounded_protocol(most, request_s),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # a path may contain a secret
        proxy_headers=own is not None,
        forwarded_allow_ips=[LOOPBACK, "::1", *own.trusted_proxies] if own else [],
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_STOP_S,
        h11_max_incomplete_event_size=MOST_HEADERS,
    )


@contextmanager
def _signals(stop: Callable[[int], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    kinds = (signal.SIGINT, signal.SIGTERM)
    try:
        for kind in kinds:
            loop.add_signal_handler(kind, stop, kind)
    except (ValueError, RuntimeError):  # not in the main thread: its owner calls `stop`
        yield
        return
    try:
        yield
    finally:
        for kind in kinds:
            loop.remove_signal_handler(kind)


def listen(bind: str, port: int) -> socket.socket:
    """Return a socket that is bound; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((bind, port))
    except OSError as exc:
        found.close()
        raise ConfigError(
            f"the gateway cannot listen on {bind} port {port}: {exc.strerror}",
            hint="set gateway.bind, gateway.port or gateway.private_port in hub.yaml",
        ) from exc
    return found


def run(
    settings: Settings,
    database: Database,
    clock: Clock,
    *,
    file: Path | None = None,
    on_ready: Callable[[Addresses], None] = lambda _: None,
) -> int:
    """Run the gateway until SIGTERM or Ctrl-C; returns the exit code: 0 after SIGTERM, 130 after Ctrl-C.

    Args:
        settings: of hub.yaml.
        database: open, with the schema of this version.
        clock: for the age of signatures.
        file: the hub.yaml, which is read again when it changes.
        on_ready: is told where the gateway listens.

    Raises:
        ConfigError: an address cannot be had.
    """
    own = settings.gateway
    _allow_files()
    with listen(own.bind, own.port) as public, listen(LOOPBACK, own.private_port) as private:
        gateway = Gateway(settings, database, clock, file)
        on_ready(Addresses(_url(public), _url(private)))
        asyncio.run(gateway.serve([public, private]))
    log.info("gateway_stopped")
    return _INTERRUPTED if gateway.ended_by == signal.SIGINT else 0


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_files() -> None:
    """Ask for more open files than the usual 1,024, because each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
