"""Child processes of a command: started with its environment, ended with it, whatever happens."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_STOP_S = 10


def _die_with_parent() -> None:
    """Ask the kernel to end this child when its parent is gone (Linux; elsewhere a no-op)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def child(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    stdout: int | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a child in a process group of its own; stop it at the end, by its own id."""
    with log.open("a") as stderr:
        out: int | IO[str] = stderr if stdout is None else stdout
        process = subprocess.Popen(
            list(arguments),
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=stderr,
            text=True,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 no threads are running yet
        )
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """End a child and what it started; first politely."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
