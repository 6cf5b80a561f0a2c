"""Read pages ahead: the vendor answers the next request while the page before is stored.

A thread of its own asks the vendor; the caller stores. At most `depth` pages wait, so memory is bounded. The
order of the pages, and an error after them, are those of the pages themselves.
"""

from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread

from hub.connectors.base import Page

_LOOK_S = 0.1
DEPTH = 2
_End = BaseException | None


def read_ahead(pages: Iterator[Page], depth: int = DEPTH) -> Iterator[Page]:
    """Yield the same pages, each asked for before the one before it was used.

    If the caller stops early, the thread ends after its present request, and asks for nothing else.

    Args:
        pages: as a connector yields them.
        depth: how many pages may wait.
    """
    waiting: Queue[Page | tuple[_End]] = Queue(depth)
    stopped = Event()

    def put(one: Page | tuple[_End]) -> None:
        while not stopped.is_set():
            with suppress(Full):
                waiting.put(one, timeout=_LOOK_S)
                return

    def ask() -> None:
        end: _End = None
        try:
            for page in pages:
                put(page)
                if stopped.is_set():
                    return
        except BaseException as exc:  # noqa: BLE001  # raised again where the pages are used
            end = exc
        put((end,))

    thread = Thread(target=ask, name="read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            one = _next(waiting, thread)
            if isinstance(one, tuple):
                if one[0] is not None:
                    raise one[0]
                return
            yield one
    finally:
        stopped.set()


def _next(waiting: "Queue[Page | tuple[_End]]", thread: Thread) -> Page | tuple[_End]:
    while True:
        with suppress(Empty):
            return waiting.get(timeout=_LOOK_S * 10)
        if not thread.is_alive() and waiting.empty():
            raise RuntimeError("the thread that reads ahead has ended without a word")
