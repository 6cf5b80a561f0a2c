"""What a stretch of work costs: wall time, CPU of this process and its children and of PostgreSQL, peak memory.

Reads /proc, so Linux only. CPU is what ages least on a machine that others use as well.
"""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: on the wall, of our CPU, of the database's CPU."""

    wall: float
    client: float
    database: float

    @property
    def cpu(self) -> float:
        """Return the CPU of both."""
        return self.client + self.database


@contextmanager
def costs(found: dict[str, Cost], name: str, data_dir: Path) -> Iterator[None]:
    """Put into `found` what the block costs."""
    postmaster = int((data_dir / "postmaster.pid").read_text().split()[0])
    wall, client, database = time.perf_counter(), _own_cpu(), cpu_of_tree(postmaster)
    yield
    found[name] = Cost(
        time.perf_counter() - wall,
        _own_cpu() - client,
        cpu_of_tree(postmaster) - database,
    )


def _own_cpu() -> float:
    """Return the CPU seconds of this process and of its children that ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def cpu_of_tree(pid: int) -> float:
    """Return the CPU seconds of a process, of its children, and of children that ended."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile; its parent has its time
            continue
        if int(entry.name) == pid:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == pid:
            ticks += sum(map(int, fields[11:13]))
    return ticks / _TICKS


def memory_mb(key: str = "VmHWM") -> float:
    """Return this process's peak resident memory, or its present one (`VmRSS`)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {key} in /proc/self/status")
