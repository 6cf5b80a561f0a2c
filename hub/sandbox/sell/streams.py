"""What changed: the sessions of the Sync API, and the streams of the Firehose.

A session of the Sync API has what a device has not acknowledged; order is not promised. A stream of the
Firehose has every event of one object, oldest first, with the values before a change; it forgets events after
72 hours. Moves of deals between stages that the universe tells (sell/stage_changes) are events too.
"""

import base64
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.sandbox.sell.errors import bad_header, bad_param, gone, not_found
from hub.sandbox.sell.objects import FIREHOSE, RESOURCES
from hub.sandbox.sell.shapes import SOURCE, number
from hub.sandbox.world import Key, Row, World, digest_of, iso

Json = dict[str, Any]
Show = Callable[[str, Row], Json]
PAGE = 100
KEPT = timedelta(hours=72)
MOVES = "stage_changes"
_FIREHOSE_PAGE, _FIREHOSE_MOST = 25, 100


@dataclass(slots=True)
class _Session:
    device: str
    left: list[tuple[Row, str]]


@dataclass(slots=True)
class SyncSessions:
    """The sessions of all devices.

    Attributes:
        world: the world with the rows of all vendors.
        show: returns a record of a stream as the API shows it.
    """

    world: World
    show: Show
    _acked: dict[str, dict[Key, Row]] = field(default_factory=dict)
    _sent: dict[str, tuple[str, Row]] = field(default_factory=dict)
    _sessions: dict[str, _Session] = field(default_factory=dict)
    _n: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def start(self, device: str) -> Json | None:
        """Return a new session of a device, or None if it has everything."""
        self._require(device)
        acked = self._acked.setdefault(device, {})
        left: list[tuple[Row, str]] = []
        for stream in RESOURCES:
            if stream == "custom_fields":
                continue
            for row in self.world.rows(SOURCE, stream, include_deleted=True):
                before = acked.get(row.key)
                if before is row or (row.deleted and before is None):
                    continue
                kind = "deleted" if row.deleted else "updated" if before else "created"
                left.append((row, kind))
        if not left:
            return None
        id_ = f"{digest_of(device, next(self._n)):016x}-{len(left)}"
        self._sessions[id_] = _Session(device, left)
        queue = {"name": "main", "pages": -(-len(left) // PAGE), "total_count": len(left)}
        return {"id": id_, "queues": [{"data": queue, "meta": {"type": "sync_queue"}}]}

    def take(self, device: str, session_id: str) -> list[Json]:
        """Return the next items of a session; none when it is drained."""
        self._require(device)
        session = self._sessions.get(session_id)
        if session is None or session.device != device:
            raise not_found()
        taken, session.left = session.left[:PAGE], session.left[PAGE:]
        return [self._item(device, row, kind) for row, kind in taken]

    def acknowledge(self, device: str, keys: list[str]) -> None:
        """Note that a device has these items."""
        self._require(device)
        for key in keys:
            sent = self._sent.pop(str(key), None)
            if sent is not None and sent[0] == device:
                self._acked.setdefault(device, {})[sent[1].key] = sent[1]

    def _item(self, device: str, row: Row, kind: str) -> Json:
        n = next(self._n)
        key = f"{row.stream}-{row.id}-{n}"
        self._sent[key] = (device, row)
        sync = {"event_type": kind, "revision": n, "ack_key": key}
        meta = {"type": RESOURCES[row.stream].type, "sync": sync}
        return {"data": self.show(row.stream, row), "meta": meta}

    def _require(self, device: str) -> None:
        if not device:
            raise bad_header("invalid_header", "The header X-Basecrm-Device-UUID is required.")


@dataclass(frozen=True, slots=True)
class _Event:
    n: int
    at: datetime
    kind: str
    row: Row
    sequence: int
    previous: Mapping[str, Any]


class Firehose:
    """The streams of an account.

    Args:
        world: the world with the rows of all vendors.
        show: returns a record of a stream as the API shows it.
    """

    def __init__(self, world: World, show: Show) -> None:
        self.world, self.show = world, show
        self._events: dict[str, list[_Event]] = {stream: [] for stream in FIREHOSE}
        self._known: dict[Key, Row] = {}
        self._sequences: Counter[Key] = Counter()
        self._n = itertools.count(1)
        self._lock = threading.Lock()
        for stream in FIREHOSE:
            self._known |= {row.key: row for row in world.rows(SOURCE, stream)}
        self._bring_past()
        world.subscribe(self._note)

    def read(self, stream: str, asked: Mapping[str, str]) -> Json:
        """Return a page of a stream from a position on."""
        if stream not in self._events:
            raise not_found()
        limit = asked.get("limit", str(_FIREHOSE_PAGE))
        if not limit.isdecimal() or not 1 <= int(limit) <= _FIREHOSE_MOST:
            raise bad_param("limit", f"must be between 1 and {_FIREHOSE_MOST}, given: {limit}")
        with self._lock:
            events = self._kept(stream)
        after = self._after(stream, events, asked.get("position", ""))
        left = [one for one in events if one.n > after]
        page = left[: int(limit)]
        position = page[-1].n if page else after
        return {
            "items": [self._shown(stream, one) for one in page],
            "meta": {
                "type": "collection",
                "count": len(page),
                "position": _position(stream, position, self.world.clock.now()),
                "top": len(page) == len(left),
            },
        }

    def _kept(self, stream: str) -> list[_Event]:
        oldest = self.world.clock.now() - KEPT
        self._events[stream] = [one for one in self._events[stream] if one.at >= oldest]
        return self._events[stream]

    def _after(self, stream: str, events: list[_Event], text: str) -> int:
        if text == "tail":
            return 0
        if text == "top":
            return events[-1].n if events else 0
        try:
            name, n, at = base64.urlsafe_b64decode(text).decode().split("|")
            since = datetime.fromisoformat(at)
        except (ValueError, UnicodeDecodeError) as exc:
            raise bad_param("position", "neither top nor tail nor an earlier one") from exc
        if name != stream:
            raise bad_param("position", "one of another stream")
        if since < self.world.clock.now() - KEPT:
            raise gone("The stream keeps events for 72 hours, and the position is older.")
        return int(n)

    def _shown(self, stream: str, event: _Event) -> Json:
        meta: Json = {
            "event_id": f"{digest_of(stream, event.n, self.world.seed):016x}",
            "event_type": event.kind,
            "event_time": iso(event.at),
            "event_cause": "user",
            "sequence": event.sequence,
            "type": RESOURCES[stream].type,
        }
        if event.kind == "updated":
            meta["previous"] = dict(event.previous)
        return {"data": self.show(stream, event.row), "meta": meta}

    def _bring_past(self) -> None:
        """Add the changes of the last 72 hours that the universe has: new records, moved deals."""
        oldest = self.world.clock.now() - KEPT
        found: list[tuple[datetime, str, Row, Mapping[str, Any]]] = [
            (row.created_at, "created", row, {})
            for row in self._known.values()
            if row.created_at >= oldest
        ]
        for move in self.world.rows(SOURCE, MOVES):
            deal = self._known.get((SOURCE, "deals", str(move.values.get("deal_id"))))
            before = move.values.get("previous_stage_id")
            if deal is not None and move.created_at >= oldest and before is not None:
                values = {**deal.values, "stage_id": move.values["stage_id"]}
                then = _with(deal, values)
                found.append((move.created_at, "updated", then, {"stage_id": number(before)}))
        for at, kind, row, previous in sorted(found, key=lambda one: (one[0], one[2].seq)):
            self._add(at, kind, row, previous)

    def _note(self, event: dict[str, Any], row: Row) -> None:
        if row.source != SOURCE or row.stream not in self._events:
            return
        with self._lock:
            before = self._known.get(row.key)
            self._known[row.key] = row
            kind = "deleted" if row.deleted else "created" if event["op"] == "create" else "updated"
            previous = {}
            if before is not None and kind == "updated":
                previous = {
                    name: before.values.get(name)
                    for name in {*before.values, *row.values}
                    if before.values.get(name) != row.values.get(name)
                }
            self._add(self.world.clock.now(), kind, row, previous)

    def _add(self, at: datetime, kind: str, row: Row, previous: Mapping[str, Any]) -> None:
        self._sequences[row.key] += 1
        event = _Event(next(self._n), at, kind, row, self._sequences[row.key], previous)
        self._events[row.stream].append(event)


def _with(row: Row, values: dict[str, Any]) -> Row:
    return Row(
        row.source, row.stream, row.id, values, row.created_at, row.modified_at, row.visible_at,
        person=row.person, company=row.company, seq=row.seq,
    )  # fmt: skip


def _position(stream: str, n: int, at: datetime) -> str:
    return base64.urlsafe_b64encode(f"{stream}|{n}|{at.isoformat()}".encode()).decode()
