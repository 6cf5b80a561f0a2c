"""A PostgreSQL cluster with the migrated, empty database `hub`: made once a test run, and then copied.

To make one costs seconds of the processor: `initdb`, and every migration. A copy costs a twentieth.
The processes of one run (pytest-xdist's workers) share it, in a folder that the first process makes.
"""

import atexit
import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from hub.clock import SystemClock
from hub.db.embedded import EmbeddedServer
from hub.db.engine import opened_embedded
from tests.folders import new_folder

_SHARED = "LEAD_HUB_TEST_RUN"  # names the folder to the workers


class FleetingServer(EmbeddedServer):
    """A server whose databases end with the tests: it need not wait for the disk.

    To drop a database the server looks through all its buffers, so it has few.
    """

    def _of_this_machine(self) -> str:
        off = ("fsync", "full_page_writes", "synchronous_commit")
        return "".join(
            [
                super()._of_this_machine(),
                "shared_buffers = 64MB\n",
                *(f"{one} = off\n" for one in off),
            ]
        )


def share() -> None:
    """Make the folder that this process shares with those it is about to start; it ends with this one."""
    folder = ExitStack()
    os.environ[_SHARED] = str(folder.enter_context(new_folder()))
    atexit.register(_close, folder, os.getpid())


def _close(folder: ExitStack, owner: int) -> None:
    if os.getpid() == owner:  # and not a copy of it
        folder.close()


@contextmanager
def one_by_one(work: str) -> Iterator[Path]:
    """Let the processes of a run in one after the other; yields the file by which one says it is done."""
    if _SHARED not in os.environ:
        share()
    folder = Path(os.environ[_SHARED])
    with (folder / f"{work}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / f"{work}.done"


@cache
def cluster() -> Path:
    """Return the data folder; its server does not run."""
    with one_by_one("cluster") as done:
        home = done.with_name("h")
        if not done.exists():
            _make(home)
            done.touch()
    return home / "pg/data"


def _make(home: Path) -> None:
    home.mkdir()
    server = FleetingServer(home, SystemClock())
    try:
        with opened_embedded(server.attach()):
            pass
    finally:
        server.detach()


def copy_cluster(home: Path) -> None:
    """Give a home without a database a copy."""
    data = home / "pg/data"
    data.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", str(cluster()), str(data)], check=True)
