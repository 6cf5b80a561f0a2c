"""The request by which a version came, if a source sent it by itself. Owns `landing.arrival`.

It is what joins an e-mail to the request that caused it, in logs and in figures. Not here: the inbox, whose rows
are deleted once they are landed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request: the id that names it in every log, and when it was received."""

    correlation_id: str
    received_at: datetime


_ADD = text("""
INSERT INTO landing.arrival (raw_id, correlation_id, received_at)
SELECT h.raw_id, a.correlation_id, a.received_at
FROM unnest(CAST(:ids AS text[]), CAST(:correlations AS text[]), CAST(:moments AS timestamptz[]))
  AS a(source_id, correlation_id, received_at)
JOIN landing.head h ON h.source = :source AND h.stream = :stream AND h.source_id = a.source_id
ON CONFLICT (raw_id) DO NOTHING
""")


def add(conn: Connection, source: str, stream: str, by_object: Mapping[str, Arrival]) -> None:
    """Note by which requests the newest versions of objects came; a version that is known keeps its first one."""
    if by_object:
        args = {
            "source": source, "stream": stream, "ids": list(by_object),
            "correlations": [one.correlation_id for one in by_object.values()],
            "moments": [one.received_at for one in by_object.values()],
        }  # fmt: skip
        conn.execute(_ADD, args)


_OF = text("""
SELECT k.name, a.correlation_id, a.received_at
FROM unnest(CAST(:names AS text[]), CAST(:sources AS text[]), CAST(:streams AS text[]),
  CAST(:ids AS text[])) AS k(name, source, stream, source_id)
JOIN landing.head h ON h.source = k.source AND h.stream = k.stream AND h.source_id = k.source_id
JOIN landing.arrival a ON a.raw_id = h.raw_id
""")


def of_records(conn: Connection, names: Iterable[str]) -> dict[str, Arrival]:
    """Return by which requests the newest versions of records came; records that a poll brought are left out.

    Args:
        conn: a connection.
        names: of records: source/stream/id.
    """
    parts: Sequence[tuple[str, ...]] = [
        split
        for name in sorted(set(names))
        if len(split := tuple(name.split("/", 2))) == 3  # noqa: PLR2004
    ]
    if not parts:
        return {}
    sources, streams, ids = zip(*parts, strict=True)
    args = {
        "names": ["/".join(one) for one in parts], "sources": [*sources], "streams": [*streams],
        "ids": [*ids],
    }  # fmt: skip
    return {
        row.name: Arrival(row.correlation_id, row.received_at) for row in conn.execute(_OF, args)
    }


_DELETE = text("""
DELETE FROM landing.arrival WHERE raw_id = ANY(ARRAY(
  SELECT raw_id FROM landing.arrival WHERE received_at < :before ORDER BY raw_id LIMIT :most))
""")


def delete_old(conn: Connection, *, before: datetime, most: int) -> int:
    """Forget requests before a moment, some at a time; returns how many. Their notices keep what they need."""
    return conn.execute(_DELETE, {"before": before, "most": most}).rowcount
