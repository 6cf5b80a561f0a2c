"""Apply events when they are due: the universe's events, or generated ones every few real seconds.

A thread of its own does this between `start` and `stop`. Not here: what an event does (`world.py`).
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub.sandbox.universe import apply_event
from hub.sandbox.world import World

EVERY_S = 3.0
_STEP_S = 0.05
Event = dict[str, Any]


class EventReplay:
    """Applies events to a world.

    Args:
        world: the world that the events change.
        events: due `after_s` vendor seconds after the start of the vendors' clock.
        invented: endless generated events; one is applied every `every_s` real seconds.
        every_s: real seconds between two generated events.
    """

    def __init__(
        self,
        world: World,
        events: Sequence[Mapping[str, Any]] = (),
        *,
        invented: Iterator[Event] | None = None,
        every_s: float = EVERY_S,
    ) -> None:
        self.world = world
        self.invented = invented
        self.every_s = every_s
        self._planned = [(self._due_at(world.clock.start, one), dict(one)) for one in events]
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-replay", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def plan(self, event: Mapping[str, Any]) -> None:
        """Schedule an event `after_s` vendor seconds from now."""
        with self._lock:
            self._planned.append((self._due_at(self.world.clock.now(), event), dict(event)))

    def pending(self) -> list[Event]:
        """Return the scheduled events, soonest first."""
        with self._lock:
            return [event for _, event in sorted(self._planned, key=lambda one: one[0])]

    @staticmethod
    def _due_at(start: datetime, event: Mapping[str, Any]) -> datetime:
        return start + timedelta(seconds=float(event.get("after_s") or 0))

    def _run(self) -> None:
        steps = 0
        per_event = max(int(self.every_s / _STEP_S), 1)
        while not self._stopped.wait(_STEP_S):
            steps += 1
            self._play_due()
            if self.invented is not None and steps % per_event == 0:
                apply_event(self.world, next(self.invented))

    def _play_due(self) -> None:
        now = self.world.clock.now()
        with self._lock:
            due = sorted((one for one in self._planned if one[0] <= now), key=lambda one: one[0])
            self._planned = [one for one in self._planned if one[0] > now]
        for _, event in due:
            apply_event(self.world, event)
