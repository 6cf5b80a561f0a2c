"""Do some pieces of work in several threads, in order, until one of them ends it.

The threads are daemons, so an interrupted process does not wait for an answer of the vendor. Not here: what
a piece is (`hub.migration.reading`).
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

Piece = TypeVar("Piece")
Work = Callable[[Piece], bool]
"""Does one piece; returns whether the next one may begin."""


class Stopped(Exception):  # noqa: N818  # an end, not an error
    """Another thread has ended the work."""


class SideBySide(Generic[Piece]):
    """Pieces of work, and whether they go on. A single thread's work is done by the caller's thread."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._todo = deque(pieces)
        self._stopped = Event()
        self._lock = Lock()
        self._errors: list[BaseException] = []

    def check(self) -> None:
        """Raise `Stopped` if the work has ended; for a piece to call where it may be left."""
        if self._stopped.is_set():
            raise Stopped

    def run(self, works: Sequence[Work[Piece]]) -> None:
        """Do all pieces, each by one of the works; every work has a thread of its own.

        An error of a piece ends the work, and is raised here when the other threads have left theirs.
        """
        if len(works) == 1:
            self._go_on(works[0])
            return
        threads = [
            Thread(target=self._guarded, args=(one,), name="side-by-side", daemon=True)
            for one in works
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            self._stopped.set()
        if self._errors:
            raise self._errors[0]

    def _guarded(self, work: Work[Piece]) -> None:
        try:
            self._go_on(work)
        except Stopped:
            pass
        except BaseException as exc:  # noqa: BLE001  # raised again by `run`
            self._errors.append(exc)
            self._stopped.set()

    def _go_on(self, work: Work[Piece]) -> None:
        while not self._stopped.is_set():
            with self._lock:
                if not self._todo:
                    return
                piece = self._todo.popleft()
            if not work(piece):
                self._stopped.set()
