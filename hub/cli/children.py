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

from hub.clock import SystemClock

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_STOP_S = 10
_KILLED_S = 5.0
_POLL_S = 0.05


def _die_with_parent() -> None:
    """Ask the kernel to end this child when the thread that started it is gone (Linux only).

    It runs between fork and exec, where other threads may hold locks: nothing is imported here.
    """
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
        stop([process])


def stop(processes: Sequence["subprocess.Popen[str]"]) -> None:
    """End children, all at once, and what they started; first politely.

    Processes that a child has started stay in its group when the child is gone. So wait for the
    group.
    """
    for process in processes:
        _signal(process, signal.SIGTERM)
    _wait_for(processes, _STOP_S)
    for process in processes:
        _signal(process, signal.SIGKILL)
        process.wait()
    # A killed process keeps its place at the database until it is gone: the server would be left running.
    _wait_for(processes, _KILLED_S)


def _wait_for(processes: Sequence["subprocess.Popen[str]"], seconds: float) -> None:
    """Wait until the groups of the children are gone, but no longer than so many seconds."""
    clock = SystemClock()
    for _ in range(int(seconds / _POLL_S)):
        if not any(_lives(process) for process in processes):
            return
        clock.sleep(_POLL_S)


def _lives(process: "subprocess.Popen[str]") -> bool:
    """Tell whether a child, or anything of its group, still runs."""
    if process.poll() is None:
        return True
    try:
        os.killpg(process.pid, 0)
    except OSError:
        return False
    return True


def _signal(process: "subprocess.Popen[str]", number: int) -> None:
    with suppress(OSError):  # the whole group has ended
        os.killpg(process.pid, number)
