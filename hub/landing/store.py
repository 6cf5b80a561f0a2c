"""The queries of the raw store: land a page, read cursors, write quarantine.

The caller owns the transaction, so a page and its cursor are stored together or not at all.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from hub.db.copy import copy_rows
from hub.frozen import dataclass
from hub.landing.tables import checkpoint
from hub.model.records import NO_ID_PREFIX, JsonValue, RawRecord
from hub.model.verdicts import Op, Verdict


@dataclass(frozen=True, slots=True)
class Landed:
    """How many records of a page changed, and how many were stored before with the same content."""

    changed: int
    unchanged: int


def content_hash(record: RawRecord, volatile: frozenset[str]) -> bytes:
    """Return a digest of 16 bytes; an unchanged record has the same one again.

    The digest covers the payload without its volatile keys, the operation and the merge's survivor.
    """
    body = record.payload
    content = _parsed(body) if volatile else None
    if isinstance(content, dict):
        body = json.dumps(
            {k: v for k, v in content.items() if k not in volatile}, sort_keys=True
        ).encode()
    return blake2b(
        body + record.op.encode() + (record.into or "").encode(), digest_size=16
    ).digest()


def read_cursor(
    conn: Connection, source: str, stream: str, slice_: str = ""
) -> Mapping[str, JsonValue] | None:
    """Return the stored cursor of a stream, None if there is none.

    Args:
        conn: a connection.
        source: vendor name.
        stream: stream name.
        slice_: "" for the cursor itself; another name for other state of the stream's checkpoint.
    """
    return conn.execute(
        select(checkpoint.c.cursor).where(
            checkpoint.c.source == source,
            checkpoint.c.stream == stream,
            checkpoint.c.slice == slice_,
        )
    ).scalar()


def read_cursors(conn: Connection, source: str) -> dict[str, Mapping[str, JsonValue]]:
    """Return the stored cursors of a source, by the name of the stream."""
    rows = conn.execute(
        select(checkpoint.c.stream, checkpoint.c.cursor).where(
            checkpoint.c.source == source, checkpoint.c.slice == ""
        )
    )
    return {row.stream: row.cursor for row in rows}


def enter_known(
    conn: Connection, records: Sequence[RawRecord], *, batch: int, source: str, stream: str
) -> None:
    """Enter records in the ledger as `unchanged`: their objects have landed in a later version."""
    arrays = {
        "ids": [one.source_id for one in records],
        "live": [one.op is Op.UPSERT for one in records],
        "ats": [one.at for one in records],
        "verdicts": [Verdict.UNCHANGED.value] * len(records),
    }
    if records:
        conn.execute(_LEDGER, {"batch": batch, "source": source, "stream": stream, **arrays})


def write_cursor(
    conn: Connection, source: str, stream: str, cursor: Mapping[str, JsonValue], slice_: str = ""
) -> None:
    """Store the stream's cursor; call this in the transaction that lands its page."""
    statement = insert(checkpoint).values(source=source, stream=stream, slice=slice_, cursor=cursor)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "stream", "slice"],
            set_={"cursor": statement.excluded.cursor, "updated_at": func.now()},
        )
    )


def drop_cursors(conn: Connection, source: str) -> None:
    """Delete the cursors of all streams of the source, also of streams that cannot be read now."""
    conn.execute(delete(checkpoint).where(checkpoint.c.source == source))


def drop_cursor(conn: Connection, source: str, stream: str) -> None:
    """Delete the stream's cursor, so that the next read starts from the beginning."""
    conn.execute(
        delete(checkpoint).where(checkpoint.c.source == source, checkpoint.c.stream == stream)
    )


# The records whose content differs from the newest one that is stored, each with the number of its raw
# row. OFFSET 0 makes PostgreSQL probe the index for each record: during a first load the table's
# statistics are older than its rows, and the planner would read the whole table for each page.
_CHANGED = text("""
SELECT ord - 1 AS n, nextval('landing.raw_id_seq') AS raw_id FROM (
  SELECT p.ord
  FROM unnest(CAST(:ids AS text[]), CAST(:hashes AS bytea[])) WITH ORDINALITY AS p(source_id, hash, ord)
  LEFT JOIN LATERAL (
    SELECT hash FROM landing.head h
    WHERE h.source = :source AND h.stream = :stream AND h.source_id = p.source_id OFFSET 0
  ) h ON true
  WHERE h.hash IS DISTINCT FROM p.hash ORDER BY p.ord OFFSET 0
) c
""")
_POINT = text("""
WITH landed AS (
  SELECT * FROM unnest(CAST(:raws AS bigint[]), CAST(:ids AS text[]), CAST(:hashes AS bytea[]),
    CAST(:ops AS text[])) AS l(id, source_id, hash, op)
), queued AS (
  INSERT INTO ops.pending (stage, ref, lane, batch_id)
  SELECT 'normalize', id, :lane, :batch FROM landed WHERE :mapped
)
INSERT INTO landing.head AS h (source, stream, source_id, raw_id, hash, op)
SELECT :source, :stream, source_id, id, hash, op FROM landed
ON CONFLICT (source, stream, source_id)
DO UPDATE SET raw_id = excluded.raw_id, hash = excluded.hash, op = excluded.op
WHERE h.raw_id < excluded.raw_id
""")
_LEDGER = text("""
INSERT INTO ops.verdict (batch_id, source, stream, source_id, is_live, at, verdict)
SELECT :batch, :source, :stream, source_id, is_live, at, verdict
FROM unnest(CAST(:ids AS text[]), CAST(:live AS boolean[]), CAST(:ats AS timestamptz[]),
  CAST(:verdicts AS text[])) AS p(source_id, is_live, at, verdict)
ON CONFLICT (batch_id, source, stream, source_id) DO UPDATE
  SET is_live = excluded.is_live, at = excluded.at,
      verdict = CASE WHEN excluded.verdict IS NULL THEN NULL ELSE verdict.verdict END
""")


def land_page(
    conn: Connection,
    records: Sequence[RawRecord],
    *,
    batch: int,
    source: str,
    stream: str,
    lane: str,
    mapped: bool,
    volatile: frozenset[str] = frozenset(),
) -> Landed:
    """Store the changed records, queue them for mapping, and enter each record in the ledger.

    Args:
        conn: an open transaction; also write the cursor in it.
        records: one page; of two records with the same source id, the later one is stored.
        batch: id of the batch the ledger belongs to.
        source: vendor name.
        stream: stream name.
        lane: bulk or live.
        mapped: whether the stream has a mapping (context streams are stored, not queued).
        volatile: payload keys left out of the content hash.
    """
    if not records:
        return Landed(0, 0)
    page = _page(records, volatile)
    scope = {"source": source, "stream": stream, "batch": batch, "lane": lane, "mapped": mapped}
    hashes = {
        "ids": [one.source_id for one in page],
        "hashes": [one.digest for one in page],
    }
    raw_ids = {row.n: row.raw_id for row in conn.execute(_CHANGED, scope | hashes)}
    if raw_ids:
        _append(conn, {raw_id: page[n] for n, raw_id in raw_ids.items()}, scope)
    if mapped:
        _enter(conn, page, raw_ids.keys(), scope)
    return Landed(len(raw_ids), len(page) - len(raw_ids))


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A record of a page, with the id that it is stored under and its content hash."""

    source_id: str
    digest: bytes
    record: RawRecord


def _page(records: Sequence[RawRecord], volatile: frozenset[str]) -> list[_Incoming]:
    """Return the last record of each object on a page, in the page's order."""
    last: dict[str, _Incoming] = {}
    for record in records:
        digest = content_hash(record, volatile)
        # the ledger must account for a record without an id too, so its digest serves as its id
        source_id = _usable_id(record.source_id) or f"{NO_ID_PREFIX}{digest.hex()}"
        last.pop(source_id, None)
        last[source_id] = _Incoming(source_id, digest, record)
    return list(last.values())


_RAW_COLUMNS = (
    "id", "batch_id", "source", "stream", "source_id", "op", "at", "version", "hash", "payload",
    "body", "into_id",
)  # fmt: skip


def _append(conn: Connection, landed: Mapping[int, _Incoming], scope: Mapping[str, object]) -> None:
    """Append raw rows, point the heads of their objects to them, and queue them."""
    own = (scope["batch"], scope["source"], scope["stream"])
    rows = [(raw_id, *own, *_content(one)) for raw_id, one in landed.items()]
    copy_rows(conn, "landing.raw", _RAW_COLUMNS, rows)
    arrays = {
        "raws": list(landed),
        "ids": [one.source_id for one in landed.values()],
        "hashes": [one.digest for one in landed.values()],
        "ops": [one.record.op.value for one in landed.values()],
    }
    conn.execute(_POINT, {**scope, **arrays})


def _enter(
    conn: Connection,
    page: Sequence[_Incoming],
    changed: Collection[int],
    scope: Mapping[str, object],
) -> None:
    """Enter a page in the ledger of its batch; unchanged records get their verdict at once."""
    arrays = {
        "ids": [one.source_id for one in page],
        "live": [one.record.op is Op.UPSERT for one in page],
        "ats": [one.record.at for one in page],
        "verdicts": [None if n in changed else Verdict.UNCHANGED.value for n in range(len(page))],
    }
    conn.execute(_LEDGER, {**scope, **arrays})


def _content(one: _Incoming) -> tuple[object, ...]:
    record = one.record
    is_json = _is_json(record.payload)
    return (
        one.source_id,
        record.op.value,
        record.at,
        record.version.encode("utf-8", "replace").decode().replace("\0", "")[:_LONGEST_ID],
        one.digest,
        record.payload.decode("utf-8") if is_json else None,
        None if is_json else record.payload,
        _usable_id(record.into or ""),
    )


_LONGEST_ID = 255  # a key of four columns must fit into a B-tree entry of 2,704 bytes
_NOT_JSON = object()


def _usable_id(name: str) -> str | None:
    """Return the id, None if it is empty, too long or not printable."""
    is_text = name.isprintable() and not name.isspace()
    return name if is_text and 0 < len(name) <= _LONGEST_ID else None


def _is_json(payload: bytes) -> bool:
    """Return whether PostgreSQL accepts the payload as json.

    msgspec is faster and stricter than PostgreSQL. It refuses lone surrogates and huge numbers, which
    PostgreSQL accepts, so a payload that msgspec refuses is parsed again with `json`.
    """
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _parsed(payload) is not _NOT_JSON
    return True


def _parsed(payload: bytes) -> object:
    """Return the parsed payload, `_NOT_JSON` if PostgreSQL would not accept it as json."""
    try:
        return _DECODER.decode(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        return _NOT_JSON


def _refuse(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are not JSON


_DECODER = json.JSONDecoder(parse_constant=_refuse)


@dataclass(frozen=True, slots=True)
class PendingRaw:
    """A raw row that is queued for mapping.

    Args:
        raw_id: the row.
        source: of the row.
        stream: of the row.
        lane: bulk or live.
        batch_id: the batch that wants it mapped.
        record: the record as received.
        is_newest: whether the object has no later version in force.
        is_first: whether the row is mapped for the first time: its own batch queued it.
        is_undone: whether an undo took it back.
    """

    raw_id: int
    source: str
    stream: str
    lane: str
    batch_id: int
    record: RawRecord
    is_newest: bool = True
    is_first: bool = True
    is_undone: bool = False


def payload_bytes(row: Any) -> bytes:
    """Return the payload of a row with `payload` and `body`, byte for byte as the vendor sent it."""
    return bytes_as_sent(row.payload, row.body)


def bytes_as_sent(payload: str | None, body: bytes | None) -> bytes:
    """Return the same by the two columns; one of them is NULL."""
    return payload.encode() if payload is not None else bytes(body or b"")


_STREAMS = text("""
WITH RECURSIVE s AS (
  (SELECT stream FROM landing.head WHERE source = :source ORDER BY stream LIMIT 1)
  UNION ALL
  SELECT (SELECT h.stream FROM landing.head h WHERE h.source = :source AND h.stream > s.stream
          ORDER BY h.stream LIMIT 1)
  FROM s WHERE s.stream IS NOT NULL
) SELECT stream FROM s WHERE stream IS NOT NULL
""")


def landed_streams(conn: Connection, source: str) -> list[str]:
    """Return the names of the source's streams that have at least one landed record."""
    return list(conn.execute(_STREAMS, {"source": source}).scalars())


def newest_raw_id(conn: Connection, source: str, stream: str, source_id: str) -> int:
    """Return the id of a record's newest raw row."""
    found = conn.execute(
        text(
            "SELECT raw_id FROM landing.head "
            "WHERE source = :source AND stream = :stream AND source_id = :id"
        ),
        {"source": source, "stream": stream, "id": source_id},
    )
    return int(found.scalar_one())


def context_payloads(
    conn: Connection, source: str, stream: str, ids: Sequence[str] | None = None
) -> dict[str, bytes]:
    """Return the newest payloads of a context stream by source id; all of them if `ids` is None."""
    rows = conn.execute(
        text(
            "SELECT h.source_id, r.payload::text AS payload, r.body FROM landing.head h "
            "JOIN landing.raw r ON r.id = h.raw_id "
            "WHERE h.source = :source AND h.stream = :stream AND h.op = 'upsert' "
            "AND (CAST(:ids AS text[]) IS NULL OR h.source_id = ANY(CAST(:ids AS text[])))"
        ),
        {"source": source, "stream": stream, "ids": None if ids is None else list(ids)},
    )
    return {row.source_id: payload_bytes(row) for row in rows}
