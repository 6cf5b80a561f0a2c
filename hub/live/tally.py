"""What a worker has done since its last report, summed up: Dagster's sensor shows it as events of the assets."""

import threading
import time
from collections import Counter
from collections.abc import Mapping

from hub.etl.context import Hub
from hub.etl.stage_reports import Subject, report_each


class Tally:
    """Counts of stages; threads share it.

    Args:
        hub: the hub.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._since = time.monotonic()
        self._counts: dict[tuple[str, Subject], Counter[str]] = {}

    def add(self, stage: str, done: Mapping[str, int], subject: Subject) -> None:
        """Add what a stage has done."""
        with self._lock:
            self._counts.setdefault((stage, subject), Counter()).update(done)

    def report(self) -> None:
        """Store the sums as reports of the stages, and begin again."""
        with self._lock:
            counts, since = self._counts, self._since
            self._counts, self._since = {}, time.monotonic()
        for (stage, subject), done in counts.items():
            report_each(self._hub, {stage: done}, since, subject)
