"""One lane of the inbox: rows are taken, read from the vendor if they are hints, landed, and settled.

All in one transaction, so a crash leaves the rows as they were. A row that cannot be landed stops no other
row: the rows of its chunk are landed one by one, and it is tried again later, less and less often. After
the last try it is dead: an admin is told, and `hub status` shows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from hub.connectors.webhooks import NAMED_OTHERWISE
from hub.db.transactions import ask, run_transaction
from hub.errors import ConfigError, HubError, RecordError, TransientError
from hub.etl import alerts, confirmations
from hub.etl.contain import where
from hub.etl.context import Hub
from hub.landing import inbox
from hub.landing.arrivals import Arrival
from hub.landing.inbox import Door, Waiting
from hub.live import landing
from hub.live.landing import Landed, Place
from hub.live.vendors import Reader
from hub.logs import get_logger
from hub.model import forms
from hub.model.records import RawRecord

CHUNK = 100
MOST_TRIES = 8
"""After so many tries a row is dead that cannot be landed for its own sake."""
GIVES_UP = timedelta(hours=24)
"""After this time a hint is dead whose vendor does not answer: the next sync reads its object anyway."""
_FIRST_S, _LONGEST_S = 5.0, 600.0
log = get_logger()


class UnreadError(Exception):
    """The vendor did not answer for hints.

    Args:
        error: why.
    """

    def __init__(self, error: HubError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: rows that were taken, and what was landed."""

    taken: int = 0
    landed: Sequence[Landed] = ()

    @property
    def changed(self) -> int:
        """Return how many records were new to the hub or changed."""
        return sum(one.changed for one in self.landed)


@dataclass(frozen=True, slots=True)
class _Found:
    """The records of some rows.

    Args:
        records: by their place.
        came: by which requests, by the ids of the records.
        read_now: whether a vendor has given them just now.
    """

    records: Mapping[Place, Sequence[RawRecord]]
    came: Mapping[Place, Mapping[str, Arrival]]
    read_now: bool = False


class Lane:
    """Lands the rows of one door; for one thread.

    Args:
        hub: the hub.
        door: which rows.
        vendors: read the hints.
    """

    def __init__(self, hub: Hub, door: Door, vendors: Reader) -> None:
        self._hub = hub
        self._door = door
        self._vendors = vendors

    def step(self) -> Step:
        """Land the next chunk; nothing is taken if nothing is due.

        Raises:
            TransientError: the database does not answer.
        """
        rows: list[Waiting] = []
        try:
            return run_transaction(self._hub.engine, partial(self._land, rows, None))
        except UnreadError as exc:
            if len(rows) == 1 or _is_of_vendor(exc.error):
                return self._failed(rows, exc.error)
        except Exception as exc:
            if not rows:
                raise
            ask(self._hub.engine, inbox.depth)  # raises if the fault is the database's
            log.warning("chunk_not_landed", door=self._door.source, n=len(rows), where=where(exc))
        return self._apart(rows)

    def _apart(self, rows: Sequence[Waiting]) -> Step:
        """Land the rows one by one."""
        taken, landed = 0, list[Landed]()
        for row in rows:
            own: list[Waiting] = []
            try:
                done = run_transaction(self._hub.engine, partial(self._land, own, [row.id]))
            except UnreadError as exc:
                done = self._failed(own, exc.error)
            except Exception as exc:  # noqa: BLE001  # the edge: even a bug of one row stops no other
                ask(self._hub.engine, inbox.depth)  # the database answers, so it is the row's fault
                done = self._failed(own or [row], RecordError(where(exc)))
            taken += done.taken
            landed += done.landed
        return Step(taken, landed)

    def _land(self, rows: list[Waiting], only: Sequence[int] | None, conn: Connection) -> Step:
        """Take rows, land them and settle them; `rows` then has what was taken, for the case of a fault."""
        rows[:] = inbox.take(conn, CHUNK, self._door, only=only)
        if not rows:
            return Step()
        found = self._found(conn, rows)
        done = landing.land(
            conn, self._hub, found.records, came=found.came, read_now=found.read_now
        )
        inbox.settle(conn, [row.id for row in rows])
        self._say(rows, done)
        return Step(len(rows), [done])

    def _found(self, conn: Connection, rows: Sequence[Waiting]) -> _Found:
        """Return the records of rows."""
        if self._door.is_record:
            return _Found(landing.as_sent(rows), _arrivals(rows))
        if self._door.source == forms.SOURCE:
            place = (forms.SOURCE, forms.STREAM)
            return _Found({place: confirmations.confirmed(conn, rows)}, _arrivals(rows))
        return self._read(rows)

    def _read(self, rows: Sequence[Waiting]) -> _Found:
        """Read what hints name; where a record has another name than its hint, one after the other."""
        found: dict[Place, list[RawRecord]] = {}
        came: dict[Place, dict[str, Arrival]] = {}
        for (source, stream), named in _arrivals(rows).items():
            is_apart = source in NAMED_OTHERWISE
            place = (source, stream)
            for names in [[one] for one in named] if is_apart else [list(named)]:
                try:
                    records = self._vendors.read(source, stream, names)
                except HubError as exc:
                    raise UnreadError(exc) from exc
                found.setdefault(place, []).extend(records)
                by = {r.source_id: named[names[0]] for r in records} if is_apart else named
                came.setdefault(place, {}).update(by)
        return _Found(found, came, read_now=True)

    def _say(self, rows: Sequence[Waiting], done: Landed) -> None:
        now = self._hub.clock.now()
        for row in rows:
            log.info(
                "event_landed",
                correlation_id=row.correlation_id,
                source=row.source,
                stream=row.stream,
                kind=row.kind,
                waited_s=round((now - row.received_at).total_seconds(), 3),
            )
        log.info("events_landed", events=len(rows), changed=done.changed, unchanged=done.unchanged)

    def _failed(self, rows: Sequence[Waiting], error: HubError) -> Step:
        """Try the rows again later, or never; the last try is told to the admins."""
        message = error.message
        now = self._hub.clock.now()
        with self._hub.engine.begin() as conn:
            held = inbox.take(conn, len(rows), self._door, only=[row.id for row in rows])
            dead = set()
            for row in held:
                at = next_try(row, error, now)
                inbox.fail(conn, row.id, message, at)
                if at is None:
                    dead.add(row.source)
            for source in sorted(dead):
                alerts.deliveries_dead(conn, self._hub, source, message)
        log.warning(
            "events_not_landed", door=self._door.source, n=len(held), dead=sorted(dead), why=message
        )
        return Step(len(held))


def _arrivals(rows: Sequence[Waiting]) -> dict[Place, dict[str, Arrival]]:
    """Return by which requests the objects of rows came, of several the last one."""
    found: dict[Place, dict[str, Arrival]] = {}
    for row in rows:
        one = Arrival(row.correlation_id, row.received_at)
        found.setdefault((row.source, row.stream), {})[row.source_id] = one
    return found


def next_try(row: Waiting, error: HubError, now: datetime) -> datetime | None:
    """Return when a row that failed is tried again; None for never.

    A vendor that does not answer, and a setting that is wrong, are not the row's fault: it is tried
    for a day.
    """
    wait_s = min(_LONGEST_S, _FIRST_S * 2.0**row.attempts)
    if _is_of_vendor(error):
        asked_s = error.retry_after_s if isinstance(error, TransientError) else None
        is_over = now - row.received_at > GIVES_UP
        return None if is_over else now + timedelta(seconds=max(wait_s, asked_s or 0.0))
    return None if row.attempts + 1 >= MOST_TRIES else now + timedelta(seconds=wait_s)


def _is_of_vendor(error: HubError) -> bool:
    return isinstance(error, TransientError | ConfigError)
