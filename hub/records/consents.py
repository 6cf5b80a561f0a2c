"""Storage of consent events. Owns `ops.consent_event`.

An event comes from a raw version, from a user, or was passed on from a person to one of the person's
addresses. A no is never deleted. If a mapping no longer reads it, it is disputed, and in force until a
user accepts its lifting. Not here: the addresses that a no is passed on to (`hub.etl.consents`), and
queries (`hub.records.consent_events`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.db.copy import copy_rows
from hub.frozen import dataclass
from hub.model.consent import (
    NOES,
    ConsentState,
    Voice,
)

TEAM = "hub"
"""The source of events by users."""
_NOES = {"noes": list(NOES)}


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event of an address in a raw version.

    Args:
        raw_id: the version.
        source_id: its object.
        address: in its normal form; "" if the record has none.
        channel: email, sms, phone, fax or post.
        purpose: see `hub.model.consent`.
        state: the state that it gives.
        basis: the legal basis, if one is named.
        proof: the wording, or the vendor's field.
        at: the vendor's time as ISO text, if it has one.
        voice: its author, see `hub.model.consent.Voice`.
        is_confirmed: whether it is a confirmed double opt-in.
        is_of_person: whether it is about all addresses of the person.
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
               WHERE raw_id = ANY(CAST(:raws AS bigint[])) AND origin_id IS NULL) AS is_derived_again,
       EXISTS (SELECT 1 FROM ops.consent_event WHERE source = :source AND stream = :stream
               AND source_id = ANY(CAST(:ids AS text[])) AND NOT is_timed) AS has_untimed
""")
_SAME = """
SELECT 1 FROM consent_page p WHERE p.raw_id = e.raw_id AND p.address = e.address
AND p.channel = e.channel AND p.purpose = e.purpose AND p.state = e.state
"""
_FORGET = text(f"""
DELETE FROM ops.consent_event e WHERE e.raw_id = ANY(CAST(:raws AS bigint[])) AND e.origin_id IS NULL
AND e.state <> ALL(:noes) AND NOT EXISTS ({_SAME})
""")  # noqa: S608 our own text
_DISPUTE = text(f"""
UPDATE ops.consent_event e SET disputed_by = :version
WHERE e.raw_id = ANY(CAST(:raws AS bigint[])) AND e.origin_id IS NULL AND e.state = ANY(:noes)
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
    """Store the events of raw versions, in place of those that an earlier mapping read in them.

    Args:
        conn: the transaction that normalises the versions.
        source: of the versions.
        stream: of the versions.
        versions: all mapped versions, also those without events: raw id → object.
        events: their events.
        mapping_version: version of the mapping that read them.

    Returns:
        The objects with a new event about a person.
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
    """Pass events about a person on to further addresses: (event, address) each."""
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
    """An event by a user: a correction of an address, or a no of a person."""

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
    """Store an event by a user; returns its id."""
    given = {
        "entity": word.entity_id, "source": TEAM, "address": word.address, "channel": word.channel,
        "purpose": word.purpose, "state": word.state.value, "proof": word.proof, "at": word.at,
        "basis": "consent" if word.state is ConsentState.OPT_IN else None,
        "correction": word.is_correction, "who": word.who, "reason": word.reason,
        "said_of": "address" if word.entity_id is None else "person",
    }  # fmt: skip
    return int(conn.execute(_ADD, given).scalar_one())


_ACCEPT = text("""
UPDATE ops.consent_event SET accepted_by = :who WHERE id = ANY(:ids) OR origin_id = ANY(:ids)
""")


def accept(conn: Connection, who: str, event_ids: Sequence[int]) -> None:
    """Lift noes that the mappings no longer read."""
    conn.execute(_ACCEPT, {"who": who, "ids": list(event_ids)})
