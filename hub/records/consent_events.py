"""Queries of consent: the events of addresses and people, and their states.

`hub.model.consent` decides; the view `reporting.consents` has the same rules for all addresses at once.
Not here: writing events (`hub.records.consents`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.consent import (
    NOES,
    ConsentEvent,
    ConsentState,
    Key,
    Voice,
    resolve,
    stands,
    state_named,
)
from hub.records.consent_addresses import addresses_of
from hub.records.entities import WHOLE


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event; `is_present` while its version is the newest of a living object."""

    id: int
    origin_id: int | None
    entity_id: int | None
    source: str
    record: str | None
    address: str
    channel: str
    purpose: str
    state: ConsentState
    basis: str | None
    proof: str | None
    at: datetime
    voice: Voice
    is_confirmed: bool
    is_correction: bool
    said_of: str
    disputed_by: str | None
    who: str | None
    reason: str | None
    is_present: bool

    @property
    def judged(self) -> ConsentEvent | None:
        """Return the event for the rules of consent; None for a yes that no longer counts."""
        if not (self.state.is_no or self.is_present):
            return None
        return ConsentEvent(
            self.channel,
            self.purpose,
            self.address or f"event {self.id}",
            self.state,
            self.at,
            self.voice,
            self.is_confirmed,
            self.is_correction,
        )


def counts(event: Event, about: Iterable[Event]) -> bool:
    """Tell whether an event counts, given the other events of its address and purpose.

    Args:
        event: the event.
        about: all events of its address; those of another address, channel or purpose are
            ignored.
    """
    judged = event.judged
    key = event.address, event.channel, event.purpose
    heard = [
        said
        for one in about
        if (one.address, one.channel, one.purpose) == key and (said := one.judged) is not None
    ]
    return judged is not None and stands(judged, heard)


_EVENT = """
SELECT e.id, e.origin_id, e.entity_id, e.source,
       CASE WHEN e.raw_id IS NOT NULL THEN concat_ws('/', e.source, e.stream, e.source_id) END,
       e.address, e.channel, e.purpose, e.state, e.basis, e.proof, e.at, e.voice, e.is_confirmed,
       e.is_correction, e.said_of, e.disputed_by, e.who, e.reason,
       e.raw_id IS NULL OR EXISTS (
         SELECT 1 FROM landing.head h WHERE h.source = e.source AND h.stream = e.stream
           AND h.source_id = e.source_id AND h.raw_id = e.raw_id AND h.op = 'upsert')
FROM ops.consent_event e
"""
_ABOUT = text(
    f"{_EVENT} WHERE e.address = ANY(CAST(:addresses AS text[])) AND e.accepted_by IS NULL "
    "ORDER BY e.at, e.id"
)


def events_about(conn: Connection, addresses: Collection[str]) -> list[Event]:
    """Return all events of addresses, oldest first."""
    return _events(conn.execute(_ABOUT, {"addresses": sorted(addresses)}))


def _events(rows: Iterable[Any]) -> list[Event]:
    return [_event(tuple(row)) for row in rows]


def _event(row: tuple[Any, ...]) -> Event:
    known = dict(zip(_EVENT_FIELDS, row, strict=True))
    known |= {"state": state_named(known["state"]), "voice": Voice(known["voice"])}
    return Event(**known)


_EVENT_FIELDS = tuple(one.name for one in fields(Event))


def judged(events: Iterable[Event]) -> dict[str, dict[Key, ConsentState]]:
    """Return the states of each address with an event that counts."""
    heard: dict[str, list[ConsentEvent]] = defaultdict(list)
    for event in events:
        if (one := event.judged) is not None:
            heard[event.address].append(one)
    return {address: resolve(some) for address, some in heard.items()}


# Events about people, and not only about one address. Each load reads them, and few people have any:
# so the query probes the partial index for each record, against what the statistics suggest.
_OF_PEOPLE = """
WITH RECURSIVE {whole}
SELECT i.id AS root, e.id FROM unnest(CAST(:ids AS bigint[])) AS i(id)
CROSS JOIN LATERAL (
  SELECT source, stream, source_id, target FROM ops.source_record
  WHERE entity_id = i.id OFFSET 0) p
CROSS JOIN LATERAL (
  SELECT c.id FROM ops.consent_event c WHERE c.source = p.source AND c.stream = p.stream
    AND c.source_id = p.source_id AND c.origin_id IS NULL AND {which} OFFSET 0) e
WHERE p.target = 'person'
UNION
SELECT w.root, e.id FROM whole w CROSS JOIN LATERAL (
  SELECT c.id FROM ops.consent_event c
  WHERE c.entity_id = w.id AND c.origin_id IS NULL OFFSET 0) e
ORDER BY root, id
"""
_SAID_OF_PEOPLE = text(_OF_PEOPLE.format(whole=WHOLE, which="c.said_of = 'person'"))
_SAID_NOWHERE = text(
    _OF_PEOPLE.format(whole=WHOLE, which="(c.said_of = 'person' OR c.address = '')")
)
_BY_ID = text(f"{_EVENT} WHERE e.id = ANY(:ids) AND e.accepted_by IS NULL")


def events_of_people(
    conn: Connection, entity_ids: Sequence[int], *, nowhere: bool = False
) -> dict[int, list[Event]]:
    """Return events about people themselves, by entity; few have any.

    Args:
        conn: a connection.
        entity_ids: the people.
        nowhere: also return events of a record without an address.
    """
    statement = _SAID_NOWHERE if nowhere else _SAID_OF_PEOPLE
    said = conn.execute(statement, {"ids": list(entity_ids)}).all()
    if not said:
        return {}
    ids = sorted({row.id for row in said})
    events = {one.id: one for one in _events(conn.execute(_BY_ID, {"ids": ids}))}
    found: dict[int, list[Event]] = defaultdict(list)
    for row in said:
        if row.id in events:
            found[row.root].append(events[row.id])
    return found


_OF_BATCH = text("""
SELECT DISTINCT e.address, e.channel, e.purpose FROM landing.raw r
JOIN ops.consent_event e ON e.raw_id = r.id
WHERE r.batch_id = :batch AND e.state = ANY(:noes) AND e.address <> '' AND e.accepted_by IS NULL
ORDER BY e.address, e.channel, e.purpose
""")


def refused_in(conn: Connection, batch_id: int) -> list[tuple[str, str, str]]:
    """Return the noes of the raw versions of a batch: (address, channel, purpose)."""
    return [tuple(row) for row in conn.execute(_OF_BATCH, {"batch": batch_id, "noes": list(NOES)})]


_OF_RECORDS = text("""
SELECT DISTINCT e.source || '/' || e.stream || '/' || e.source_id AS record, e.channel, e.state
FROM ops.source_record s JOIN ops.consent_event e USING (source, stream, source_id)
WHERE s.id = ANY(:ids) AND e.origin_id IS NULL ORDER BY record, e.channel, e.state
""")


def events_of_records(conn: Connection, record_ids: Sequence[int]) -> list[tuple[str, str, str]]:
    """Return the events of the objects of records: (record, channel, state) each."""
    return [tuple(row) for row in conn.execute(_OF_RECORDS, {"ids": list(record_ids)})]


@dataclass(frozen=True, slots=True)
class AddressState:
    """The state of consent of an address, as in `reporting.consents`."""

    address: str
    channel: str
    purpose: str
    state: str
    basis: str | None
    at: datetime | None
    source: str
    proof: str | None


_STATES = text("""
SELECT address, channel, purpose, state, basis, at, source, proof FROM reporting.consents
WHERE address = ANY(CAST(:addresses AS text[])) ORDER BY address, channel, purpose
""")


def states_of(conn: Connection, addresses: Collection[str]) -> list[AddressState]:
    """Return the states of addresses; an address without events has none."""
    rows = conn.execute(_STATES, {"addresses": sorted(addresses)})
    return [AddressState(*row) for row in rows]


def consent_events_of(conn: Connection, entity_id: int) -> list[ConsentEvent]:
    """Return the events that count for a person: of the present addresses, and of the person."""
    own = {address for _, address in addresses_of(conn, [entity_id])[entity_id]}
    said = events_of_people(conn, [entity_id], nowhere=True).get(entity_id, [])
    found = {event.id: event for event in (*events_about(conn, own), *said)}
    return [one for event in found.values() if (one := event.judged) is not None]


def consents_of(conn: Connection, entity_id: int) -> dict[Key, ConsentState]:
    """Return the strictest state of a person's addresses, for each channel and purpose."""
    return resolve(consent_events_of(conn, entity_id))
