"""A round: all sources are looked at side by side, and a vendor that does not answer holds up no other.

In: the poller, and what the last round left. Out: a look for each source. A question that is still open at
the end of a round stays open, and the next round has its answer. Not here: when to ask, and when to sync
(`hub.etl.polling`).
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from hub.etl.polling import Asking, Look, Memory, Runs, Standing, started, wanted

WAIT_S = 8.0
"""How long a round waits for answers; vendors answer within a second or two."""
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Round:
    """What one round gave.

    Args:
        looks: by source.
        errors: what went wrong in the hub itself, by source; the other sources are not affected.
    """

    looks: Mapping[str, Look]
    errors: Mapping[str, Exception]


class Rounds:
    """Looks at all sources again and again; one process needs one of them.

    Args:
        asking: the poller.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._pool = ThreadPoolExecutor(_AT_ONCE, "question")
        self._open: dict[str, Future[Look]] = {}

    def look(self, memories: Mapping[str, Memory], runs_of: Callable[[str], Runs]) -> Round:
        """Look at sources once.

        Args:
            memories: what the last round left, by source; all sources of the round.
            runs_of: asked only if a sync of a source is to start.
        """
        standings = self._asking.standings(list(memories))
        for source, memory in memories.items():
            if source not in self._open:
                self._open[source] = self._pool.submit(
                    wanted, self._asking, source, memory, standings[source]
                )
        wait([self._open[source] for source in memories], timeout=WAIT_S)
        looks, errors = {}, {}
        for source, memory in memories.items():
            if not self._open[source].done():
                looks[source] = Look(f"{source} has not answered yet", memory)
                continue
            try:
                seen = self._open.pop(source).result()
            except Exception as exc:  # noqa: BLE001  # the others go on; the caller says it
                errors[source] = exc
            else:
                looks[source] = self._started(seen, standings[source], source, runs_of)
        return Round(looks, errors)

    def _started(
        self, seen: Look, standing: Standing, source: str, runs_of: Callable[[str], Runs]
    ) -> Look:
        return started(seen, standing, runs_of(source), self._asking.now()) if seen.reason else seen
