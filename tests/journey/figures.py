"""CPU and peak memory of each process, and of PostgreSQL as a whole. Reads /proc."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import cpu_of_tree

_EVERY_S = 0.25


@dataclass
class Step:
    """One command: seconds on the wall, CPU seconds of the hub's process and of PostgreSQL, peak MB."""

    name: str
    wall_s: float = 0.0
    hub_cpu_s: float = 0.0
    database_cpu_s: float = 0.0
    hub_mb: float = 0.0
    database_mb: float = 0.0


@dataclass
class Meter:
    """Measures commands while they run.

    Args:
        postmaster: the id of PostgreSQL's first process.
    """

    postmaster: int
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, pid: int) -> Iterator[Step]:
        """Measure a process until the block ends; it may end before."""
        step, over = Step(name), threading.Event()
        began, database = time.monotonic(), cpu_of_tree(self.postmaster)

        def look() -> None:
            while True:
                step.hub_cpu_s = max(step.hub_cpu_s, _cpu(pid))
                step.hub_mb = max(step.hub_mb, _peak_mb(pid))
                step.database_mb = max(step.database_mb, _shared_mb(self.postmaster))
                if over.wait(_EVERY_S):
                    return

        looker = threading.Thread(target=look, daemon=True)
        looker.start()
        try:
            yield step
        finally:
            over.set()
            looker.join()
            step.wall_s = time.monotonic() - began
            step.database_cpu_s = cpu_of_tree(self.postmaster) - database
            self.steps.append(step)

    def table(self) -> str:
        """Return the steps as a table in Markdown."""
        head = (
            "| step | wall s | CPU s, hub | CPU s, PostgreSQL | peak MB, hub | peak MB, PostgreSQL |\n"
            "|---|---|---|---|---|---|"
        )
        rows = [
            f"| {s.name} | {s.wall_s:.1f} | {s.hub_cpu_s:.1f} | {s.database_cpu_s:.1f} | {s.hub_mb:.0f} "
            f"| {s.database_mb:.0f} |"
            for s in self.steps
        ]
        return "\n".join([head, *rows])


def _cpu(pid: int) -> float:
    try:
        return cpu_of_tree(pid)
    except OSError:
        return 0.0


def _peak_mb(pid: int) -> float:
    return _kb(Path(f"/proc/{pid}/status"), "VmHWM:") / 1024


def _shared_mb(postmaster: int) -> float:
    """Return the memory of PostgreSQL's processes, shared pages counted once."""
    pids = [str(postmaster)]
    task = Path(f"/proc/{postmaster}/task/{postmaster}/children")
    try:
        pids += task.read_text().split()
    except OSError:
        return 0.0
    return sum(_kb(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in pids) / 1024


def _kb(path: Path, key: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)
