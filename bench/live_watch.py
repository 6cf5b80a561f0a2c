"""What `bench.live` watches meanwhile: the holders of the identity lock, and the CPU of each part."""

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, text

from bench.idle import spent
from hub.db.locks import LOCK_SPACE, lock_number

SAMPLE_S = 0.005
"""A hold is known to about two samples."""
_HOLDERS = text("""
SELECT l.pid, a.xact_start, a.application_name AS part
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = :space AND l.objid = :number
""")


@dataclass
class Holds:
    """Samples who holds the identity lock: the longest hold of one transaction, and the time held, by part.

    A part is a command of the hub, as `PGAPPNAME` names its connections.
    """

    engine: Engine
    longest_s: Counter[str] = field(default_factory=Counter)
    held_s: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Sample until `stop`."""
        number = lock_number("identity") & 0xFFFFFFFF
        since: dict[tuple[int, datetime, str], float] = {}
        began = last = time.monotonic()
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            while not self._stop.wait(SAMPLE_S):
                rows = conn.execute(_HOLDERS, {"space": LOCK_SPACE, "number": number})
                now = time.monotonic()
                held = {(row.pid, row.xact_start, row.part) for row in rows}
                since = {one: since.get(one, last) for one in held}
                for one, at in since.items():
                    part = one[2] or "other"
                    self.longest_s[part] = max(self.longest_s[part], now - at)  # type: ignore[assignment]
                    self.held_s[part] += now - last  # type: ignore[assignment]
                last = now
        self.seconds = time.monotonic() - began

    def stop(self) -> None:
        """End."""
        self._stop.set()


class Cpu:
    """CPU of each part since it was made.

    Args:
        roots: the processes of the parts, with what they start.
    """

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = dict(roots)
        self._before = spent(self._roots)
        self._began = time.monotonic()

    def shares(self) -> dict[str, float]:
        """Return how many cores each part took, on average."""
        now, seconds = spent(self._roots), time.monotonic() - self._began
        return {part: (s - self._before.get(part, 0.0)) / seconds for part, s in now.items()}


def load() -> float:
    """Return the load of the machine over the last minute."""
    return os.getloadavg()[0]
