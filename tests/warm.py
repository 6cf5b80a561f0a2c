"""Commands as processes that need not read the hub's modules, which is most of a command's second.

One process reads them once and makes a copy of itself for every command: a process of its own, with
its own arguments, environment, folder and exit code, that runs the same `main`. What an interpreter
does before that is shown by the commands that are started as a user starts them (`House.start`,
the page of `docs/walk.py`).
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import NoReturn

_UNREAD = ("hub.assets", "hub.sandbox", "hub.db.migrations")  # Dagster's, and other processes'
_LONGEST = 1 << 18  # bytes of a request
_ALSO = (
    "alembic.command",
    "bs4",
    "hubspot.discovery.crm.contacts.discovery",
    "rapidfuzz.distance",
    "rich.table",
    "sqlalchemy.dialects.postgresql.psycopg",
)


class Warm:
    """The process that has read the modules, seen from those who want a command run."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._control, its = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, "-P", __file__, str(its.fileno())]
            self._process = subprocess.Popen(
                command,
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # as a command's is
            )

    def run(
        self,
        program: Path,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, as `subprocess.run` does.

        Args:
            program: `hub`, or a script of the tests that ends in its `main`.
            arguments: what follows it in the command line.
            cwd: its folder.
            env: its environment.
            timeout: in seconds.

        Raises:
            subprocess.TimeoutExpired: it took longer, and was killed.
        """
        argv = [str(program), *arguments]
        ours, its = socket.socketpair()
        out, its_out = os.pipe()
        err, its_err = os.pipe()
        request = json.dumps([argv, str(cwd), dict(env)]).encode()
        with self._lock:
            socket.send_fds(self._control, [request], [its.fileno(), its_out, its_err])
        its.close()
        os.close(its_out)
        os.close(its_err)
        with ours, ours.makefile() as talk:
            pid = int(talk.readline())
            try:
                said, told = _read_all((out, err), time.monotonic() + timeout)
            except TimeoutError as exc:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(argv, timeout) from exc
            finally:
                code = int(talk.readline())
                os.close(out)
                os.close(err)
        return subprocess.CompletedProcess(argv, code, said, told)

    def close(self) -> None:
        """Let the process go."""
        self._control.close()
        self._process.communicate(timeout=20)


def _read_all(pipes: Sequence[int], deadline: float) -> list[str]:
    """Return what is written into pipes until their other ends are closed."""
    found: dict[int, list[bytes]] = {pipe: [] for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(deadline - time.monotonic())
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                part = os.read(key.fd, 1 << 16)
                found[key.fd].append(part)
                if not part:
                    selector.unregister(key.fd)
    return [b"".join(parts).decode() for parts in found.values()]


def _read_modules() -> None:
    import hub

    for module in pkgutil.walk_packages(hub.__path__, "hub."):
        if not module.name.startswith(_UNREAD):
            importlib.import_module(module.name)
    for name in _ALSO:
        importlib.import_module(name)
    from hub.mappings.loader import load_all

    load_all()  # a quarter of a second of each sync


@dataclass(frozen=True)
class _Running:
    """A copy that runs a command, and whom its end is told."""

    pid: int
    asked: socket.socket

    def tell(self, word: int) -> None:
        with suppress(BrokenPipeError):
            self.asked.sendall(f"{word}\n".encode())

    def end(self) -> None:
        _, status = os.waitpid(self.pid, 0)
        self.tell(os.waitstatus_to_exitcode(status))
        self.asked.close()


def _serve(control: socket.socket) -> bool:
    """Fork for every command; returns true in a fork, and false when no command comes any more."""
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data is not None:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    key.data.end()
                    continue
                request, fds, _, _ = socket.recv_fds(control, _LONGEST, 3)
                if not request:
                    return False
                asked = socket.socket(fileno=fds[0])
                pid = os.fork()
                if pid == 0:
                    _become(json.loads(request), *fds[1:])
                    return True
                for fd in fds[1:]:
                    os.close(fd)
                begun = _Running(pid, asked)
                begun.tell(pid)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, begun)


def _become(request: tuple[list[str], str, dict[str, str]], out: int, err: int) -> None:
    """Be the process of a command: its output, folder, environment and arguments."""
    for fd, number in ((out, 1), (err, 2)):
        os.dup2(fd, number)
        os.close(fd)
    argv, cwd, env = request
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = argv


def _run() -> int:
    """Run the command to its end; return its exit code."""
    try:
        if sys.argv[0].endswith(".py"):
            runpy.run_path(sys.argv[0], run_name="__main__")
        else:
            from hub.cli.app import main

            main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 as Python itself
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End as Python does, but let the system free the objects: one by one takes a tenth of a second."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or its reader has gone
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _read_modules()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as asking:
        is_command = _serve(asking)
    if is_command:
        _end(_run())
