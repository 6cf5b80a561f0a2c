"""Start the emulated vendors on loopback, announce their addresses, and stop them.

All servers share one event loop on a thread of its own. Not here: the options of the command line
(`__main__.py`, `hub.cli`).
"""

import asyncio
import contextlib
import math
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from hub.errors import ConfigError, HubError
from hub.sandbox.accounts import ACCOUNTS
from hub.sandbox.clock import VendorClock
from hub.sandbox.control import Control
from hub.sandbox.fault_middleware import FaultMiddleware
from hub.sandbox.faults import Faults
from hub.sandbox.generator import generate, live_events
from hub.sandbox.http_middleware import HttpMiddleware, RequestCounts
from hub.sandbox.replay import EVERY_S, EventReplay
from hub.sandbox.smtp import Mailbox
from hub.sandbox.universe import build_world, latest_at, load_universe
from hub.sandbox.vendors import VENDORS

HOST = "127.0.0.1"
HIGHEST_PORT = 65_535
_START_S, _STOP_S = 20, 5
_STOPS_AFTER_S = 1
_BACKLOG = 128
Announce = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """The options of a sandbox.

    Attributes:
        port: the first port; the next servers take the next ports. 0 takes free ports.
        time_scale: vendor seconds per real second.
        seed: seed of the generated universe.
        people: number of people in the generated universe.
        org: above 0: instead one vendor's org for a migration, with that many leads.
        org_of: the vendor of that org: salesforce, hubspot or sell.
        universe: a file to load instead of a generated universe.
        faults: names of fault profiles, separated by commas.
        live: new leads arrive.
        strict: Typeform refuses a time window together with a cursor.
        live_every_s: real seconds between generated events.
    """

    port: int = 0
    time_scale: float = 1.0
    seed: int = 1
    people: int = 200
    org: int = 0
    org_of: str = "salesforce"
    universe: Path | None = None
    faults: str = ""
    live: bool = False
    strict: bool = False
    live_every_s: float = EVERY_S


class Sandbox:
    """The running vendors, as a context manager. `announcement` has their addresses."""

    def __init__(self, options: SandboxOptions) -> None:
        _check(options)
        self.options = options
        faults = Faults(options.faults)
        if options.universe is not None:
            self.universe = load_universe(options.universe)
            self.clock = _clock_after(self.universe, options.time_scale)
        else:
            self.clock = VendorClock(options.time_scale)
            now = self.clock.start.replace(minute=0, second=0, microsecond=0)
            self.universe = (
                ACCOUNTS[options.org_of](options.seed, options.org, now=now)
                if options.org
                else generate(options.seed, options.people, now=now)
            )
        self.world = build_world(self.universe, self.clock, faults)
        self.requests = RequestCounts()
        self.mailbox = Mailbox()
        self.replay = self._make_replay()
        self.announcement: dict[str, Any] = {}
        self._apps = self._make_apps()
        self._sockets: dict[str, socket.socket] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stopping: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        """Take the ports, start all servers, and return when all of them listen."""
        self._sockets = _take_ports(self.options.port, [*self._apps, "smtp", "control"])
        self.announcement = self._make_announcement()
        self._apps["control"] = Control(
            self.world,
            universe=self.universe,
            mailbox=self.mailbox,
            requests=self.requests,
            replay=self.replay,
        ).app()
        self._thread.start()
        if not self._ready.wait(_START_S) or self._failure is not None:
            self.close()
            raise HubError("the sandbox did not start") from self._failure
        self.replay.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close everything."""
        self.close()

    def close(self) -> None:
        """Stop listening and end all threads."""
        self.replay.stop()
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        for app in self._apps.values():
            end = getattr(getattr(app, "state", None), "close", None)
            if end is not None:
                end()
        for taken in self._sockets.values():
            taken.close()

    def url(self, name: str) -> str:
        """Return a server's base URL."""
        return f"http://{HOST}:{self._port(name)}"

    def _port(self, name: str) -> int:
        return int(self._sockets[name].getsockname()[1])

    def _make_replay(self) -> EventReplay:
        if not self.options.live:
            return EventReplay(self.world)
        later = [one for one in self.universe.get("events", ()) if one.get("after_s")]
        if later:
            return EventReplay(self.world, later)
        invented = live_events(self.world.seed, self.universe)
        return EventReplay(self.world, invented=invented, every_s=self.options.live_every_s)

    def _make_apps(self) -> dict[str, Starlette]:
        return {one.name: one.create_app(self.world, self.options.strict) for one in VENDORS}

    def _make_announcement(self) -> dict[str, Any]:
        secrets = self.world.secrets
        vendors: dict[str, Any] = {}
        for one in VENDORS:
            vendors[one.name] = {
                "url": self.url(one.name),
                "credentials": one.shown_credentials(secrets),
            }
            if one.app:
                vendors[one.name]["app"] = {key: secrets[name] for key, name in one.app.items()}
            if one.webhook_secret:
                vendors[one.name]["webhook_secret"] = secrets[one.webhook_secret]
        return {
            "ready": True,
            "vendors": vendors,
            "smtp": {"host": HOST, "port": self._port("smtp")},
            "control": self.url("control"),
            "time_scale": self.options.time_scale,
            "env": {
                variable: secrets[name] for one in VENDORS for variable, name in one.env.items()
            },
        }

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as exc:  # noqa: BLE001 - `__enter__` raises it
            self._failure = exc
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        mail = await self._loop.create_server(self.mailbox.protocol, sock=self._sockets["smtp"])
        servers = [_Server(_config(self._around(name, app))) for name, app in self._apps.items()]
        tasks = [
            asyncio.create_task(server.serve([self._sockets[name]]))
            for name, server in zip(self._apps, servers, strict=True)
        ]
        while not all(server.started for server in servers):
            if any(task.done() for task in tasks):
                break
            await asyncio.sleep(0.01)
        self._ready.set()
        await self._stopping.wait()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
        mail.close()

    def _around(self, name: str, app: Starlette) -> ASGIApp:
        if name == "control":
            return app
        vendor = next(one for one in VENDORS if one.name == name)
        expire = getattr(app.state, "expire_tokens", None)
        broken = FaultMiddleware(app, vendor=vendor, faults=self.world.faults, expire_tokens=expire)
        return HttpMiddleware(broken, vendor=name, clock=self.clock, requests=self.requests)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: the process that runs the sandbox handles the signals."""
        yield


def serve(options: SandboxOptions, announce: Announce) -> None:
    """Run the sandbox until SIGINT or SIGTERM. Call `announce` when all servers listen."""
    stopped = threading.Event()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda *_: stopped.set())
    try:
        with Sandbox(options) as sandbox:
            announce(sandbox.announcement)
            stopped.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_STOPS_AFTER_S,
    )


def _check(options: SandboxOptions) -> None:
    if not 0 < options.time_scale < math.inf:
        raise ConfigError("--time-scale must be a number above 0")
    if options.people < 1:
        raise ConfigError("--people must be at least 1")
    if options.org < 0:
        raise ConfigError("--org must not be negative")
    if options.org_of not in ACCOUNTS:
        raise ConfigError(f"--org-of must be one of {', '.join(ACCOUNTS)}")
    if options.seed < 0:
        raise ConfigError("--seed must not be negative")
    if not 0 <= options.port <= HIGHEST_PORT:
        raise ConfigError(f"--port must be between 0 and {HIGHEST_PORT}")


def _clock_after(universe: dict[str, Any], time_scale: float) -> VendorClock:
    """Return a clock that does not start before the latest record."""
    clock = VendorClock(time_scale)
    latest = latest_at(universe)
    return VendorClock(time_scale, latest) if latest and latest > clock.start else clock


def _take_ports(first: int, names: list[str]) -> dict[str, socket.socket]:
    taken: dict[str, socket.socket] = {}
    for n, name in enumerate(names):
        port = first + n if first else 0
        # With protocol 0 asyncio does not set TCP_NODELAY, and each answer takes 40 ms longer.
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
            one.listen(_BACKLOG)
        except (OSError, OverflowError) as exc:
            for other in (one, *taken.values()):
                other.close()
            reason = exc.strerror if isinstance(exc, OSError) else "there is no such port"
            raise ConfigError(
                f"cannot listen on {HOST}:{port} for {name}: {reason}",
                hint="choose another --port, or 0 for free ports",
            ) from exc
        taken[name] = one
    return taken
