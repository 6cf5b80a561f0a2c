"""The inbox: what sources send by themselves, until a worker lands it. Owns `landing.inbox`.

The gateway puts events here, and acknowledges a request after the commit. A worker takes rows with
SKIP LOCKED, lands their records, and deletes the rows in the same transaction. So a crash at any
moment loses nothing and lands nothing twice. `landing.seen_delivery` keeps a digest of each event's
key for some weeks: an event that comes again inside this time is no new row. Not here: what an event
means (`hub.connectors`), and how it is landed.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from hub.frozen import dataclass

CHANNEL = "hub_inbox"
"""The channel on which PostgreSQL tells the workers that there are new rows."""
KEPT = timedelta(days=30)
"""For how long an event is known again."""
DOORS = ("hook", "form", "lead")
"""How an event came: by a vendor's webhook, by the web form, by the lead endpoint."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One event, as the gateway puts it.

    Args:
        source: name of the source, of the form or of the endpoint.
        door: one of `DOORS`.
        kind: the source's word for the event, such as `contact.creation`.
        stream: stream of the record.
        source_id: the record's id at the source.
        key: what makes the event unique within its source; only its digest is stored.
        at: the source's time of the event; None if the source gives none.
        body: the record to land, or the event of a hint.
        version: of the record, as the source marks it; "" of a hint.
        is_record: whether the body is the record. If not, the worker reads the record from the source.
        correlation_id: names the request in every log, from here to the e-mail.
    """

    source: str
    door: str
    kind: str
    stream: str
    source_id: str
    key: str
    at: datetime | None
    body: bytes
    version: str
    is_record: bool
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event, as a worker takes it; `attempts` is how often its landing has failed."""

    id: int
    received_at: datetime
    source: str
    door: str
    kind: str
    stream: str
    source_id: str
    at: datetime | None
    body: bytes
    version: str
    is_record: bool
    correlation_id: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is in the inbox.

    Args:
        waiting: rows that a worker will take, those of a later attempt included.
        dead: rows that no worker tries again.
        oldest_at: when the oldest waiting row was received; None where none waits.
    """

    waiting: int
    dead: int
    oldest_at: datetime | None


_PUT = text("""
WITH given AS (
  SELECT * FROM unnest(
    CAST(:sources AS text[]), CAST(:doors AS text[]), CAST(:kinds AS text[]), CAST(:streams AS text[]),
    CAST(:source_ids AS text[]), CAST(:hashes AS bytea[]), CAST(:ats AS timestamptz[]),
    CAST(:bodies AS bytea[]), CAST(:versions AS text[]), CAST(:records AS boolean[]),
    CAST(:correlations AS text[])
  ) WITH ORDINALITY
    AS g(source, door, kind, stream, source_id, hash, at, body, version, is_record, correlation_id, n)
), new AS (
  INSERT INTO landing.seen_delivery (source, hash)
  SELECT source, hash FROM given ORDER BY source, hash
  ON CONFLICT DO NOTHING RETURNING source, hash
), told AS (
  INSERT INTO landing.inbox
    (source, door, kind, stream, source_id, hash, at, body, version, is_record,
     correlation_id)
  SELECT source, door, kind, stream, source_id, hash, at, body, version, is_record, correlation_id
  FROM given JOIN new USING (source, hash) ORDER BY n
)
SELECT source, hash FROM new
""")
_NOTIFY = text("SELECT pg_notify(:channel, '')")


def put(conn: Connection, events: Sequence[Delivered]) -> list[bool]:
    """Store events, and wake the workers at the commit; returns which of the events are new.

    An event that was stored before, or twice in this call, is not new and leaves no row.
    """
    hashes = [_digest(one.key) for one in events]
    first: dict[tuple[str, bytes], int] = {}
    for n, (one, digest) in enumerate(zip(events, hashes, strict=True)):
        first.setdefault((one.source, digest), n)
    if not first:
        return []
    rows = [(events[n], digest) for (_, digest), n in first.items()]
    args = {
        "sources": [one.source for one, _ in rows],
        "doors": [one.door for one, _ in rows],
        "kinds": [_storable(one.kind) for one, _ in rows],
        "streams": [one.stream for one, _ in rows],
        "source_ids": [_storable(one.source_id) for one, _ in rows],
        "hashes": [digest for _, digest in rows],
        "ats": [one.at for one, _ in rows],
        "bodies": [one.body for one, _ in rows],
        "versions": [_storable(one.version) for one, _ in rows],
        "records": [one.is_record for one, _ in rows],
        "correlations": [one.correlation_id for one, _ in rows],
    }
    new = {first[row.source, bytes(row.hash)] for row in conn.execute(_PUT, args)}
    if new:
        conn.execute(_NOTIFY, {"channel": CHANNEL})
    return [n in new for n in range(len(events))]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _storable(said: str) -> str:
    """Return a text of a source without the characters that PostgreSQL refuses."""
    return said.encode("utf-8", "replace").decode().replace("\0", "")


@dataclass(frozen=True, slots=True)
class Door:
    """What one worker's thread takes.

    Args:
        source: rows of this source; None for all sources.
        is_record: rows that have the record, or hints.
    """

    source: str | None
    is_record: bool


_DUE = text("""
SELECT DISTINCT source, is_record FROM landing.inbox WHERE dead_at IS NULL AND next_at <= now()
""")


def due(conn: Connection) -> list[Door]:
    """Return what is due: the records of all sources together, the hints of each source apart."""
    rows = conn.execute(_DUE).all()
    return list({Door(None if row.is_record else row.source, row.is_record): None for row in rows})


_TAKE = text("""
SELECT id, received_at, source, door, kind, stream, source_id, at, body, version, is_record,
  correlation_id, attempts
FROM landing.inbox WHERE dead_at IS NULL AND next_at <= now()
  AND (CAST(:source AS text) IS NULL OR source = :source)
  AND (CAST(:is_record AS boolean) IS NULL OR is_record = :is_record)
  AND (CAST(:only AS bigint[]) IS NULL OR id = ANY(CAST(:only AS bigint[])))
ORDER BY next_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
""")


def take(
    conn: Connection, limit: int, door: Door | None = None, *, only: Sequence[int] | None = None
) -> list[Waiting]:
    """Lock the rows that are due, oldest first; rows that another worker holds are skipped.

    They stay in the inbox until `settle`, which belongs to the same transaction.

    Args:
        conn: an open transaction.
        limit: rows at most.
        door: only these; None for all.
        only: only rows with these ids, if given.
    """
    args = {
        "limit": limit,
        "source": door.source if door else None,
        "is_record": door.is_record if door else None,
        "only": None if only is None else list(only),
    }
    return [Waiting(*row) for row in conn.execute(_TAKE, args)]


def settle(conn: Connection, ids: Sequence[int]) -> None:
    """Delete rows that have been landed."""
    conn.execute(text("DELETE FROM landing.inbox WHERE id = ANY(:ids)"), {"ids": list(ids)})


_FAIL = text("""
UPDATE landing.inbox SET attempts = attempts + 1, last_error = :error,
  next_at = coalesce(CAST(:next_at AS timestamptz), next_at),
  dead_at = CASE WHEN CAST(:next_at AS timestamptz) IS NULL THEN now() END
WHERE id = :id
""")


def fail(conn: Connection, inbox_id: int, error: str, next_at: datetime | None) -> None:
    """Say that a row could not be landed.

    Args:
        conn: an open transaction.
        inbox_id: the row.
        error: why, without any value of a record.
        next_at: when to try again; None: never, until a user asks for it (`revive`).
    """
    conn.execute(_FAIL, {"id": inbox_id, "error": error, "next_at": next_at})


_REVIVE = text("""
UPDATE landing.inbox SET dead_at = NULL, next_at = now(), attempts = 0 WHERE dead_at IS NOT NULL
""")


def revive(conn: Connection) -> int:
    """Let the workers try the dead rows again; returns how many."""
    n = conn.execute(_REVIVE).rowcount
    if n:
        conn.execute(_NOTIFY, {"channel": CHANNEL})
    return n


_DEPTH = text("""
SELECT count(*) FILTER (WHERE dead_at IS NULL), count(*) FILTER (WHERE dead_at IS NOT NULL),
  min(received_at) FILTER (WHERE dead_at IS NULL)
FROM landing.inbox
""")


def depth(conn: Connection) -> Depth:
    """Return how much is in the inbox."""
    return Depth(*conn.execute(_DEPTH).one())


def dead_sources(conn: Connection) -> frozenset[str]:
    """Return the sources of dead rows."""
    found = text("SELECT DISTINCT source FROM landing.inbox WHERE dead_at IS NOT NULL")
    return frozenset(conn.execute(found).scalars())


_DELETE_SEEN = text("""
DELETE FROM landing.seen_delivery WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM landing.seen_delivery WHERE at < :before LIMIT :most))
""")


def delete_seen(conn: Connection, *, before: datetime, most: int) -> int:
    """Forget events that came before a moment, some at a time; returns how many."""
    return conn.execute(_DELETE_SEEN, {"before": before, "most": most}).rowcount
