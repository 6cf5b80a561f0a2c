"""Records that leave their entities: the records that stay, and data to delete."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from hub.records import edges, entities, match_keys, queue, reviews


def co_members(conn: Connection, record_ids: Sequence[int], target: str) -> dict[int, int]:
    """Return every record of a target that shares an entity with one of these: record → entity."""
    rows = conn.execute(
        text(
            "SELECT DISTINCT o.id, o.entity_id FROM ops.source_record s "
            "JOIN ops.source_record o USING (entity_id) "
            "WHERE s.id = ANY(:ids) AND s.target = :target AND o.target = :target"
        ),
        {"ids": list(record_ids), "target": target},
    )
    return {row.id: row.entity_id for row in rows}


def move_anchors(conn: Connection, leaving: Sequence[int], left: Mapping[int, int]) -> None:
    """Move the anchor of entities from a leaving record to the oldest record that stays.

    Args:
        conn: an open transaction.
        leaving: records.
        left: records that stay: record → entity.
    """
    oldest: dict[int, int] = {}
    for record, entity in left.items():
        oldest[entity] = min(record, oldest.get(entity, record))
    entities.move_anchors(conn, leaving, oldest)


def forget_keys(conn: Connection, leaving: Mapping[int, Sequence[int]]) -> None:
    """Delete the keys of leaving records: record → hashes. Call under the lock of their kind.

    The rows of the records lose the hashes when they are taken out (`sources.take_out`).
    """
    match_keys.replace(conn, leaving, {})


def forget_links(conn: Connection, leaving: Sequence[int], changed: Sequence[int] = ()) -> None:
    """Delete the model's edges of leaving records, and vendors' edges of all these records.

    Decisions of users stay: they count again when the record comes back.

    Args:
        conn: an open transaction, under the identity lock.
        leaving: records that are taken out.
        changed: records that stay, with other values.
    """
    edges.forget(conn, leaving, changed)
    reviews.forget(conn, leaving)
    queue.finish(conn, queue.MATCH, leaving)
