"""Disputed noes: those that the mappings in force no longer read, and the addresses that they decide.

This module reads; `hub.records.consents` writes. A disputed no is in force until a user accepts that
it is lifted.
"""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.consent import NOES, ConsentState, state_of
from hub.records import consent_events


@dataclass(frozen=True, slots=True)
class Lifted:
    """A no that a mapping no longer reads, at an address that would have no other.

    Args:
        address: its address.
        channel: of the no.
        purpose: of the no.
        records: the records that gave it: source/stream/id.
    """

    address: str
    channel: str
    purpose: str
    records: tuple[str, ...]


_DISPUTED = text("""
SELECT id FROM ops.consent_event
WHERE disputed_by IS NOT NULL AND accepted_by IS NULL AND origin_id IS NULL
  AND (CAST(:source AS text) IS NULL OR source = :source)
  AND (CAST(:stream AS text) IS NULL OR stream = :stream)
""")


def disputed(conn: Connection, source: str | None = None, stream: str | None = None) -> list[int]:
    """Return the noes that the mappings no longer read, and that no user has accepted yet."""
    return list(conn.execute(_DISPUTED, {"source": source, "stream": stream}).scalars())


_THEIR_ADDRESSES = text("""
SELECT DISTINCT address FROM ops.consent_event
WHERE address <> '' AND (id = ANY(:ids) OR origin_id = ANY(:ids))
""")


def would_lift(conn: Connection, event_ids: Collection[int]) -> list[Lifted]:
    """Return addresses that would have no no left without these events and those passed on from them."""
    gone = set(event_ids)
    addresses = set(conn.execute(_THEIR_ADDRESSES, {"ids": list(gone)}).scalars())
    about = consent_events.events_about(conn, addresses)
    left = [e for e in about if e.id not in gone and e.origin_id not in gone]
    before, after = consent_events.judged(about), consent_events.judged(left)
    records: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for e in about:
        key = e.channel, e.purpose
        is_gone = e.id in gone or e.origin_id in gone
        was_no = before[e.address].get(key, ConsentState.UNKNOWN).is_no
        if is_gone and was_no and not state_of(after.get(e.address, {}), *key).is_no:
            records[e.address, *key].add(e.record or e.source)
    return [Lifted(*key, tuple(sorted(said))) for key, said in sorted(records.items())]


_NOES_OF = text("""
SELECT e.id, e.raw_id, e.source_id, e.address, e.channel, e.purpose, e.state
FROM ops.consent_event e WHERE e.source = :source AND e.stream = :stream
  AND e.origin_id IS NULL AND e.accepted_by IS NULL AND e.state = ANY(:noes) AND e.raw_id > :after
ORDER BY e.raw_id LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class StoredNo:
    """A no that was derived from a raw version."""

    id: int
    raw_id: int
    source_id: str
    address: str
    channel: str
    purpose: str
    state: str


def noes_of(
    conn: Connection, source: str, stream: str, *, after: int, limit: int
) -> list[StoredNo]:
    """Return the noes of a stream's versions, by version."""
    rows = conn.execute(
        _NOES_OF,
        {"source": source, "stream": stream, "after": after, "limit": limit, "noes": list(NOES)},
    )
    return [StoredNo(*row) for row in rows]
