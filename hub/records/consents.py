"""What a person may be sent, from everything the sources have said."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from hub.model.consent import ConsentEvent, ConsentState, Key, resolve, state_named

# A source object that is gone does not come along when its person is merged; its no does. A no is
# history: it counts from every version. A yes is present: it counts while the object is there and its
# newest version says it.
_EVENTS = text("""
WITH RECURSIVE mine AS (
  SELECT CAST(:entity AS bigint) AS id
  UNION SELECT e.id FROM ops.entity e JOIN mine ON e.merged_into = mine.id
), said AS (
  SELECT c.id FROM ops.consent_event c WHERE c.entity_id IN (SELECT id FROM mine)
  UNION
  SELECT c.id FROM ops.source_record p
  JOIN ops.source_record o USING (source, stream, source_id)
  JOIN ops.consent_event c ON c.record_id = o.id
  WHERE p.entity_id IN (SELECT id FROM mine) AND p.target = 'person' AND o.target LIKE 'consent:%'
)
SELECT c.channel, c.purpose, c.state, c.at,
       o.gone_at IS NULL AND o.canonical ->> 'state' = c.state AS is_said_now,
       coalesce(lower(p.canonical ->> CASE c.channel WHEN 'email' THEN 'email' ELSE 'phone' END),
                'record ' || c.record_id) AS subject
FROM ops.consent_event c
JOIN ops.source_record o ON o.id = c.record_id
LEFT JOIN ops.source_record p ON p.source = o.source AND p.stream = o.stream
  AND p.source_id = o.source_id AND p.target = 'person'
WHERE c.id IN (SELECT id FROM said)
ORDER BY c.id
""")


def consent_events_of(conn: Connection, entity_id: int) -> Sequence[ConsentEvent]:
    """Return what was said of a person, of whoever was merged into the person too.

    No source says that an opt-in was confirmed by the person, so none here is.
    """
    return [
        ConsentEvent(row.channel, row.purpose, row.subject, state, row.at)
        for row in conn.execute(_EVENTS, {"entity": entity_id})
        if (state := state_named(row.state)).is_no or row.is_said_now
    ]


def consents_of(conn: Connection, entity_id: int) -> dict[Key, ConsentState]:
    """Return the person's state for each channel and purpose; what is missing is unknown."""
    return resolve(consent_events_of(conn, entity_id))
