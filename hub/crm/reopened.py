"""Leads that an inquiry reopened: they become unqualified again when that inquiry is undone.

Only if no user has set the lead's status since, and the person has no later inquiry.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.crm import leads
from hub.records.history import Changed, note_changes

INQUIRY = "inquiry"  # who it was, in the history, and the field that names the record that asked

_ASKED = text("SELECT DISTINCT entity_id FROM crm.inquiry WHERE record_id = ANY(:ids)")
_OPENED = text("""
SELECT l.id, l.entity_id, l.status AS now, c.fields #>> '{status,old}' AS status,
  c.fields #>> '{unqualified_reason,old}' AS reason,
  CASE WHEN c.fields ? 'status_set_by' THEN c.fields #>> '{status_set_by,old}' ELSE 'person' END
    AS set_by
FROM unnest(CAST(:entities AS bigint[])) AS a(entity_id)
JOIN crm.lead l ON l.entity_id = a.entity_id AND l.converted_at IS NULL AND l.merged_into IS NULL
CROSS JOIN LATERAL (
  SELECT * FROM ops.change WHERE entity_id = a.entity_id AND fields ? 'status'
  ORDER BY id DESC LIMIT 1) c
WHERE c.who = :inquiry AND l.status = c.fields #>> '{status,new}' AND NOT EXISTS (
  SELECT 1 FROM crm.inquiry i JOIN ops.source_record s ON s.id = i.record_id
  WHERE i.entity_id = a.entity_id AND i.record_id <> ALL(CAST(:without AS bigint[]))
    AND (i.recorded_at > c.at
    OR concat_ws('/', s.source, s.stream, s.source_id) = c.fields -> :inquiry ->> 'new'))
ORDER BY l.id
""")


def asked_in(conn: Connection, record_ids: Sequence[int]) -> list[int]:
    """Return the entities that asked in these records; ask before their inquiries are deleted."""
    return list(conn.execute(_ASKED, {"ids": list(record_ids)}).scalars())


def reopened(
    conn: Connection, entity_ids: Sequence[int], without: Sequence[int] = ()
) -> Sequence[Row[Any]]:
    """Return the leads that would be unqualified again, without the inquiries of these records."""
    args = {"entities": list(entity_ids), "inquiry": INQUIRY, "without": list(without)}
    return conn.execute(_OPENED, args).all()


def close_again(conn: Connection, who: str, entity_ids: Sequence[int], batch_id: int) -> int:
    """Give leads the status they had before inquiries that are deleted by now; says how many.

    The history names the undone batch, so that it does not look like a user's edit.
    """
    opened = reopened(conn, entity_ids)
    for row in opened:
        leads.set_status(conn, [row.id], row.status, row.reason, by=row.set_by)
    note_changes(
        conn,
        who,
        [
            Changed(
                {
                    "status": (row.now, row.status),
                    "unqualified_reason": (None, row.reason),
                    "undone": (batch_id, None),
                },
                entity_id=row.entity_id,
            )
            for row in opened
        ],
    )
    return len(opened)
