"""Inquiries: what people asked, as the present versions of their records say it.

The one module that writes `crm.inquiry`, apart from the undo of a batch. Not here: the user to
notify (`hub.etl.inquiries`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from hub.crm.siblings import SIBLINGS
from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class NewInquiry:
    """An inquiry that was not there before, of a lead or a contact that may have an owner.

    Args:
        lead_id: the open lead of the person, or a converted one of a person who is no contact.
        contact_id: the contact of the person, where there is no such lead.
    """

    id: int
    record_key: str
    entity_id: int
    lead_id: int | None
    contact_id: int | None
    owner_id: int | None
    lane: str
    subject: str | None
    message: str | None


_REPLACE = text(f"""
WITH {SIBLINGS}, taken_back AS (
  DELETE FROM crm.inquiry i USING siblings s
  WHERE i.record_id = s.record_id AND s.is_taken_back
), followed AS (
  UPDATE crm.inquiry i SET entity_id = s.entity_id FROM siblings s
  WHERE i.record_id = s.record_id AND NOT s.is_living AND NOT s.is_taken_back
    AND i.entity_id <> s.entity_id
), written AS (
  INSERT INTO crm.inquiry AS i (record_id, entity_id, channel, subject, message, created_at)
  SELECT record_id, entity_id, coalesce(v ->> 'channel', 'unknown'), v ->> 'subject',
         v ->> 'message', CAST(v ->> 'at' AS timestamptz)
  FROM siblings WHERE is_living ORDER BY record_id
  ON CONFLICT (record_id) DO UPDATE SET
    entity_id = excluded.entity_id, channel = excluded.channel, subject = excluded.subject,
    message = excluded.message, created_at = excluded.created_at
  WHERE (i.entity_id, i.channel, i.subject, i.message, i.created_at) IS DISTINCT FROM
    (excluded.entity_id, excluded.channel, excluded.subject, excluded.message, excluded.created_at)
  RETURNING id, record_id, entity_id, subject, message, xmax = 0 AS is_new
)
SELECT w.id, s.record_key, w.entity_id, l.id, CASE WHEN l.id IS NULL THEN c.id END,
       CASE WHEN l.id IS NULL THEN c.owner_id ELSE l.owner_id END, s.lane, w.subject, w.message
FROM written w JOIN siblings s USING (record_id)
LEFT JOIN crm.contact c ON c.entity_id = w.entity_id AND c.merged_into IS NULL
  AND c.archived_at IS NULL
LEFT JOIN crm.lead l ON l.entity_id = w.entity_id
  AND (c.id IS NULL OR (l.converted_at IS NULL AND l.archived_at IS NULL))
WHERE w.is_new AND (l.id IS NOT NULL OR c.id IS NOT NULL)
ORDER BY w.record_id
""")  # noqa: S608 our own text


def replace(conn: Connection, entity_ids: Sequence[int]) -> list[NewInquiry]:
    """Write the inquiries of entities as their records say them now; return those that are new.

    An inquiry that a newer version of its record does not repeat stays. One that today's mapping
    does not give is removed.
    """
    rows = conn.execute(_REPLACE, {"entities": list(entity_ids), "target": "inquiry"})
    return [NewInquiry(*row) for row in rows]


def delete_of_records(conn: Connection, record_ids: Sequence[int]) -> int:
    """Delete the inquiries of source records that are undone; returns how many."""
    done = conn.execute(
        text("DELETE FROM crm.inquiry WHERE record_id = ANY(:ids)"), {"ids": list(record_ids)}
    )
    return done.rowcount
