"""The threads of a worker that send notices, and what each of them keeps: its connection to the mail server.

One thread looks at the outbox; the others help it while more is due than it takes at once. Which events a thread
sends is settled by claims in the database, as between workers, so no event is sent by two of them.
"""

from collections.abc import Callable
from contextlib import ExitStack

from hub.clock import Clock
from hub.etl.context import Hub
from hub.etl.notify import deliver_pending, smtp_channel
from hub.notify.channels import SmtpChannel

SENDERS = 3
"""Threads that send at the same time."""
_KEPT_S = 30.0
"""Seconds for which a connection is kept that sends nothing."""


class Post:
    """What one thread keeps between two looks. Not for use by two threads.

    Args:
        hub: the hub.
        clock: tells how long the connection was not used.
        on_backlog: called when more is due than this thread takes at once.
    """

    def __init__(self, hub: Hub, clock: Clock, on_backlog: Callable[[], None]) -> None:
        self._hub, self._clock, self._on_backlog = hub, clock, on_backlog
        self._open = ExitStack()
        self._channel: SmtpChannel | None = None
        self._used_at = clock.now()

    def send(self) -> dict[str, int]:
        """Send what is due; returns counts. A connection that fails is opened again at the next look."""
        if self._channel is None:
            self._channel = self._open.enter_context(smtp_channel(self._hub))
        try:
            counts = deliver_pending(self._hub, self._channel, self._on_backlog)
        except BaseException:
            self.close()
            raise
        now = self._clock.now()
        if counts:
            self._used_at = now
        elif (now - self._used_at).total_seconds() > _KEPT_S:
            self.close()
        return counts

    def close(self) -> None:
        """Close the connection."""
        self._channel = None
        self._open.close()
