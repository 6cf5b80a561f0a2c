"""The process of the embedded PostgreSQL: started, waited for, and stopped; its programs, and their user.

A wait ends at the next signal: nothing here holds up Ctrl-C for longer than it takes to leave no server that
is half started. Not here: which processes share the server, and its files (`hub.db.embedded`).
"""

import os
import pwd
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hub.clock import Clock
from hub.errors import HubError
from hub.logs import get_logger

SUPERUSER = "postgres"
_SERVER_USER = "pgserver"
_STATUS_LINE = 7  # of postmaster.pid, from 0: "starting", "ready", "stopping"
_START_TRIES = 20
_START_S = 300  # the server may have to replay its log first
_STOP_S = 15.0
"""How long the server may write what it holds in memory; then it ends at once, and replays its log later."""
_POLL_S = 0.02
log = get_logger()


@contextmanager
def signals_wait() -> Iterator[Sequence[int]]:
    """Delay SIGINT and SIGTERM: a half-started or half-stopped server would stay. Yields those that came."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {
        number: signal.signal(number, lambda got, _frame: came.append(got))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


class Postmaster:
    """The server of one data folder.

    Args:
        programs: the folder of PostgreSQL's programs.
        data: the data folder.
        socket: the folder of its socket.
        clock: for waits.
    """

    def __init__(self, programs: Path, data: Path, socket: Path, clock: Clock) -> None:
        self._programs, self._data, self._socket = programs, data, socket
        self._pid_file = data / "postmaster.pid"
        self._clock = clock

    def is_ready(self) -> bool:
        """Tell whether the server takes connections: by its pid file, else by `pg_isready`."""
        with suppress(OSError, ValueError, IndexError):
            lines = self._pid_file.read_text().splitlines()
            if self._runs_as(int(lines[0])) and lines[_STATUS_LINE].strip() == "ready":
                return True
        done = self.run(
            ["pg_isready", "-q", "-h", str(self._socket), "-U", SUPERUSER],
            check=False,
        )
        return done.returncode == 0

    def start(self, came: Sequence[int]) -> None:
        """Start the server.

        Args:
            came: the signals that have come so far. After the first one the server may have begun; it must
                be stopped then.

        Raises:
            HubError: it does not start.
        """
        end = time.monotonic() + _START_S
        for _ in range(_START_TRIES):
            self._forget_dead_postmaster()
            if self._comes_up(came, end):
                log.info("postgres_started", data=str(self._data))
                return
            if came:
                return
            self._clock.sleep(0.5)  # after a kill -9 its children need a moment to leave
        kept = self._data / "server.log"
        raise HubError(
            f"the embedded PostgreSQL does not start{_last_words(kept)}", hint=f"see {kept}"
        )

    def _comes_up(self, came: Sequence[int], end: float) -> bool:
        """Start the server once; returns whether it takes connections.

        If the process that started or stopped it was killed, the server goes on without it, and no second one
        can start. So it is waited for, until `end` at most.
        """
        while self._runs_as(self.pid()):
            if self.is_ready():
                return True
            if came or time.monotonic() > end:
                return False
            self._clock.sleep(_POLL_S)
        return self._launch(came) == 0 and self.is_ready()

    def _launch(self, came: Sequence[int]) -> int:
        """Start the server once; returns the exit code of `pg_ctl`, which ends early after a signal."""
        command = [
            "pg_ctl", "-D", str(self._data), "-w", "-t", str(_START_S),
            "-l", str(self._data / "server.log"), "start",
        ]  # fmt: skip
        with self._begin(command, stdout=subprocess.DEVNULL) as starting:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return starting.wait(_POLL_S)
                if came and self._pid_file.exists():  # from here on the server can be stopped
                    starting.kill()

    def stop(self, came: Sequence[int]) -> None:
        """Stop the server; at once after a signal, or if it takes too long."""
        began = self._clock.now()
        if not self._stopped("fast", came):
            log.warning(
                "postgres_is_stopped_at_once", why="Ctrl-C" if came else "it takes too long"
            )
            self._stopped("immediate", ())
        took_s = (self._clock.now() - began).total_seconds()
        log.info("postgres_stopped", seconds=round(took_s, 2))

    def _stopped(self, mode: str, came: Sequence[int]) -> bool:
        """Ask the server to stop; returns whether it does not run any more."""
        pid = self.pid()
        command = ["pg_ctl", "-D", str(self._data), "-m", mode, "-W", "stop"]
        return self.run(command, check=False).returncode != 0 or self._ends(pid, came)

    def _ends(self, pid: int | None, came: Sequence[int]) -> bool:
        """Wait for the end of the server; returns whether it has ended, before any signal and in time."""
        end = time.monotonic() + _STOP_S
        while self._runs_as(pid):  # one that was killed leaves its pid file behind
            if came or time.monotonic() > end:
                return False
            self._clock.sleep(_POLL_S)
        return True

    def pid(self) -> int | None:
        """Return the id of the process in the pid file; None if there is none."""
        return _first_line(self._pid_file)

    def _runs_as(self, pid: int | None) -> bool:
        """Tell whether a process is a postmaster of this data folder; a zombie is not."""
        with suppress(OSError):
            return str(self._data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        return False

    def _forget_dead_postmaster(self) -> None:
        """Remove pid files whose process is not a postmaster of this data folder.

        After a power cut another process can have the id. PostgreSQL refuses to start then.
        """
        for file in (self._pid_file, *self._socket.glob(".s.PGSQL.*.lock")):
            pid = _first_line(file)
            if pid is not None and not self._runs_as(pid):
                file.unlink(missing_ok=True)

    def run(
        self, command: Sequence[str], *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of PostgreSQL to its end.

        Args:
            command: the name of the program, and its arguments.
            check: whether an exit code other than 0 is an error.

        Raises:
            HubError: it cannot be run, or it failed.
        """
        with self._begin(command, stdout=subprocess.PIPE) as process:
            said, _ = process.communicate()
        done = subprocess.CompletedProcess(command, process.returncode, said or "")
        if check and done.returncode != 0:
            raise HubError(f"{command[0]} failed: {done.stdout.strip()[-400:]}")
        return done

    def _begin(self, command: Sequence[str], *, stdout: int) -> "subprocess.Popen[str]":
        """Start a program of PostgreSQL as the server's user."""
        user = self.user() if os.geteuid() == 0 else None
        if user:
            self._make_traversable()
        try:
            return subprocess.Popen(
                [str(self._programs / command[0]), *command[1:]],
                user=user,
                group=pwd.getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
                cwd="/",
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        except OSError as exc:
            raise HubError(f"cannot run {command[0]}: {exc.strerror}") from exc

    def user(self) -> str:
        """Return the operating system's user that runs the server; PostgreSQL refuses root."""
        if os.geteuid() != 0:
            return pwd.getpwuid(os.geteuid()).pw_name
        try:
            pwd.getpwnam(_SERVER_USER)
        except KeyError:
            subprocess.run(
                ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", _SERVER_USER],
                check=True,
                capture_output=True,
            )
        return _SERVER_USER

    def own(self, path: Path) -> None:
        """Give a file or folder to the user of the server, if this process is root."""
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.user())
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _make_traversable(self) -> None:
        """As root: allow the server's user to pass (not to list) the folders above its own."""
        opened = []
        for leaf in (self._data, self._programs):
            for folder in leaf.parents:
                mode = folder.stat().st_mode
                if not mode & stat.S_IXOTH:
                    folder.chmod(mode | stat.S_IXOTH)
                    opened.append(str(folder))
        if opened:
            log.warning("folders_made_traversable", folders=opened)


def _first_line(file: Path) -> int | None:
    """Return the id of a process in the first line of a file; None if there is none."""
    with suppress(OSError, ValueError, IndexError):
        return int(file.read_text().splitlines()[0])
    return None


def _last_words(kept: Path) -> str:
    """Return the last fatal message of the server's log, after a colon; nothing if there is none."""
    with suppress(OSError):
        fatal = [
            line for line in kept.read_text(errors="replace").splitlines() if "FATAL: " in line
        ]
        if fatal:
            return f": {fatal[-1].partition('FATAL: ')[2].strip()}"
    return ""
