"""Which version of an object has landed last. Reads only; `hub.landing.store` writes."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from hub.model.records import RawRecord

_VERSIONS = text("""
SELECT h.source_id, r.version FROM landing.head h JOIN landing.raw r ON r.id = h.raw_id
WHERE h.source = :source AND h.stream = :stream AND h.source_id = ANY(CAST(:ids AS text[]))
""")


def read_versions(conn: Connection, source: str, stream: str, ids: Sequence[str]) -> dict[str, str]:
    """Return the version of each of these objects that landed last; objects that never did are left out."""
    rows = conn.execute(_VERSIONS, {"source": source, "stream": stream, "ids": [*ids]})
    return {row.source_id: row.version for row in rows}


_NEWER = text("""
SELECT h.source_id FROM landing.head h JOIN landing.raw r ON r.id = h.raw_id
JOIN unnest(CAST(:ids AS text[]), CAST(:ats AS timestamptz[])) AS p(source_id, at)
  ON p.source_id = h.source_id
WHERE h.source = :source AND h.stream = :stream
  AND (r.at > p.at OR (:same AND r.at = p.at))
""")


def newer_ids(
    conn: Connection,
    source: str,
    stream: str,
    records: Sequence[RawRecord],
    *,
    or_same: bool = False,
) -> frozenset[str]:
    """Return the ids of those objects that have landed in a later version than these records.

    Args:
        conn: an open transaction.
        source: vendor name.
        stream: stream name.
        records: each with the time of its version.
        or_same: also those that have landed in a version of the same time.
    """
    arrays = {
        "ids": [r.source_id for r in records],
        "ats": [r.at for r in records],
        "same": or_same,
    }
    return frozenset(conn.execute(_NEWER, {"source": source, "stream": stream, **arrays}).scalars())
