"""Processes that must run as long as the hub is up: watched, started again, ended together.

`hub.cli.restarts` decides; here are the effects. A process whose leader ended is ended as a whole group
before it is started again, so nothing that it started outlives it.
"""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from hub.cli.children import start, stop
from hub.cli.ending import Ending
from hub.cli.output import print_warning
from hub.cli.restarts import MOST, WINDOW_S, Watched, decide
from hub.db.embedded import EmbeddedServer
from hub.errors import HubError

_LOOK_S = 0.5
_LOGS_S = 60.0
_MOST_LOG = 10 << 20
"""Bytes of a log; a larger log becomes the file `….1`, which replaces the one before."""


class Part(Protocol):
    """A process that must run."""

    log: Path

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        ...

    def start(self) -> None:
        """Start the process, once its old group has been ended. An error counts as its end."""
        ...

    def how_it_ended(self) -> str:
        """Say how it ended, for a warning."""
        ...


class ChildPart:
    """A child process with its own log; also started the first time by `start`."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self._arguments, self._env, self.log = arguments, env, log
        self.process: subprocess.Popen[str] | None = None

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it; what it had started itself is ended before."""
        if self.process is not None:
            stop({self.log.stem: self.process}, Ending())
        self.process = start(self._arguments, env=self._env, log=self.log)

    def how_it_ended(self) -> str:
        """Say how it ended."""
        code = self.process.returncode if self.process else None
        if code is None or code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
        return f"signal {-code}"


class PostgresPart:
    """The embedded server, which is no child: any process of the hub may have started it.

    A command that starts it again before the next look must not hide that it had ended. So a new process
    counts as the end of the one before.
    """

    def __init__(self, server: EmbeddedServer, log: Path) -> None:
        self._server, self.log = server, log
        self._pid = server.pid()

    def is_alive(self) -> bool:
        """Tell whether the process known so far takes connections."""
        if not self._server.runs():
            return False
        known, self._pid = self._pid, self._server.pid()
        return known in {None, self._pid}

    def start(self) -> None:
        """Start it, unless another process of the hub has done so."""
        with suppress(HubError):  # it is found not to run, and counted
            self._server.attach()
            self._pid = self._server.pid()

    def how_it_ended(self) -> str:
        """Say how it ended."""
        return "its process took no connections"


class Supervisor:
    """Watches processes by name, in the order in which they are started."""

    def __init__(
        self,
        parts: Mapping[str, Part],
        *,
        foundation: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.parts = parts
        self._foundation = foundation
        self._now = now
        self._watched: Mapping[str, Watched] = {}
        self._looked_at = self._logs_at = float("-inf")

    def check(self) -> None:
        """Look at all processes, and start those again that have ended. Cheap: call it often.

        Raises:
            HubError: a process ended too often.
        """
        now = self._now()
        if now < self._looked_at + _LOOK_S:
            return
        self._looked_at = now
        alive = {name: part.is_alive() for name, part in self.parts.items()}
        made = decide(self._watched, alive, now, foundation=self._foundation)
        self._watched = made.watched
        for name, wait_s in made.found.items():
            part = self.parts[name]
            print_warning(
                f"{name} has ended ({part.how_it_ended()}); it is started again in "
                f"{wait_s:.0f} s; its log: {part.log}"
            )
        if made.given_up:
            raise HubError(
                f"{made.given_up} has ended again, after {MOST} restarts within "
                f"{WINDOW_S / 60:.0f} minutes; the hub stops",
                hint=f"its log: {self.parts[made.given_up].log}",
            )
        for name in made.start:
            self.parts[name].start()
        if now > self._logs_at + _LOGS_S:
            self._logs_at = now
            for part in self.parts.values():
                bound_log(part.log)

    def stop(self, end: Ending) -> None:
        """End all children, at once: each takes its time."""
        children = {
            name: one.process
            for name, one in self.parts.items()
            if isinstance(one, ChildPart) and one.process is not None
        }
        stop(children, end)


def bound_log(log: Path, most: int = _MOST_LOG) -> None:
    """Move what a log holds aside once it is too large. Its writer appends, so it starts from 0."""
    with suppress(OSError):  # a disk that is full must not end the hub
        if log.stat().st_size > most:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            with log.open("r+b") as file:
                file.truncate(0)
