"""A process of its own with several readers of one account that never run out of work.

`python -m tests.conformance.backlog DATABASE_URL SOURCE STREAM KIND READERS SECONDS BLOCK_JSON`. Each reader is a
connector of its own, with a database engine of its own, and reads the stream from its beginning again and
again. Says `ready`, waits for a line, and prints when each call of the kind was let go.
"""

import json
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from hub.clock import SystemClock
from hub.connectors.governor import Usage
from hub.connectors.registry import connect, limits_of
from hub.etl.budget import SharedBudget, account_of


class TimeUp(Exception):  # noqa: N818  # the end of the work, not an error
    """The reader has read long enough."""


class NotingBudget:
    """The shared budget; notes when it let a call of a kind go, and ends the reading in time."""

    def __init__(self, budget: SharedBudget, kind: str, until: float) -> None:
        self._budget = budget
        self._kind = kind
        self._until = until
        self.went: list[float] = []

    def take(self, n: int = 1, *, kind: str = "") -> None:
        if time.time() > self._until:
            raise TimeUp
        self._budget.take(n, kind=kind)
        if kind == self._kind:
            self.went += [time.time()] * n

    def observe(self, usage: Usage) -> None:
        self._budget.observe(usage)

    def pause(self, seconds: float) -> None:
        self._budget.pause(seconds)

    def slot(self) -> AbstractContextManager[None]:
        return self._budget.slot()


def read(  # noqa: PLR0917  # what the command line says, in its order
    url: str, source: str, name: str, kind: str, until: float, said: Mapping[str, Any]
) -> list[float]:
    """Read the stream over and over; return when the calls of the kind were let go."""
    engine = create_engine(url, pool_size=1, poolclass=QueuePool)
    block, clock = SimpleNamespace(**said), SystemClock()
    shared = SharedBudget(
        engine, account_of(source, block), limits_of(source), clock, time_scale=block.time_scale
    )
    budget = NotingBudget(shared, kind, until)
    connector = connect(source, block, clock, budget=budget)
    stream = next(one for one in connector.streams() if one.name == name)
    try:
        window = connector.window(stream, None)
        while True:
            for _ in connector.read(stream, window):
                pass
    except TimeUp:
        return budget.went
    finally:
        engine.dispose()


def main() -> None:
    """Read in several threads."""
    url, source, name, kind, readers, seconds, said = sys.argv[1:]
    connect(source, SimpleNamespace(**json.loads(said)), SystemClock())  # imports are done
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.time() + float(seconds)
    with ThreadPoolExecutor(int(readers)) as pool:
        works = [
            pool.submit(read, url, source, name, kind, until, json.loads(said))
            for _ in range(int(readers))
        ]
        print(json.dumps([at for work in works for at in work.result()]))


if __name__ == "__main__":
    main()
