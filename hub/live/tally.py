"""What a worker has done since its last report, summed up: Dagster's sensor shows it as events of the assets."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.etl.context import Hub
from hub.etl.stage_reports import Subject, report_each


@dataclass(slots=True)
class _Sum:
    """What one stage did for one subject: counts by outcome, and the seconds that it worked."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


class Tally:
    """Counts and seconds of stages; threads share it.

    Args:
        hub: the hub.
        now: seconds of a steady clock.
    """

    def __init__(self, hub: Hub, now: Callable[[], float] = time.monotonic) -> None:
        self._hub = hub
        self._now = now
        self._lock = threading.Lock()
        self._own = threading.local()
        self._sums: dict[tuple[str, Subject], _Sum] = {}

    def begin(self) -> None:
        """Note that this thread begins to work: its next stage has worked since now."""
        self._own.since = self._now()

    def add(self, stage: str, done: Mapping[str, int], subject: Subject) -> None:
        """Add what a stage has done since this thread began, or since its stage before."""
        now = self._now()
        seconds = now - getattr(self._own, "since", now)
        self._own.since = now
        with self._lock:
            known = self._sums.setdefault((stage, subject), _Sum())
            known.counts.update(done)
            known.seconds += seconds

    def report(self) -> None:
        """Store the sums as reports of the stages, and begin again."""
        with self._lock:
            sums, self._sums = self._sums, {}
        for (stage, subject), known in sums.items():
            began = time.monotonic() - known.seconds
            report_each(self._hub, {stage: known.counts}, began, subject)
