"""Queue raw rows for another mapping: the rows of quarantined records, or of a whole stream.

The caller owns the transaction and the batch. Not here: the mapping, and the order of the stages.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.landing.store import PendingRaw, payload_bytes
from hub.model.records import RawRecord
from hub.model.verdicts import Op


@dataclass(frozen=True, slots=True)
class Refused:
    """One quarantine row with its raw record as received."""

    id: int
    source: str
    stream: str
    source_id: str
    field: str
    value: str
    reason: str
    severity: str
    mapping_version: str
    batch_id: int
    raw_id: int | None
    created_at: datetime
    resolved_at: datetime | None
    payload: bytes | None


_REFUSED = text("""
SELECT q.id, q.source, q.stream, q.source_id, q.field, q.value, q.reason, q.severity,
       q.mapping_version, q.batch_id, q.raw_id, q.created_at, q.resolved_at,
       r.payload::text AS payload, r.body
FROM landing.quarantine q LEFT JOIN landing.raw r ON r.id = q.raw_id
WHERE q.id = :id
""")


def refused(conn: Connection, quarantine_id: int) -> Refused | None:
    """Return the quarantine row with this id, or None."""
    row = conn.execute(_REFUSED, {"id": quarantine_id}).first()
    if row is None:
        return None
    known = dict(zip([f.name for f in fields(Refused)][:-1], row, strict=False))
    return Refused(**known, payload=None if row.raw_id is None else payload_bytes(row))


_OPEN = text("""
SELECT DISTINCT q.source, q.stream, q.source_id FROM landing.quarantine q
JOIN landing.head h USING (source, stream, source_id)
WHERE (CAST(:ids AS bigint[]) IS NULL OR q.id = ANY(:ids))
  AND (CAST(:source AS text) IS NULL OR q.source = :source)
  AND q.resolved_at IS NULL
ORDER BY q.source, q.stream, q.source_id
""")


def open_objects(
    conn: Connection, ids: Sequence[int] | None, source: str | None
) -> dict[tuple[str, str], list[str]]:
    """Return the ids of objects with open quarantine rows, by (source, stream)."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in conn.execute(_OPEN, {"ids": None if ids is None else list(ids), "source": source}):
        found.setdefault((row.source, row.stream), []).append(row.source_id)
    return found


_NEWEST = text("""
SELECT r.id, r.source, r.stream, r.batch_id, r.source_id, r.op, r.at, r.version,
       r.payload::text AS payload, r.body, r.into_id
FROM landing.head h JOIN landing.raw r ON r.id = h.raw_id
WHERE h.source = :source AND h.stream = :stream AND h.op = 'upsert' AND h.source_id > :after
ORDER BY h.source_id LIMIT :limit
""")


def newest(
    conn: Connection, source: str, stream: str, *, after: str, limit: int
) -> list[PendingRaw]:
    """Return the newest raw rows of a stream's objects that are not deleted.

    Args:
        conn: an open connection.
        source: vendor name.
        stream: stream name.
        after: return objects with a source id greater than this one, in order of the id.
        limit: the largest number.
    """
    rows = conn.execute(
        _NEWEST, {"source": source, "stream": stream, "after": after, "limit": limit}
    )
    return [_pending(row) for row in rows]


def _pending(row: Any) -> PendingRaw:
    record = RawRecord(
        row.source_id, Op(row.op), row.at, row.version, payload_bytes(row), row.into_id
    )
    return PendingRaw(row.id, row.source, row.stream, "bulk", row.batch_id, record, is_first=False)


_VERSIONS = text("""
SELECT r.id, r.source, r.stream, r.batch_id, r.source_id, r.op, r.at, r.version,
       r.payload::text AS payload, r.body, r.into_id
FROM landing.raw r WHERE r.id = ANY(:ids) AND r.op = 'upsert' ORDER BY r.id
""")


def versions(conn: Connection, raw_ids: Sequence[int]) -> list[PendingRaw]:
    """Return raw versions, the oldest first."""
    return [_pending(row) for row in conn.execute(_VERSIONS, {"ids": list(raw_ids)})]


def unknown_ids(conn: Connection, ids: Sequence[int]) -> list[int]:
    """Return the ids for which there is no quarantine row."""
    known = conn.execute(
        text("SELECT id FROM landing.quarantine WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )
    return sorted(set(ids) - {row.id for row in known})


# An object comes at its newest raw row within the span, so that each comes once.
_NEXT = text("""
SELECT r.id, r.source_id FROM landing.raw r
WHERE r.source = :source AND r.stream = :stream AND r.id > :after AND r.id <= :until
  AND NOT EXISTS (
    SELECT 1 FROM landing.raw n WHERE n.source = r.source AND n.stream = r.stream
      AND n.source_id = r.source_id AND n.id > r.id AND n.id <= :until)
ORDER BY r.id LIMIT :limit
""")


def next_objects(
    conn: Connection, source: str, stream: str, *, after: int, until: int, limit: int
) -> tuple[list[str], int]:
    """Return the next objects of a stream that landed within a span of raw rows.

    Args:
        conn: an open connection.
        source: vendor name.
        stream: stream name.
        after: raw rows with a greater id.
        until: raw rows up to this id.
        limit: at most so many objects.

    Returns:
        Their source ids, and the raw row up to which they were looked for.
    """
    rows = conn.execute(
        _NEXT,
        {"source": source, "stream": stream, "after": after, "until": until, "limit": limit},
    ).all()
    return [row.source_id for row in rows], rows[-1].id if rows else until


# Verdicts belong to the living objects; the older versions are read for their consents, and for an
# undo that would restore them.
_QUEUE = text("""
WITH wanted AS (
  SELECT r.id AS raw_id, r.source_id, r.at, b.lane,
         h.raw_id IS NOT DISTINCT FROM r.id AND h.op = 'upsert' AS is_newest
  FROM landing.raw r
  LEFT JOIN landing.head h USING (source, stream, source_id)
  LEFT JOIN ops.batch b ON b.id = r.batch_id
  WHERE r.source = :source AND r.stream = :stream AND r.op = 'upsert'
    AND (CAST(:ids AS text[]) IS NULL OR r.source_id = ANY(:ids))
    AND (:older OR h.raw_id = r.id)
), queued AS (
  INSERT INTO ops.pending (stage, ref, lane, batch_id)
  SELECT 'normalize', raw_id, coalesce(CAST(:lane AS text), lane, 'bulk'), :batch FROM wanted
  ON CONFLICT (stage, ref) DO NOTHING
  RETURNING ref
), noted AS (
  INSERT INTO ops.verdict (batch_id, source, stream, source_id, is_live, at)
  SELECT :batch, :source, :stream, w.source_id, true, w.at
  FROM wanted w JOIN queued q ON q.ref = w.raw_id WHERE w.is_newest
  ON CONFLICT (batch_id, source, stream, source_id) DO UPDATE SET verdict = NULL
)
SELECT count(*) FROM wanted w JOIN queued q ON q.ref = w.raw_id WHERE w.is_newest
""")


def queue_newest(
    conn: Connection,
    *,
    batch: int,
    source: str,
    stream: str,
    ids: Sequence[str] | None = None,
    lane: str | None = None,
    older: bool = False,
) -> int:
    """Queue the newest raw row of each object; return how many living objects were queued.

    Args:
        conn: an open transaction.
        batch: id of the batch whose ledger accounts for them.
        source: vendor name.
        stream: stream name.
        ids: source ids of the objects; None queues all objects of the stream.
        lane: bulk or live; None keeps the lane of each row's own batch.
        older: also queue the older versions, those of deleted objects and of undone batches: what
            their consent events count.
    """
    return int(
        conn.execute(
            _QUEUE,
            {"batch": batch, "source": source, "stream": stream, "lane": lane, "older": older,
             "ids": None if ids is None else list(ids)},
        ).scalar_one()
    )  # fmt: skip


queue_all = partial(queue_newest, older=True)
"""Queue every raw version of each object."""
