"""Land what the inbox holds in the live batch of its source; an older version changes nothing.

In: rows of the inbox, and for hints the records as the vendor has them now. The caller owns the
transaction, and settles the rows in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from hub.db.locks import landing_lock
from hub.etl import confirmations
from hub.etl.context import Hub
from hub.etl.erased import Gate
from hub.landing import arrivals, store, versions
from hub.landing.arrivals import Arrival
from hub.landing.inbox import Waiting
from hub.live.vendors import stream_of
from hub.model import forms
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.records import batches

_NEVER = datetime.min.replace(tzinfo=UTC)


Place = tuple[str, str]
"""Source and stream."""


@dataclass(frozen=True, slots=True)
class Landed:
    """How many records were new to the hub or changed, and how many were not, by their stream."""

    by_place: Mapping[Place, tuple[int, int]] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """Return how many were new or changed."""
        return sum(changed for changed, _ in self.by_place.values())

    @property
    def unchanged(self) -> int:
        """Return how many were not."""
        return sum(unchanged for _, unchanged in self.by_place.values())


def as_sent(rows: Iterable[Waiting]) -> dict[Place, list[RawRecord]]:
    """Return the records that rows carry, by their stream."""
    found: dict[Place, list[RawRecord]] = defaultdict(list)
    for row in rows:
        record = RawRecord(row.source_id, Op.UPSERT, row.at, row.version, row.body)
        found[row.source, row.stream].append(record)
    return found


def land(
    conn: Connection,
    hub: Hub,
    found: Mapping[Place, Sequence[RawRecord]],
    *,
    came: Mapping[Place, Mapping[str, Arrival]],
    read_now: bool,
) -> Landed:
    """Land records of several streams.

    Args:
        conn: an open transaction, which has taken no lock but those of the inbox.
        hub: the hub.
        found: the records.
        came: by which requests, by the ids of the records.
        read_now: whether they were read from the vendor, or came with the event. An event may come late:
            it changes nothing if a version of the same time has landed.
    """
    done: dict[Place, tuple[int, int]] = {}
    for (source, stream), records in sorted(found.items()):
        landing_lock(conn, source, stream)
        last = _last_of_each(records)
        changed_n = _land_stream(conn, hub, (source, stream), last, read_now=read_now)
        if (source, stream) == (forms.SOURCE, forms.STREAM):
            confirmations.ask(conn, hub, last)
        arrivals.add(conn, source, stream, came.get((source, stream), {}))
        done[source, stream] = changed_n, len(last) - changed_n
    return Landed(done)


def _last_of_each(records: Sequence[RawRecord]) -> list[RawRecord]:
    """Return the latest version of each object; of versions of one time the one that came last."""
    last: dict[str, RawRecord] = {}
    for record in sorted(records, key=lambda one: one.at or _NEVER):
        last.pop(record.source_id, None)
        last[record.source_id] = record
    return list(last.values())


def _land_stream(
    conn: Connection, hub: Hub, place: Place, records: Sequence[RawRecord], *, read_now: bool
) -> int:
    source, name = place
    stream = stream_of(source, name)
    mapped = f"{source}/{name}" in hub.mappings
    batch = batches.live_batch(conn, source, hub.clock.now()).id
    if gate := Gate.of(conn, hub.settings.home):
        records = gate.land(conn, records, batch=batch, source=source, stream=name, mapped=mapped)
    newer = versions.newer_ids(conn, source, name, records, or_same=not read_now)
    if mapped and newer:
        known = [one for one in records if one.source_id in newer]
        store.enter_known(conn, known, batch=batch, source=source, stream=name)
    landed = store.land_page(
        conn,
        [one for one in records if one.source_id not in newer],
        batch=batch,
        source=source,
        stream=name,
        lane="live",
        mapped=mapped,
        volatile=stream.volatile,
    )
    return landed.changed
