"""The waits at the end of `hub up`: each has its time, says what it waits for, and can be cut short.

While the hub ends, a further Ctrl-C raises nothing. So no step of the end is left out: the wait of the
moment is over, and what still runs is killed.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from hub.cli.output import print_warning
from hub.clock import SystemClock
from hub.logs import get_logger

SAY_S = 3.0
"""A wait that takes longer is told on the terminal."""
_POLL_S = 0.05
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_CLOCK = SystemClock()
log = get_logger()


class Ending:
    """The end of a command that has children.

    Args:
        now: seconds of a steady clock.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.is_forced = False

    def wait(
        self,
        step: str,
        left: Callable[[], Sequence[str]],
        seconds: float,
        *,
        every_s: float = _POLL_S,
        is_short: bool = False,
    ) -> None:
        """Wait until nothing is left, but no longer than so many seconds, or until it is forced.

        Args:
            step: what is done, for the log.
            left: returns what is still waited for, by names.
            seconds: the longest wait.
            every_s: seconds between two looks.
            is_short: whether Ctrl-C does not end this wait.
        """
        began, is_told = self._now(), False
        while waiting := left():
            took_s = self._now() - began
            if took_s >= seconds or (self.is_forced and not is_short):
                break
            if took_s >= SAY_S and not is_told:
                is_told = True
                print_warning(
                    f"waits for {', '.join(waiting)}, {seconds:.0f} s at most; Ctrl-C ends it now"
                )
            _CLOCK.sleep(every_s)
        took_s = round(self._now() - began, 2)
        log.info("end_waited", step=step, seconds=took_s, left=list(waiting))


@contextmanager
def ending() -> Iterator[Ending]:
    """Yield the end of a command; meanwhile Ctrl-C and SIGTERM cut a wait short and raise nothing."""
    end = Ending()
    if threading.current_thread() is not threading.main_thread():
        yield end
        return

    def cut_short(_signal: int, _frame: object) -> None:
        end.is_forced = True

    before = {number: signal.signal(number, cut_short) for number in _SIGNALS}
    try:
        yield end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
