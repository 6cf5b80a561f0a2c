"""An account of Zendesk Sell under construction: its records, their ids and times, and its users."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hub.sandbox.corruption import text
from hub.sandbox.fake_data import FakeData
from hub.sandbox.ids import sell_id
from hub.sandbox.orgs.sizes import Sizes
from hub.sandbox.sell.account import user

SOURCE = "sell"
DAYS = 1_500
Record = dict[str, Any]
_LEFT_SHARE = 0.1
_USERS = (
    ("Integration", "admin", "Sales", True), ("Ines Vidal", "admin", "Sales", True),
    ("Håkan Lindqvist", "user", "Sales", True), ("Maëlle Le Goff", "user", "Sales", True),
    ("Omar Haddad", "user", "Key accounts", True), ("Jane Roe", "user", "Key accounts", True),
    ("Left One", "user", "Sales", False), ("Left Two", "user", "Key accounts", False),
)  # fmt: skip


class SellDraft:
    """The account so far.

    Args:
        seed: the same seed gives the same account.
        sizes: how much it has of everything.
        now: the present; all times count back from it.
    """

    def __init__(self, seed: int, sizes: Sizes, now: datetime) -> None:
        self.seed, self.sizes, self.now = seed, sizes, now
        self.rng = Random(f"sell/{seed}/{sizes.leads}")
        self.fake = FakeData(self.rng)
        self.records: list[Record] = []
        self.planted: list[Record] = []
        self.users: list[Record] = []
        self._counts: Counter[str] = Counter()
        self._active: list[int] = []
        self._left: list[int] = []
        for n in range(len(_USERS)):
            self._add_user(n)

    def _add_user(self, n: int) -> None:
        name, role, team, is_active = _USERS[n]
        email = "integration@acme.example.com" if n == 0 else f"user{n}@acme.example"
        group = {"id": 1 + (team != "Sales"), "name": team}
        boss = self._active[1] if n > 1 else None
        values = user(
            name, email, is_active=is_active, role=role, team_name=team, group=group,
            roles=[{"id": 7, "name": "Account executive"}], reports_to=boss,
            phone_number="+33199001234", zendesk_user_id=str(9_000 + n),
        )  # fmt: skip
        record = self.add("users", self.now - timedelta(days=DAYS, minutes=-n), values)
        (self._active if is_active else self._left).append(int(record["id"]))
        known = {"id": record["id"], "name": name, "email": email, "active": is_active}
        self.users.append({**known, "ids": {SOURCE: record["id"]}, "source": SOURCE})

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
            "id": sell_id(self.seed, stream, self._counts[stream]),
            "at": text(at),
            "values": values,
            **rest,
        }
        self.records.append(record)
        return record

    def owner(self) -> int:
        """Return the id of a user who works here, or of one who left."""
        is_left = self.rng.random() < _LEFT_SHARE
        return self.rng.choice(self._left if is_left else self._active)

    def chance(self, share: float) -> bool:
        """Tell whether something of that share happens."""
        return self.rng.random() < share

    def plant(self, kind: str, record: Mapping[str, Any], **rest: Any) -> None:
        """Note a difficulty, so that a test can look for it."""
        self.planted.append({"kind": kind, "stream": record["stream"], "id": record["id"], **rest})
