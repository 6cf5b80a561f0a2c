"""What was said of consent: the events of addresses, and their states.

An event is derived from a raw version, was said by a member of the team, or was passed on from a
person to one of her addresses. A no is never deleted: a mapping that no longer reads it disputes it,
and it stands until somebody accepts that. `hub.model.consent` judges; `reporting.consents` is the
same law for all addresses at once. Not here: which addresses a no is passed on to
(`hub.etl.consents`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.db.copy import copy_rows
from hub.model.consent import (
    NOES,
    ConsentEvent,
    ConsentState,
    Key,
    Voice,
    resolve,
    state_named,
)
from hub.records.consent_addresses import addresses_of
from hub.records.entities import WHOLE

TEAM = "hub"
"""The source of what the team says."""
_NOES = {"noes": list(NOES)}


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What a raw version says of an address.

    Args:
        raw_id: the version.
        source_id: its object.
        address: in its normal form; "" if the record has none.
        channel: email, sms, phone, fax or post.
        purpose: see `hub.model.consent`.
        state: what is said.
        basis: the legal basis, if one is named.
        proof: the wording, or the vendor's field.
        at: the vendor's time as ISO text, if it has one.
        voice: who says it.
        is_confirmed: whether it is a confirmed double opt-in.
        is_of_person: whether it is said of all addresses of the person.
    """

    raw_id: int
    source_id: str
    address: str
    channel: str
    purpose: str
    state: ConsentState
    basis: str | None = None
    proof: str | None = None
    at: str | None = None
    voice: Voice = Voice.SYNC
    is_confirmed: bool = False
    is_of_person: bool = False


_STAGE = text("""
CREATE TEMPORARY TABLE IF NOT EXISTS consent_page (
  raw_id bigint, source_id text, address text, channel text, purpose text, state text, basis text,
  proof text, at timestamptz, voice text, is_confirmed boolean, said_of text) ON COMMIT DELETE ROWS
""")
_KNOWN = text("""
SELECT EXISTS (SELECT 1 FROM ops.consent_event
               WHERE raw_id = ANY(:raws) AND origin_id IS NULL) AS is_derived_again,
       EXISTS (SELECT 1 FROM ops.consent_event WHERE source = :source AND stream = :stream
               AND source_id = ANY(CAST(:ids AS text[])) AND NOT is_timed) AS has_untimed
""")
_SAME = """
SELECT 1 FROM consent_page p WHERE p.raw_id = e.raw_id AND p.address = e.address
AND p.channel = e.channel AND p.purpose = e.purpose AND p.state = e.state
"""
_FORGET = text(f"""
DELETE FROM ops.consent_event e WHERE e.raw_id = ANY(:raws) AND e.origin_id IS NULL
AND e.state <> ALL(:noes) AND NOT EXISTS ({_SAME})
""")  # noqa: S608 our own text
_DISPUTE = text(f"""
UPDATE ops.consent_event e SET disputed_by = :version
WHERE e.raw_id = ANY(:raws) AND e.origin_id IS NULL AND e.state = ANY(:noes)
AND e.disputed_by IS DISTINCT FROM :version AND NOT EXISTS ({_SAME})
""")  # noqa: S608 our own text
# An opt-in is confirmed if the first version that says it was: a list that asks for a confirmation
# since yesterday has not asked those who were on it. Only a version that landed just now is a witness.
_INSERT = text("""
INSERT INTO ops.consent_event AS e (raw_id, source, stream, source_id, address, channel, purpose,
  state, basis, proof, at, is_timed, voice, is_confirmed, said_of, mapping_version)
SELECT p.raw_id, :source, :stream, p.source_id, p.address, p.channel, p.purpose, p.state, p.basis,
  p.proof, coalesce(p.at, r.at, r.landed_at), p.at IS NOT NULL, p.voice,
  coalesce(CASE WHEN p.state = 'opt_in' THEN (
    SELECT f.is_confirmed FROM ops.consent_event f
    WHERE f.source = :source AND f.stream = :stream AND f.source_id = p.source_id
      AND f.raw_id < p.raw_id AND f.address = p.address AND f.channel = p.channel
      AND f.purpose = p.purpose AND f.state = p.state AND f.at = p.at AND f.origin_id IS NULL
    ORDER BY f.raw_id LIMIT 1) END, p.is_confirmed),
  p.said_of, :version
FROM consent_page p JOIN landing.raw r ON r.id = p.raw_id ORDER BY p.raw_id
ON CONFLICT (raw_id, address, channel, purpose, state) WHERE origin_id IS NULL DO UPDATE SET
  basis = excluded.basis, proof = excluded.proof, voice = excluded.voice,
  at = CASE WHEN excluded.is_timed OR e.is_timed THEN excluded.at ELSE e.at END,
  is_timed = excluded.is_timed, said_of = excluded.said_of,
  mapping_version = excluded.mapping_version, disputed_by = NULL, accepted_by = NULL
RETURNING e.source_id, e.said_of, e.xmax = 0 AS is_new
""")
# A no without a time of its own is as old as the first of the versions in a row that say it. A
# version whose modification time did not move was changed silently: when it landed is what is known.
# Objects, versions and events are probed one by one (OFFSET 0): in a first load the statistics are
# older than the rows, and a join would read both tables whole for each page.
_BEGUN = text("""
WITH objects AS MATERIALIZED (
  SELECT DISTINCT i.source_id FROM unnest(CAST(:ids AS text[])) AS i(source_id)
  CROSS JOIN LATERAL (
    SELECT 1 FROM ops.consent_event e WHERE e.source = :source AND e.stream = :stream
      AND e.source_id = i.source_id AND NOT e.is_timed AND e.raw_id IS NOT NULL LIMIT 1) e
), versions AS MATERIALIZED (
  SELECT r.id, o.source_id, row_number() OVER w AS n,
         CASE WHEN r.at > coalesce(max(r.at) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING
                                                   AND 1 PRECEDING), '-infinity')
              THEN r.at ELSE r.landed_at END AS moment
  FROM objects o CROSS JOIN LATERAL (
    SELECT id, at, landed_at FROM landing.raw WHERE source = :source AND stream = :stream
      AND source_id = o.source_id AND op = 'upsert' OFFSET 0) r
  WINDOW w AS (PARTITION BY o.source_id ORDER BY r.id)
), runs AS (
  SELECT e.id, e.at, v.n, v.moment, v.source_id, e.channel, e.purpose, e.address, e.state,
         v.n - row_number() OVER (PARTITION BY v.source_id, e.channel, e.purpose, e.address, e.state
                                  ORDER BY v.n) AS run
  FROM versions v CROSS JOIN LATERAL (
    SELECT * FROM ops.consent_event WHERE raw_id = v.id AND origin_id IS NULL AND NOT is_timed
    OFFSET 0) e
), begun AS (
  SELECT id, at, first_value(moment) OVER (
    PARTITION BY source_id, channel, purpose, address, state, run ORDER BY n) AS began
  FROM runs
)
SELECT id, began FROM begun WHERE at <> began
""")
_RETIME = text("""
WITH begun AS (
  SELECT * FROM unnest(CAST(:events AS bigint[]), CAST(:moments AS timestamptz[])) AS b(id, at)
), retimed AS (
  UPDATE ops.consent_event e SET at = b.at FROM begun b WHERE e.id = b.id
)
UPDATE ops.consent_event e SET at = b.at FROM begun b WHERE e.origin_id = b.id
""")


def keep(
    conn: Connection,
    source: str,
    stream: str,
    versions: Mapping[int, str],
    events: Sequence[NewEvent],
    *,
    mapping_version: str,
) -> set[str]:
    """Store what raw versions say, instead of what an earlier mapping read in them.

    Args:
        conn: the transaction that normalises the versions.
        source: of the versions.
        stream: of the versions.
        versions: all that were mapped, those that say nothing too: raw id → object.
        events: what they say.
        mapping_version: by which it was read.

    Returns:
        The objects that say something new of a person.
    """
    scope = {"source": source, "stream": stream, "raws": list(versions)}
    scope |= {"ids": sorted(set(versions.values())), "version": mapping_version}
    known = conn.execute(_KNOWN, scope).one()
    if not (events or known.is_derived_again or known.has_untimed):
        return set()
    conn.execute(_STAGE)
    copy_rows(conn, "consent_page", _COLUMNS, [_row(event) for event in _strictest(events)])
    if known.is_derived_again:
        conn.execute(_FORGET, {**scope, **_NOES})
        conn.execute(_DISPUTE, {**scope, **_NOES})
    written = conn.execute(_INSERT, scope).all()
    conn.execute(text("DELETE FROM consent_page"))
    if known.has_untimed or any(event.at is None for event in events):
        _retime(conn, scope)
    return {row.source_id for row in written if row.is_new and row.said_of == "person"}


def _retime(conn: Connection, scope: Mapping[str, Any]) -> None:
    begun = conn.execute(_BEGUN, scope).all()
    if begun:
        moments = {"events": [row.id for row in begun], "moments": [row.began for row in begun]}
        conn.execute(_RETIME, moments)


_COLUMNS = (
    "raw_id", "source_id", "address", "channel", "purpose", "state", "basis", "proof", "at",
    "voice", "is_confirmed", "said_of",
)  # fmt: skip


def _strictest(events: Sequence[NewEvent]) -> Iterable[NewEvent]:
    """Return the events, one for each thing that is said."""
    return {(e.raw_id, e.address, e.channel, e.purpose, e.state): e for e in events}.values()


def _row(e: NewEvent) -> tuple[object, ...]:
    proof = None if e.proof is None else e.proof.encode("utf-8", "replace").decode()
    return (
        e.raw_id, e.source_id, e.address, e.channel, e.purpose, e.state.value, e.basis,
        proof and proof.replace("\0", ""), e.at, e.voice.value, e.is_confirmed,
        "person" if e.is_of_person else "address",
    )  # fmt: skip


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
        """Return the event as the law takes it; None for a yes that no longer counts."""
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
    """Return all that was said of addresses, oldest first."""
    return _events(conn.execute(_ABOUT, {"addresses": sorted(addresses)}))


def _events(rows: Iterable[Any]) -> list[Event]:
    return [_event(tuple(row)) for row in rows]


def _event(row: tuple[Any, ...]) -> Event:
    known = dict(zip(_EVENT_FIELDS, row, strict=True))
    known |= {"state": state_named(known["state"]), "voice": Voice(known["voice"])}
    return Event(**known)


_EVENT_FIELDS = tuple(one.name for one in fields(Event))


def judged(events: Iterable[Event]) -> dict[str, dict[Key, ConsentState]]:
    """Return the states of each address that something counts of."""
    heard: dict[str, list[ConsentEvent]] = defaultdict(list)
    for event in events:
        if (one := event.judged) is not None:
            heard[event.address].append(one)
    return {address: resolve(some) for address, some in heard.items()}


# What the sources and the team have said of people, and not only of one address. Each load asks, and
# few people have anything: a probe of the partial index for each record, whatever the statistics say.
_OF_PEOPLE = """
WITH RECURSIVE {whole}
SELECT p.entity_id AS root, e.id FROM ops.source_record p
CROSS JOIN LATERAL (
  SELECT c.id FROM ops.consent_event c WHERE c.source = p.source AND c.stream = p.stream
    AND c.source_id = p.source_id AND c.origin_id IS NULL AND {which} OFFSET 0) e
WHERE p.entity_id = ANY(:ids) AND p.target = 'person'
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


def said_of_people(
    conn: Connection, entity_ids: Sequence[int], *, nowhere: bool = False
) -> dict[int, list[Event]]:
    """Return what was said of people themselves, by entity; few have anything.

    Args:
        conn: a connection.
        entity_ids: the people.
        nowhere: also return what a record says that has no address.
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


_PASS_ON = text("""
INSERT INTO ops.consent_event (raw_id, origin_id, source, stream, source_id, address, channel,
  purpose, state, basis, proof, at, is_timed, voice, said_of, mapping_version, who, reason)
SELECT o.raw_id, o.id, o.source, o.stream, o.source_id, t.address, o.channel, o.purpose, o.state,
  o.basis, o.proof, o.at, o.is_timed, o.voice, 'person', o.mapping_version, o.who, o.reason
FROM unnest(CAST(:origins AS bigint[]), CAST(:addresses AS text[])) AS t(origin, address)
JOIN ops.consent_event o ON o.id = t.origin
ON CONFLICT (origin_id, address) DO NOTHING
""")


def pass_on(conn: Connection, wanted: Sequence[tuple[int, str]]) -> None:
    """Let events that were said of a person count for further addresses: (event, address) each."""
    if wanted:
        origins, addresses = [w[0] for w in wanted], [w[1] for w in wanted]
        conn.execute(_PASS_ON, {"origins": origins, "addresses": addresses})


_ADD = text("""
INSERT INTO ops.consent_event (entity_id, source, address, channel, purpose, state, basis, proof,
  at, voice, is_correction, said_of, who, reason)
VALUES (:entity, :source, :address, :channel, :purpose, :state, :basis, :proof, :at, 'team',
  :correction, :said_of, :who, :reason) RETURNING id
""")


@dataclass(frozen=True, slots=True)
class TeamWord:
    """What a member of the team says: a correction of an address, or a no of a person."""

    address: str
    channel: str
    purpose: str
    state: ConsentState
    at: datetime
    who: str
    reason: str
    proof: str | None = None
    entity_id: int | None = None
    is_correction: bool = False


def add(conn: Connection, word: TeamWord) -> int:
    """Store what a member of the team says; returns the event's id."""
    given = {
        "entity": word.entity_id, "source": TEAM, "address": word.address, "channel": word.channel,
        "purpose": word.purpose, "state": word.state.value, "proof": word.proof, "at": word.at,
        "basis": "consent" if word.state is ConsentState.OPT_IN else None,
        "correction": word.is_correction, "who": word.who, "reason": word.reason,
        "said_of": "address" if word.entity_id is None else "person",
    }  # fmt: skip
    return int(conn.execute(_ADD, given).scalar_one())


_OF_BATCH = text("""
SELECT DISTINCT e.address, e.channel, e.purpose FROM landing.raw r
JOIN ops.consent_event e ON e.raw_id = r.id
WHERE r.batch_id = :batch AND e.state = ANY(:noes) AND e.address <> '' AND e.accepted_by IS NULL
ORDER BY e.address, e.channel, e.purpose
""")


def refused_in(conn: Connection, batch_id: int) -> list[tuple[str, str, str]]:
    """Return what the raw versions of a batch say no to: (address, channel, purpose)."""
    return [tuple(row) for row in conn.execute(_OF_BATCH, {"batch": batch_id, **_NOES})]


_ACCEPT = text("""
UPDATE ops.consent_event SET accepted_by = :who WHERE id = ANY(:ids) OR origin_id = ANY(:ids)
""")


def accept(conn: Connection, who: str, event_ids: Sequence[int]) -> None:
    """Let noes that the mappings no longer read stand no longer."""
    conn.execute(_ACCEPT, {"who": who, "ids": list(event_ids)})


_OF_RECORDS = text("""
SELECT DISTINCT e.source || '/' || e.stream || '/' || e.source_id AS record, e.channel, e.state
FROM ops.source_record s JOIN ops.consent_event e USING (source, stream, source_id)
WHERE s.id = ANY(:ids) AND e.origin_id IS NULL ORDER BY record, e.channel, e.state
""")


def said_by(conn: Connection, record_ids: Sequence[int]) -> list[tuple[str, str, str]]:
    """Return what the objects of records said: (record, channel, state) each."""
    return [tuple(row) for row in conn.execute(_OF_RECORDS, {"ids": list(record_ids)})]


@dataclass(frozen=True, slots=True)
class AddressState:
    """What may be sent to an address, as `reporting.consents` has it."""

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
    """Return the states of addresses; an address of which nothing is known has none."""
    rows = conn.execute(_STATES, {"addresses": sorted(addresses)})
    return [AddressState(*row) for row in rows]


def consent_events_of(conn: Connection, entity_id: int) -> list[ConsentEvent]:
    """Return what counts of a person: of the addresses she has now, and of herself."""
    own = {address for _, address in addresses_of(conn, [entity_id])[entity_id]}
    said = said_of_people(conn, [entity_id], nowhere=True).get(entity_id, [])
    found = {event.id: event for event in (*events_about(conn, own), *said)}
    return [one for event in found.values() if (one := event.judged) is not None]


def consents_of(conn: Connection, entity_id: int) -> dict[Key, ConsentState]:
    """Return the strictest state of a person's addresses, for each channel and purpose."""
    return resolve(consent_events_of(conn, entity_id))
