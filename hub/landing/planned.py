"""Records that a migration has read and not yet handed to the stages. Owns `landing.planned`.

A migration reads everything first. So a dry run can go over the same records as the real run, and
nothing of an incomplete read reaches the CRM. No other part of the hub reads these rows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from hub.db.copy import copy_rows
from hub.landing.store import bytes_as_sent
from hub.model.records import RawRecord
from hub.model.verdicts import Op

_COLUMNS = (
    "batch_id", "stream", "key", "source_id", "op", "at", "version", "payload", "body", "into_id",
    "is_blocked",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """One stored record of a migration.

    Args:
        id: of the row.
        stream: of the source.
        record: as the vendor sent it; of an erased person without its id and content.
        is_blocked: whether it is an erased person's.
    """

    id: int
    stream: str
    record: RawRecord
    is_blocked: bool = False


def keep(
    conn: Connection,
    records: Sequence[RawRecord],
    *,
    batch_id: int,
    stream: str,
    key: str,
    blocked: Mapping[str, str],
) -> None:
    """Store a page of a range; also store the range's cursor in this transaction.

    Args:
        conn: an open transaction.
        records: the page.
        batch_id: the migration.
        stream: of the source.
        key: of the range.
        blocked: the objects of erased people: id → the name that stands for it.
    """
    scope = (batch_id, stream, key)
    rows = [
        (*scope, r.source_id, r.op.value, r.at, r.version.replace("\0", ""),
         *_payload(r.payload), r.into, False)
        if r.source_id not in blocked
        else (*scope, blocked[r.source_id], r.op.value, r.at, "", None, b"", None, True)
        for r in records
    ]  # fmt: skip
    if rows:
        copy_rows(conn, "landing.planned", _COLUMNS, rows)


def _payload(sent: bytes) -> tuple[str | None, bytes | None]:
    """Return a payload as text, or as bytes if it is no text that PostgreSQL can hold."""
    try:
        decoded = sent.decode("utf-8")
    except UnicodeDecodeError:
        return None, sent
    return (None, sent) if "\0" in decoded else (decoded, None)


_TAKE = text("""
SELECT id, stream, source_id, op, at, version, payload, body, into_id, is_blocked
FROM landing.planned
WHERE batch_id = :batch AND stream = (
  SELECT stream FROM landing.planned WHERE batch_id = :batch ORDER BY id LIMIT 1)
ORDER BY id LIMIT :limit
""")


def next_page(conn: Connection, batch_id: int, limit: int) -> list[Planned]:
    """Return the oldest stored records of a batch, all of one stream; none where nothing is left."""
    return [
        Planned(
            row.id,
            row.stream,
            RawRecord(
                source_id=row.source_id,
                op=Op(row.op),
                at=row.at,
                version=row.version,
                payload=bytes_as_sent(row.payload, row.body),
                into=row.into_id,
            ),
            row.is_blocked,
        )
        for row in conn.execute(_TAKE, {"batch": batch_id, "limit": limit})
    ]


def drop(conn: Connection, ids: Collection[int]) -> None:
    """Delete rows whose records were handed to the stages."""
    conn.execute(text("DELETE FROM landing.planned WHERE id = ANY(:ids)"), {"ids": list(ids)})


def drop_batch(conn: Connection, batch_id: int) -> None:
    """Delete what a batch has read."""
    conn.execute(text("DELETE FROM landing.planned WHERE batch_id = :batch"), {"batch": batch_id})


def drop_range(conn: Connection, batch_id: int, stream: str, key: str) -> None:
    """Delete what a range has read, before it is read again from its beginning."""
    conn.execute(
        text(
            "DELETE FROM landing.planned WHERE batch_id = :batch AND stream = :stream AND key = :key"
        ),
        {"batch": batch_id, "stream": stream, "key": key},
    )


_COUNT = text("""
SELECT count(*) AS objects, count(*) FILTER (WHERE op <> 'upsert') AS gone FROM (
  SELECT DISTINCT ON (source_id) op FROM landing.planned
  WHERE batch_id = :batch AND stream = :stream AND (CAST(:key AS text) IS NULL OR key = :key)
    AND (CAST(:since AS timestamptz) IS NULL OR at IS NULL OR at >= :since)
  ORDER BY source_id, id DESC) last
""")


@dataclass(frozen=True, slots=True)
class Kept:
    """How many distinct objects are stored, and how many of them are gone at their source."""

    objects: int
    gone: int


def count(
    conn: Connection,
    batch_id: int,
    stream: str,
    key: str | None = None,
    since: datetime | None = None,
) -> Kept:
    """Count the distinct objects of a stream of a batch, or of one range.

    Args:
        conn: an open transaction.
        batch_id: the migration.
        stream: of the source.
        key: of the range; None: of all ranges.
        since: leave out objects that were changed before: only a record beside them has changed.
    """
    args = {"batch": batch_id, "stream": stream, "key": key, "since": since}
    return Kept(*conn.execute(_COUNT, args).one())
