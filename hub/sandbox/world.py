"""The data of the emulated vendors: the rows of every stream, and the changes to them.

All vendors' apps share one `World`. It may be used from several threads. A change replaces a row
and never alters it, so a reader may keep a row. Not here: HTTP, the rules of a vendor, the
universe's format (`universe.py`).
"""

import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.sandbox.clock import VendorClock
from hub.sandbox.faults import Faults
from hub.sandbox.ids import IdFactory, default_id_factories, plain_id, secrets_of

Key = tuple[str, str, str]
Listener = Callable[[dict[str, Any], "Row"], None]
MOST_LATE_S = 40
_TIE_GRID_S = 50 * 86_400
_SETUP = frozenset(
    {
        "lead_statuses",
        "opportunity_stages",
        "record_types",
        "queues",
        "queue_sobjects",
        "deal_pipelines",
    }
)
_SELL_SETUP = frozenset({
    "users", "pipelines", "stages", "lead_statuses", "loss_reasons", "deal_unqualified_reasons",
    "lead_unqualified_reasons", "lead_sources", "deal_sources", "call_outcomes", "visit_outcomes",
    "custom_fields",
})  # fmt: skip


class UnknownRowError(KeyError):
    """The stream has no row with that id."""


@dataclass(slots=True)
class Row:
    """One record of one vendor; `values` uses the vendor's own field names.

    `seq` grows with every new row. `modified_at` has whole seconds. Readers see the row from
    `visible_at` on.
    """

    source: str
    stream: str
    id: str
    values: dict[str, Any]
    created_at: datetime
    modified_at: datetime
    visible_at: datetime
    deleted: bool = False
    merged_into: str | None = None
    person: str | None = None
    company: str | None = None
    seq: int = 0

    @property
    def key(self) -> Key:
        """Source, stream and id."""
        return (self.source, self.stream, self.id)


class World:
    """The rows of all vendors.

    Args:
        clock: the vendors' clock.
        faults: the active fault profiles.
        seed: the same seed gives the same ids and credentials.
    """

    def __init__(
        self, clock: VendorClock | None = None, faults: Faults | None = None, *, seed: int = 1
    ) -> None:
        self.clock = clock or VendorClock()
        self.faults = faults or Faults()
        self.seed = seed
        self.users: list[dict[str, Any]] = []
        self.secrets = secrets_of(seed)
        self.id_makers: dict[str, IdFactory] = dict(default_id_factories(seed))
        self.events: list[dict[str, Any]] = []
        self._rows: dict[tuple[str, str], dict[str, Row]] = {}
        self._pending: dict[Key, Row] = {}
        self._counters: dict[tuple[str, str], itertools.count[int]] = {}
        self._seq = itertools.count(1)
        self._late = itertools.count(1)
        self._hidden: dict[tuple[str, str], str] = {}
        self._silent: dict[tuple[str, str], set[str]] = {}
        self._told: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
        self._revisions: Counter[tuple[str, str]] = Counter()
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()

    def rows(self, source: str, stream: str, *, include_deleted: bool = False) -> list[Row]:
        """Return the rows that are visible now, oldest first."""
        with self._lock:
            self._publish_due()
            found = self._rows.get((source, stream), {}).values()
            rows = [row for row in found if include_deleted or not row.deleted]
            return sorted(rows, key=lambda row: row.seq)

    def get(self, source: str, stream: str, id: str) -> Row | None:  # noqa: A002
        """Return one row if it is visible now, also a deleted one."""
        with self._lock:
            self._publish_due()
            return self._rows.get((source, stream), {}).get(id)

    def revision(self, source: str, stream: str) -> int:
        """Return a number that is another after each visible change of the stream's rows."""
        with self._lock:
            self._publish_due()
            return self._revisions[source, stream]

    def streams(self) -> list[tuple[str, str]]:
        """Return every (source, stream) that has or had rows."""
        with self._lock:
            return sorted({*self._rows, *(key[:2] for key in self._pending)})

    def create(
        self,
        source: str,
        stream: str,
        values: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002
        person: str | None = None,
        company: str | None = None,
        at: datetime | None = None,
    ) -> Row:
        """Add a row, created `at` (default: now), with a new id if none is given."""
        with self._lock:
            created_at = whole_second(at or self.clock.now())
            row = Row(
                source=source,
                stream=stream,
                id=id or self._new_id(source, stream),
                values=deepcopy(dict(values)),
                created_at=created_at,
                modified_at=created_at,
                visible_at=created_at,
                person=person,
                company=company,
                seq=next(self._seq),
            )
            self._commit(row)
        self._notify({"op": "create", "values": row.values}, row)
        return row

    def put(self, row: Row) -> Row:
        """Store a row of a universe unchanged. It is visible at once; no listener is called."""
        with self._lock:
            if self.faults.is_on("ties"):
                row.created_at = _on_grid(row.created_at)
                row.modified_at = _on_grid(row.modified_at)
            row.seq = next(self._seq)
            self._show(row)
            return row

    def update(self, source: str, stream: str, id: str, values: Mapping[str, Any]) -> Row:  # noqa: A002
        """Change some of a row's values; silent ones alone leave its modification time."""
        changes = deepcopy(dict(values))
        is_silent = bool(changes) and changes.keys() <= self.silent(source, stream)
        row = self._change(
            source,
            stream,
            id,
            lambda row: {"values": {**row.values, **changes}},
            is_silent=is_silent,
        )
        self._notify({"op": "update", "values": changes}, row)
        return row

    def delete(self, source: str, stream: str, id: str) -> Row:  # noqa: A002
        """Mark a row as deleted."""
        row = self._change(source, stream, id, lambda _row: {"deleted": True})
        self._notify({"op": "delete"}, row)
        return row

    def merge(self, source: str, stream: str, id: str, into: str) -> Row:  # noqa: A002
        """Merge a row into another. Return the deleted loser; the winner counts as modified."""
        with self._lock:
            self._latest((source, stream, into))
            row = self._change(
                source, stream, id, lambda _row: {"deleted": True, "merged_into": into}
            )
            self._change(source, stream, into, lambda _row: {})
        self._notify({"op": "merge", "into": into}, row)
        return row

    def apply(self, event: Mapping[str, Any]) -> Row:
        """Apply one event of the universe's format now."""
        source, stream, id_ = event["source"], event["stream"], event.get("id")
        if event["op"] == "create":
            return self.create(
                source,
                stream,
                event.get("values") or {},
                id=id_,
                person=event.get("person"),
                company=event.get("company"),
            )
        if id_ is None:
            raise UnknownRowError(f"{source}/{stream}: an event {event['op']} needs an id")
        if event["op"] == "update":
            return self.update(source, stream, id_, event.get("values") or {})
        if event["op"] == "delete":
            return self.delete(source, stream, id_)
        return self.merge(source, stream, id_, event["into"])

    def make_silent(self, source: str, stream: str, *names: str) -> None:
        """Change values without the row's modification time, if nothing else changes."""
        self._silent.setdefault((source, stream), set()).update(names)
        self._revisions[source, stream] += 1

    def silent(self, source: str, stream: str) -> frozenset[str]:
        """Return the names of the values that leave the modification time as it is."""
        return frozenset(self._silent.get((source, stream), ()))

    def tell_field(self, source: str, stream: str, field: Mapping[str, Any]) -> None:
        """Store what the universe tells of a field of the customer's own: type, label, choices."""
        self._told.setdefault((source, stream), {})[field["name"]] = field
        self._revisions[source, stream] += 1

    def told_fields(self, source: str, stream: str) -> Mapping[str, Mapping[str, Any]]:
        """Return what the universe tells of fields, by the field's name."""
        return self._told.get((source, stream), {})

    def hidden_ids(self, source: str, stream: str) -> set[str]:
        """Return the id that the fault `hide_one` leaves out of pages but keeps in counts."""
        target = self.faults.argument("hide_one")
        if not self.faults.is_on("hide_one") or target not in ("", f"{source}/{stream}"):
            return set()
        if not target and stream == "users":
            return set()
        with self._lock:
            if (source, stream) not in self._hidden:
                rows = self.rows(source, stream)
                if not rows:
                    return set()
                self._hidden[source, stream] = rows[len(rows) // 2].id
            return {self._hidden[source, stream]}

    def truth(self) -> list[dict[str, Any]]:
        """Return the person and company of every record, without the account's own setup."""
        with self._lock:
            rows = {
                row.key: row
                for table in [*self._rows.values(), *([self._pending_by_id()])]
                for row in table.values()
                if not _is_setup(row)
            }
        return [_truth_of(row) for row in sorted(rows.values(), key=lambda row: row.seq)]

    def whole_truth(self, source: str) -> list[dict[str, Any]]:
        """Return every record of a vendor with all its values, deleted ones too, oldest first."""
        with self._lock:
            tables = [table for key, table in self._rows.items() if key[0] == source]
            rows = {row.key: row for table in tables for row in table.values()}
            rows |= {key: row for key, row in self._pending.items() if key[0] == source}
        return [
            {
                **_truth_of(row),
                "at": iso(row.created_at),
                "modified_at": iso(row.modified_at),
                "values": row.values,
            }
            for row in sorted(rows.values(), key=lambda row: row.seq)
        ]

    def touch_all(self) -> None:
        """Set the modification time of all rows to the present second, as a mass update does."""
        with self._lock:
            self._publish_due()
            now = whole_second(self.clock.now())
            for key, table in self._rows.items():
                self._revisions[key] += 1
                for id_, row in table.items():
                    table[id_] = replace(row, modified_at=now)

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with the event and the row after every change."""
        self._listeners.append(listener)

    def _pending_by_id(self) -> dict[str, Row]:
        return {"/".join(key): row for key, row in self._pending.items()}

    def _new_id(self, source: str, stream: str) -> str:
        counter = self._counters.setdefault((source, stream), itertools.count(1))
        make = self.id_makers.get(source) or self._plain_id
        taken = self._rows.get((source, stream), {})
        while True:
            id_ = make(stream, next(counter))
            if id_ not in taken and (source, stream, id_) not in self._pending:
                return id_

    def _plain_id(self, stream: str, n: int) -> str:
        return plain_id(self.seed, stream, n)

    def _latest(self, key: Key) -> Row:
        row = self._pending.get(key) or self._rows.get(key[:2], {}).get(key[2])
        if row is None:
            raise UnknownRowError(f"{key[0]}/{key[1]} has no record {key[2]}")
        return row

    def _change(
        self,
        source: str,
        stream: str,
        id: str,  # noqa: A002
        make: Callable[[Row], dict[str, Any]],
        *,
        is_silent: bool = False,
    ) -> Row:
        with self._lock:
            self._publish_due()
            row = self._latest((source, stream, id))
            now = whole_second(self.clock.now())
            # not before the last change: a client's cursor would miss the row
            modified_at = row.modified_at if is_silent else max(now, row.modified_at)
            changed = replace(row, modified_at=modified_at, visible_at=modified_at, **make(row))
            self._commit(changed)
            return changed

    def _commit(self, row: Row) -> None:
        """Store a row now. Under `late_commits` it becomes visible some seconds later."""
        if self.faults.is_on("late_commits"):
            late_s = (next(self._late) * 17) % MOST_LATE_S + 1
            row.visible_at = row.modified_at + timedelta(seconds=late_s)
            self._pending[row.key] = row
            return
        self._pending.pop(row.key, None)
        self._show(row)

    def _show(self, row: Row) -> None:
        self._rows.setdefault(row.key[:2], {})[row.id] = row
        self._revisions[row.key[:2]] += 1

    def _publish_due(self) -> None:
        if not self._pending:
            return
        now = self.clock.now()
        for key in [key for key, row in self._pending.items() if row.visible_at <= now]:
            self._show(self._pending.pop(key))

    def _notify(self, change: dict[str, Any], row: Row) -> None:
        event = {
            "at": iso(row.modified_at),
            "source": row.source,
            "stream": row.stream,
            "id": row.id,
            **deepcopy(change),
        }
        if change["op"] == "create":
            event |= {"person": row.person, "company": row.company}
        with self._lock:
            self.events.append(event)
        for listener in list(self._listeners):
            listener(event, row)


def whole_second(at: datetime) -> datetime:
    """Return a time in UTC without the fraction of a second."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def iso(at: datetime) -> str:
    """Return a time as `2026-11-23T21:00:00Z`."""
    return whole_second(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest_of(*parts: object) -> int:
    """Return a number that looks random; the same parts give the same number."""
    text = "/".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _on_grid(at: datetime) -> datetime:
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % _TIE_GRID_S, UTC)


def _is_setup(row: Row) -> bool:
    """Tell whether a row belongs to the account itself: its staff, the meaning of its statuses."""
    if row.source == "sell":
        return row.stream in _SELL_SETUP
    if row.stream != "users":
        return row.source in {"salesforce", "hubspot"} and row.stream in _SETUP
    return row.source == "salesforce" or row.values.get("role") in {"agent", "admin"}


def _truth_of(row: Row) -> dict[str, Any]:
    known: dict[str, Any] = {
        "source": row.source,
        "stream": row.stream,
        "id": row.id,
        "person": row.person,
        "company": row.company,
    }
    if row.source == "typeform":
        known["form"] = row.values.get("form") or "contact"
    if row.deleted:
        known["deleted"] = True
    if row.merged_into:
        known["merged_into"] = row.merged_into
    return known
