"""An org under construction: its records, their ids and times, and its users.

A record gets its id when it is added, and records of one stream are added in the order of their
creation. So ids grow with time, as at the vendor.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hub.sandbox.corruption import text
from hub.sandbox.fake_data import FakeData
from hub.sandbox.ids import salesforce_id
from hub.sandbox.orgs.sizes import Sizes

SOURCE = "salesforce"
DAYS = 1_500
_ACTIVE, _INACTIVE = 9, 3
QUEUE = "Inbound queue"
_LEFT_SHARE, _QUEUE_SHARE = 0.08, 0.06

Record = dict[str, Any]


class Draft:
    """The org so far.

    Args:
        seed: the same seed gives the same org.
        sizes: how much it has of everything.
        now: the present; all times count back from it.
    """

    def __init__(self, seed: int, sizes: Sizes, now: datetime) -> None:
        self.seed, self.sizes, self.now = seed, sizes, now
        self.rng = Random(f"org/{seed}/{sizes.leads}")
        self.fake = FakeData(self.rng)
        self.records: list[Record] = []
        self.planted: list[Record] = []
        self._counts: Counter[str] = Counter()
        self.users = [self._user(n) for n in range(_ACTIVE + _INACTIVE)]
        self._active = [one["id"] for one in self.users if one["active"]]
        self._left = [one["id"] for one in self.users if not one["active"]]
        self.queue = self._add_queue()

    def _user(self, n: int) -> Record:
        first, last = self.fake.name(("fr", "en", "br", "de")[n % 4])
        id_ = salesforce_id(self.seed, "users", n + 1)
        email = f"user{n + 1}@acme.example"
        is_active = n < _ACTIVE
        return {"id": id_, "name": f"{first} {last}", "email": email, "active": is_active}

    def _add_queue(self) -> str:
        at = self.now - timedelta(days=DAYS)
        values = {"Name": QUEUE, "DeveloperName": "Inbound_queue", "Type": "Queue"}
        queue = self.add("queues", at, values)
        for name in ("Lead", "Task"):
            self.add("queue_sobjects", at, {"QueueId": queue["id"], "SobjectType": name})
        return str(queue["id"])

    def times(self, count: int) -> Sequence[datetime]:
        """Return so many times of the last years, in order."""
        past = sorted(self.rng.randrange(3_600, DAYS * 86_400) for _ in range(count))
        return [self.now - timedelta(seconds=one) for one in reversed(past)]

    def after(self, at: datetime, days: int) -> datetime:
        """Return a time up to so many days after another, and not after the present."""
        later = at + timedelta(seconds=self.rng.randrange(60, days * 86_400))
        return min(later, self.now - timedelta(minutes=30))

    def add(self, stream: str, at: datetime, values: Record, **rest: Any) -> Record:
        """Add a record; its id is the next one of the stream."""
        self._counts[stream] += 1
        record: Record = {
            "source": SOURCE,
            "stream": stream,
            "id": salesforce_id(self.seed, stream, self._counts[stream]),
            "at": text(at),
            "values": values,
            **rest,
        }
        self.records.append(record)
        return record

    def owner(self) -> str:
        """Return the id of a user who works here, or of one who left."""
        if self.rng.random() < _LEFT_SHARE:
            return str(self.rng.choice(self._left))
        return str(self.rng.choice(self._active))

    def owner_or_queue(self) -> str:
        """Return the id of an owner; some records wait in the queue."""
        return self.queue if self.rng.random() < _QUEUE_SHARE else self.owner()

    def chance(self, share: float) -> bool:
        """Tell whether something of that share happens."""
        return self.rng.random() < share

    def plant(self, kind: str, record: Mapping[str, Any], **rest: Any) -> None:
        """Note a difficulty, so that a test can look for it."""
        self.planted.append({"kind": kind, "stream": record["stream"], "id": record["id"], **rest})
