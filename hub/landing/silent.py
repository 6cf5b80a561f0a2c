"""State of a stream's silent values: when each was read again, and how many had changed.

A silent value changes while the vendor's modification time does not. Shape in a slice of the
stream's checkpoint: `{"fields": {key: {"at", "days", "compared",
"changed", "often"}}, "walk": {"keys", "began", "cursor", "compared", "changed"} | null}`. Not here:
reading and comparing (`hub.etl.refresh`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from hub.frozen import dataclass
from hub.landing import store
from hub.landing.tables import checkpoint
from hub.model.records import JsonValue

SLICE = "silent"
WEEK = timedelta(days=7)
TOO_MANY = 0.2  # share of a field's values that changes within a day
FEW = 10  # values; fewer are cheap to read again, and prove nothing
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Field:
    """One silent key.

    Args:
        at: when the last complete reading of it began.
        days: days of the source's time between that reading and the one before.
        compared: earlier values that were read again.
        changed: how many of them had changed.
        often: whether more than a fifth change in a day; then it is read weekly.
    """

    at: datetime
    days: float = 0.0
    compared: int = 0
    changed: int = 0
    often: bool = False


@dataclass(frozen=True, slots=True)
class Walk:
    """A running walk; `cursor` resumes it."""

    keys: frozenset[str]
    began: datetime
    cursor: Mapping[str, JsonValue] | None = None
    compared: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)

    def counted(
        self, compared: Sequence[str], changed: Sequence[str], cursor: Mapping[str, JsonValue]
    ) -> "Walk":
        """Return the walk after a page: the keys of each value that was compared, and changed."""
        return replace(
            self,
            cursor=cursor,
            compared=_added(self.compared, compared),
            changed=_added(self.changed, changed),
        )


@dataclass(frozen=True, slots=True)
class State:
    """All silent keys of a stream, and the running walk."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    walk: Walk | None = None

    def fresh(self, keys: frozenset[str], now: datetime) -> "State":
        """Return the state after a complete read of the stream: every key was read just now."""
        return State({key: Field(now) for key in keys})

    def only(self, keys: frozenset[str]) -> "State":
        """Return the state of these keys; a walk over other keys is dropped."""
        walk = self.walk if self.walk is not None and self.walk.keys <= keys else None
        return State({key: one for key, one in self.fields.items() if key in keys}, walk)

    def due(
        self, keys: frozenset[str], now: datetime, every: timedelta, time_scale: float
    ) -> frozenset[str]:
        """Return the keys to read again, new ones included."""
        return frozenset(
            key
            for key in keys
            if (known := self.fields.get(key)) is None
            or (now - known.at) * time_scale >= (max(every, WEEK) if known.often else every)
        )

    def done(self, walk: Walk, time_scale: float) -> "State":
        """Return the state after a walk's last page."""
        ended = {key: self._ended(key, walk, time_scale) for key in walk.keys}
        return State({**self.fields, **ended})

    def _ended(self, key: str, walk: Walk, time_scale: float) -> Field:
        before = self.fields.get(key)
        compared, changed = walk.compared.get(key, 0), walk.changed.get(key, 0)
        days = (walk.began - before.at).total_seconds() * time_scale / _DAY_S if before else 0.0
        share = changed / compared if compared else 0.0
        was_often = before is not None and before.often
        # a weekly walk cannot show changes of one day: few changes in the week show a quiet field
        is_often = share > TOO_MANY if was_often else share / max(days, 1.0) > TOO_MANY
        enough = compared >= FEW
        return Field(walk.began, days, compared, changed, is_often if enough else was_often)

    def often(self) -> Mapping[str, Field]:
        """Return the keys of which too many values change in a day."""
        return {key: one for key, one in sorted(self.fields.items()) if one.often}

    def to_json(self) -> dict[str, JsonValue]:
        """Return the JSON form for the checkpoint."""
        fields: dict[str, JsonValue] = {
            key: {**asdict(one), "at": one.at.isoformat()} for key, one in self.fields.items()
        }
        return {"fields": fields, "walk": None if self.walk is None else _walk_json(self.walk)}


def read(conn: Connection, source: str, stream: str) -> State:
    """Return the state of a stream's silent values."""
    return _state(store.read_cursor(conn, source, stream, SLICE))


def write(conn: Connection, source: str, stream: str, state: State) -> None:
    """Store the state of a stream's silent values."""
    store.write_cursor(conn, source, stream, state.to_json(), SLICE)


def read_all(conn: Connection) -> Mapping[tuple[str, str], State]:
    """Return the state of every stream, by source and stream."""
    c = checkpoint.c
    rows = conn.execute(
        select(c.source, c.stream, c.cursor).where(c.slice == SLICE).order_by(c.source, c.stream)
    )
    return {(row.source, row.stream): _state(row.cursor) for row in rows}


def _state(kept: Mapping[str, Any] | None) -> State:
    """Return the state in a checkpoint; without one an empty state."""
    if kept is None:
        return State()
    fields = {
        key: Field(**{**one, "at": datetime.fromisoformat(one["at"])})
        for key, one in kept["fields"].items()
    }
    walk = kept["walk"]
    if walk is None:
        return State(fields)
    return State(
        fields,
        Walk(
            frozenset(walk["keys"]),
            datetime.fromisoformat(walk["began"]),
            walk["cursor"],
            walk["compared"],
            walk["changed"],
        ),
    )


def _walk_json(walk: Walk) -> dict[str, JsonValue]:
    return {
        "keys": [*sorted(walk.keys)],
        "began": walk.began.isoformat(),
        "cursor": None if walk.cursor is None else dict(walk.cursor),
        "compared": dict(walk.compared),
        "changed": dict(walk.changed),
    }


def _added(counts: Mapping[str, int], keys: Sequence[str]) -> Mapping[str, int]:
    sums = dict(counts)
    for key in keys:
        sums[key] = sums.get(key, 0) + 1
    return sums
