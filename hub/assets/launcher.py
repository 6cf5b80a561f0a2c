"""The default launcher of Dagster, with a check whether a run's process still exists.

Each run holds a lock in the database, named by its id (`HubResource`), however it was launched. The
session of the lock ends with the process, so a free lock means a process that is gone. Dagster's run
monitoring asks for each run that is STARTED (`hub.cli.dagster_home` switches it on), and fails a run whose
lock has been free for 60 seconds. It also fails runs that do not start, or that take too long.
"""

import time
from collections.abc import Callable
from typing import Any

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher

from hub.db.kept_lock import is_held

GRACE_S = 60.0
"""A run is STARTED a moment before it takes its lock, and takes it again after a loss of the database."""
_GONE = (
    "the process of this run has been gone for {:.0f} s: it was killed, or the machine had no memory "
    "left for it. What it read is kept. Next: nothing; the next run of the source goes on from there"
)


def run_lock(run_id: str) -> str:
    """Return the name of the lock that a run holds."""
    return f"run:{run_id}"


class HubRunLauncher(DefaultRunLauncher):
    """Launches runs through the code server, and knows which of them still have a process."""

    def __init__(self, inst_data: Any = None) -> None:
        super().__init__(inst_data)
        self._free_since: dict[str, float] = {}
        self.now: Callable[[], float] = time.monotonic

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Switch on this check for run monitoring."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Tell whether the process of a run exists."""
        # The storage of Dagster is the database of the hub, so it sees the locks of the hub.
        storage: Any = self._instance.run_storage
        with storage.connect() as conn:
            held = is_held(conn, run_lock(run.run_id))
        if held:
            self._free_since.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        now = self.now()
        absent_s = now - self._free_since.setdefault(run.run_id, now)
        if absent_s < GRACE_S:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its lock is free")
        self._free_since.pop(run.run_id)
        return CheckRunHealthResult(WorkerStatus.FAILED, _GONE.format(absent_s))
