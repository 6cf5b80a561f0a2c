"""Events are written by one thread, all that have come meanwhile in one transaction.

A request waits for the commit of its events. So several requests share a commit, and an acknowledged event is
on the disk. A full inbox refuses; the bound is counted again a few times a second.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

from sqlalchemy import Engine
from sqlalchemy.exc import DataError

from hub.landing import inbox
from hub.landing.inbox import Delivered, Depth
from hub.logs import get_logger

log = get_logger()

_LOOK_S = 0.25
_MOST_EVENTS = 1_000
_MOST_BYTES = 16 << 20


class NotWrittenError(Exception):
    """The database did not take the events; `may_be_one` if it refused a value of one of them."""

    def __init__(self, *, may_be_one: bool = False) -> None:
        super().__init__()
        self.may_be_one = may_be_one


class InboxFullError(NotWrittenError):
    """More events wait than the inbox may hold."""


@dataclass(slots=True)
class _Put:
    events: Sequence[Delivered]
    done: "asyncio.Future[list[bool]]"

    @property
    def size(self) -> int:
        return sum(len(one.body) for one in self.events)


class InboxWriter:
    """Writes events of many requests; to be used inside one event loop.

    Args:
        engine: of the database.
        most_waiting: events in the inbox from which on new ones are refused.
    """

    def __init__(self, engine: Engine, most_waiting: int) -> None:
        self._engine, self._most = engine, most_waiting
        self._queue: asyncio.Queue[_Put | None] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")
        self._waiting, self._looked_at = 0, float("-inf")

    async def put(self, events: Sequence[Delivered]) -> list[bool]:
        """Store events; returns which of them are new, after the commit.

        Raises:
            InboxFullError: the inbox has no room; nothing was stored.
            NotWrittenError: the database did not take them; nothing was stored.
        """
        if not events:
            return []
        done: asyncio.Future[list[bool]] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Put(events, done))
        return await done

    async def run(self) -> None:
        """Write what comes, until `stop`."""
        is_over = False
        while not is_over:
            first = await self._queue.get()
            if first is None:
                break
            puts, n, size = [first], len(first.events), first.size
            while not self._queue.empty() and n < _MOST_EVENTS and size < _MOST_BYTES:
                one = self._queue.get_nowait()
                if one is None:
                    is_over = True
                    break
                puts.append(one)
                n, size = n + len(one.events), size + one.size
            await self._write_all(puts)
        self._thread.shutdown()

    def stop(self) -> None:
        """Write what has come so far, and end."""
        self._queue.put_nowait(None)

    def depth(self) -> Depth:
        """Ask the database for the depth of the inbox."""
        with self._engine.connect() as conn:
            return inbox.depth(conn)

    async def _write_all(self, puts: Sequence[_Put]) -> None:
        """Write all in one transaction; where the database refuses a value, each by itself."""
        error = await self._write_together(puts)
        if error is None:
            return
        for put in puts:
            is_alone = error.may_be_one and len(puts) > 1
            own = await self._write_together([put]) if is_alone else error
            if own is not None and not put.done.done():
                put.done.set_exception(own)

    async def _write_together(self, puts: Sequence[_Put]) -> "NotWrittenError | None":
        events = [event for put in puts for event in put.events]
        loop = asyncio.get_running_loop()
        try:
            new = await loop.run_in_executor(self._thread, self._write, events)
        except NotWrittenError as full:
            return full
        except Exception as exc:  # noqa: BLE001 the outer edge: the requests are told, and the writer goes on
            log.error(  # noqa: TRY400  # a trace may show values
                "inbox_not_written", error=type(exc).__name__, events=len(events)
            )
            return NotWrittenError(may_be_one=isinstance(exc, DataError))
        for put in puts:
            mine, new = new[: len(put.events)], new[len(put.events) :]
            if not put.done.done():  # its request may be gone
                put.done.set_result(mine)
        return None

    def _write(self, events: Sequence[Delivered]) -> list[bool]:
        with self._engine.begin() as conn:
            if (now := monotonic()) >= self._looked_at + _LOOK_S:
                self._waiting, self._looked_at = inbox.depth(conn).waiting, now
            if self._waiting >= self._most:
                raise InboxFullError
            new = inbox.put(conn, events)
        self._waiting += sum(new)
        return new
