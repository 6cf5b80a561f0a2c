"""Corrections: values that a user set in place of a raw record's own, with user and time.

A correction applies to one object and one content of it, by content hash. It applies again each
time this content is mapped or delivered; it does not apply to a newer content. The raw row itself
does not change. The caller owns the transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from hub.model.records import JsonValue


@dataclass(frozen=True, slots=True)
class Correction:
    """One corrected value, at its path in the raw record."""

    field: str
    path: str
    value: JsonValue
    who: str
    at: datetime


_ADD = text("""
INSERT INTO landing.correction
  (source, stream, source_id, hash, quarantine_id, field, path, value, who)
SELECT r.source, r.stream, r.source_id, r.hash, :quarantine, :field, :path,
       CAST(:value AS jsonb), :who
FROM landing.raw r JOIN landing.head h
  ON h.source = r.source AND h.stream = r.stream AND h.source_id = r.source_id
WHERE r.id = :raw AND h.raw_id = r.id AND h.op = 'upsert'
""")


def add(
    conn: Connection,
    raw_id: int,
    *,
    quarantine_id: int,
    field: str,
    path: str,
    value_json: str,
    who: str,
) -> bool:
    """Store a correction of a raw row; return False if the object has a newer raw row."""
    done = conn.execute(
        _ADD,
        {"raw": raw_id, "quarantine": quarantine_id, "field": field, "path": path,
         "value": value_json, "who": who},
    )  # fmt: skip
    return done.rowcount == 1


_HELD = text("""
SELECT r.id AS raw_id, c.field, c.path, c.value, c.who, c.at
FROM (
  SELECT * FROM landing.correction WHERE source = :source AND stream = :stream
    AND source_id = ANY(CAST(:ids AS text[])) OFFSET 0) c
JOIN landing.raw r
  ON r.source = c.source AND r.stream = c.stream AND r.source_id = c.source_id AND r.hash = c.hash
WHERE r.id = ANY(CAST(:raws AS bigint[]))
ORDER BY c.id
""")


def of_rows(
    conn: Connection, source: str, stream: str, rows: Mapping[int, str]
) -> dict[int, Sequence[Correction]]:
    """Return the corrections that apply to raw rows, oldest first.

    Args:
        conn: an open connection.
        source: vendor name.
        stream: stream name.
        rows: source ids by the id of the raw row.
    """
    found: dict[int, list[Correction]] = {}
    for row in conn.execute(
        _HELD,
        {"source": source, "stream": stream, "ids": list(rows.values()), "raws": list(rows)},
    ):
        held = Correction(row.field, row.path, row.value, row.who, row.at)
        found.setdefault(row.raw_id, []).append(held)
    return dict(found)
