"""Folders for the homes and servers of tests, in memory where there is room."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # a database is a thousand files, and a disk is slow at making them
_ENOUGH = 4 << 30


@contextmanager
def new_folder() -> Iterator[Path]:
    """A new folder that others may pass, its path short enough for a socket, in memory if it fits."""
    _forget_the_dead()
    fits = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH
    path = Path(tempfile.mkdtemp(prefix=f"hub{os.getpid()}-", dir=_MEMORY if fits else None))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _forget_the_dead() -> None:
    """Remove from memory what the tests of a process left there that was killed."""
    for path in _MEMORY.glob("hub*-*"):
        pid = path.name.removeprefix("hub").split("-")[0]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            shutil.rmtree(path, ignore_errors=True)
