"""A process of its own that spends a shared budget: five threads, each with its own connection.

`python -m tests.db.spending URL THREADS SECONDS REQUESTS PER_S`; says `ready`, waits for a line,
and prints when each request went.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool, QueuePool

from hub.clock import SystemClock
from hub.connectors.governor import Limits, Rate
from hub.etl.budget import SharedBudget

ACCOUNT = "acme:1"


class NotingClock(SystemClock):
    """The machine's clock; knows what it said last, which is when a request was let go."""

    def __init__(self) -> None:
        self.said = super().now()

    def now(self) -> datetime:
        self.said = super().now()
        return self.said


def spend(url: str, seconds: float, requests: int, per_s: float) -> list[float]:
    """Take as fast as may be for so many seconds; return when each went."""
    clock = NotingClock()
    engine = create_engine(url, pool_size=1, poolclass=QueuePool)
    budget = SharedBudget(engine, ACCOUNT, Limits((Rate("account", requests, per_s),)), clock)
    went = []
    end = clock.now() + timedelta(seconds=seconds)
    while clock.said < end:
        budget.take()
        went.append(clock.said.timestamp())
    engine.dispose()
    return went


def main() -> None:
    """Spend in several threads."""
    url, threads, seconds, requests, per_s = sys.argv[1:]
    create_engine(url, poolclass=NullPool).connect().close()  # imports are done
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(int(threads)) as pool:
        works = [
            pool.submit(spend, url, float(seconds), int(requests), float(per_s))
            for _ in range(int(threads))
        ]
        print(json.dumps([at for work in works for at in work.result()]))


if __name__ == "__main__":
    main()
