"""Support tickets, linked to their requesters, in any order of arrival."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from hub.model.entities import folded_names

FOLDED = folded_names("ticket")
_NAMES = ", ".join(FOLDED)
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in FOLDED)
_UPSERT = text(
    f"INSERT INTO crm.ticket AS t (record_id, source, source_id, requester, {_NAMES}, entity_id) "  # noqa: S608 our own names
    f"SELECT n.record_id, n.source, n.source_id, n.requester, {', '.join(f'n.{x}' for x in FOLDED)}, "
    "  u.entity_id "
    "FROM jsonb_populate_recordset(CAST(NULL AS crm.ticket), CAST(:rows AS jsonb)) n "
    "LEFT JOIN ops.source_record u ON u.source = n.source AND u.stream = :asked_in "
    "  AND u.source_id = n.requester AND u.target = 'person' "
    "ORDER BY n.record_id "
    f"ON CONFLICT (record_id) DO UPDATE SET {_CHANGES}, requester = excluded.requester, "
    "  entity_id = excluded.entity_id, archived_at = NULL "
    "RETURNING t.record_id, xmax = 0"
)


def upsert(
    conn: Connection, rows: Sequence[Mapping[str, Any]], *, asked_in: str
) -> dict[int, bool]:
    """Write tickets; returns source record → whether the ticket is new.

    Args:
        conn: an open transaction.
        rows: folded values with record_id, source, source_id and requester.
        asked_in: the stream of the source in which requesters are.
    """
    if not rows:
        return {}
    document = json.dumps([dict(row) for row in rows])
    found = conn.execute(_UPSERT, {"rows": document, "asked_in": asked_in})
    return {row[0]: row[1] for row in found}


_FOLLOW = text("""
WITH moved AS (
  SELECT t.id, t.entity_id AS before, u.entity_id AS after
  FROM unnest(CAST(:e AS bigint[])) AS i(id)
  CROSS JOIN LATERAL (SELECT * FROM ops.source_record WHERE entity_id = i.id OFFSET 0) u
  CROSS JOIN LATERAL (
    SELECT id, entity_id FROM crm.ticket
    WHERE source = u.source AND requester = u.source_id OFFSET 0) t
  WHERE u.target = 'person' AND u.stream = :asked_in AND t.entity_id IS DISTINCT FROM u.entity_id
), done AS (
  UPDATE crm.ticket t SET entity_id = m.after FROM moved m WHERE t.id = m.id
) SELECT DISTINCT before FROM moved WHERE before IS NOT NULL
""")


def follow(conn: Connection, entity_ids: Sequence[int], *, asked_in: str) -> list[int]:
    """Move tickets to the present entities of their requesters; returns the former entities."""
    return list(conn.execute(_FOLLOW, {"e": list(entity_ids), "asked_in": asked_in}).scalars())


def entities_of(conn: Connection, record_ids: Sequence[int]) -> set[int]:
    """Return the entities of tickets."""
    rows = conn.execute(
        text(
            "SELECT DISTINCT entity_id FROM crm.ticket "
            "WHERE record_id = ANY(:ids) AND entity_id IS NOT NULL"
        ),
        {"ids": list(record_ids)},
    )
    return set(rows.scalars())


def archive(conn: Connection, record_ids: Sequence[int]) -> None:
    """Archive tickets that were deleted in their source."""
    conn.execute(
        text(
            "UPDATE crm.ticket SET archived_at = coalesce(archived_at, now()) "
            "WHERE record_id = ANY(:ids)"
        ),
        {"ids": list(record_ids)},
    )


def delete_of_records(conn: Connection, record_ids: Sequence[int]) -> int:
    """Delete the tickets of source records that are undone; returns how many."""
    done = conn.execute(
        text("DELETE FROM crm.ticket WHERE record_id = ANY(:ids)"), {"ids": list(record_ids)}
    )
    return done.rowcount


_UNASK = text("""
UPDATE crm.ticket t SET entity_id = NULL FROM ops.source_record u
WHERE u.id = ANY(:ids) AND u.target = 'person' AND u.stream = ANY(:streams)
  AND t.source = u.source AND t.requester = u.source_id
""")


def let_go(conn: Connection, record_ids: Sequence[int], *, asked_in: Sequence[str]) -> None:
    """Remove the requester of tickets whose requesters are undone."""
    conn.execute(_UNASK, {"ids": list(record_ids), "streams": list(asked_in)})
