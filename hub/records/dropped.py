"""Records that the present mapping gives from no version: find them, and take them out."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from hub.records import departing, identity, sources

# All versions were mapped again, and none has given the record. The only record of an entity stays:
# what becomes of its rows is decided by the fold.
_FOUND = text("""
SELECT s.id FROM ops.source_record s
WHERE s.source = :source AND s.stream = :stream AND s.target = 'person'
  AND s.mapping_version <> :version AND s.withdrawn_by IS NULL
  AND s.gone_why IN ('excluded', 'rejected', 'unsaid')
  AND NOT EXISTS (SELECT 1 FROM ops.record_version v WHERE v.record_id = s.id
                  AND v.mapping_version = :version AND v.withdrawn_by IS NULL)
  AND EXISTS (SELECT 1 FROM ops.source_record o WHERE o.entity_id = s.entity_id
              AND o.target = 'person' AND (o.gone_at IS NULL OR o.mapping_version = 'by hand'))
ORDER BY s.id LIMIT :limit
""")


def records(conn: Connection, source: str, stream: str, version: str, limit: int) -> list[int]:
    """Return records of people that the mapping of this version gives from no version."""
    values = {"source": source, "stream": stream, "version": version, "limit": limit}
    return list(conn.execute(_FOUND, values).scalars())


def take_out(conn: Connection, ids: Sequence[int], batch_id: int) -> list[int]:
    """Take records out of their entities, which stay; returns the other records of these.

    Call under the identity lock. Decisions of users stay, and count again if a record comes back.
    """
    others = departing.co_members(conn, ids, "person")
    for record in ids:
        others.pop(record, None)
    departing.move_anchors(conn, ids, others)
    departing.forget_keys(conn, identity.keys_of(conn, ids))
    sources.take_out(conn, ids, batch_id)
    departing.forget_links(conn, ids)
    return sorted(others)
