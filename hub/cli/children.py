"""Child processes of a command: started with its environment, and always ended with the parent."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from hub.cli.ending import Ending

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_STOP_S, _KILLED_S = 8.0, 2.0


def _die_with_parent() -> None:
    """Ask the kernel to end this child when the thread that started it is gone (Linux only).

    A script without job control starts a command of the background with SIGINT ignored, and its children
    with it. Dagster takes SIGTERM for SIGINT: it would not end, and its runs could not be ended either.

    This runs between fork and exec, where other threads may hold locks: nothing is imported here.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    stdout: int | None = None,
) -> "subprocess.Popen[str]":
    """Start a child in a process group of its own; `stop` ends it. To be called by the main thread."""
    with log.open("a") as stderr:
        out: int | IO[str] = stderr if stdout is None else stdout
        return subprocess.Popen(
            list(arguments),
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=stderr,
            text=True,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 see there
        )


@contextmanager
def child(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    stdout: int | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a child until the block ends; stop it then, by its own id."""
    process = start(arguments, env=env, log=log, stdout=stdout)
    try:
        yield process
    finally:
        stop({Path(arguments[0]).name: process}, Ending())


def stop(children: Mapping[str, "subprocess.Popen[str]"], end: Ending) -> None:
    """End children, all at once, and what they started; first politely.

    Processes that a child has started stay in its group when the child is gone. So wait for the
    group.

    Args:
        children: by the names that the operator reads.
        end: how long the waits may take.
    """
    try:
        for process in children.values():
            _signal(process, signal.SIGTERM)
        end.wait("children end", lambda: _living(children), _STOP_S)
    finally:
        for process in children.values():
            _signal(process, signal.SIGKILL)
            process.wait()
        # A killed process keeps its place at the database until it is gone: the server would be left running.
        end.wait("killed children end", lambda: _living(children), _KILLED_S, is_short=True)


def _living(children: Mapping[str, "subprocess.Popen[str]"]) -> list[str]:
    """Return the children of which a process still runs, with the ids of these processes."""
    left = {name: _group(process) for name, process in children.items()}
    return [f"{name} (process {', '.join(map(str, ids))})" for name, ids in left.items() if ids]


def _group(process: "subprocess.Popen[str]") -> list[int]:
    """Return the ids of what still runs in the group of a child.

    A process that has ended stays as a zombie until its parent asks. Those of a child that is gone belong to
    the first process of the machine or the container; `hub up` may be this one, and never asks.
    """
    if process.poll() is None:
        return [process.pid]
    try:
        os.killpg(process.pid, 0)
    except OSError:
        return []
    import psutil

    found = []
    for one in psutil.process_iter(["status"]):
        with suppress(OSError):  # it has ended meanwhile
            if one.info["status"] != psutil.STATUS_ZOMBIE and os.getpgid(one.pid) == process.pid:
                found.append(one.pid)
    return found


def _signal(process: "subprocess.Popen[str]", number: int) -> None:
    with suppress(OSError):  # the whole group has ended
        os.killpg(process.pid, number)
