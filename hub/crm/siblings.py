"""SQL that finds the records of the same source objects as the people of some entities.

The children of a source object (an inquiry, a note) belong to the present entity of its person.

- `is_living`: the object's present version says it.
- `is_taken_back`: the version that said it is still the newest, and today's mapping does not give it.
- neither: a newer version does not say it. It is history then: it stays, and follows its person.
"""

SIBLINGS = """
siblings AS (
  SELECT c.id AS record_id, l.entity_id, c.canonical AS v, c.lane,
         c.source || '/' || c.stream || '/' || c.source_id AS record_key,
         c.gone_at IS NULL AS is_living,
         c.gone_at IS NOT NULL AND EXISTS (
           SELECT 1 FROM landing.head h WHERE h.source = c.source AND h.stream = c.stream
             AND h.source_id = c.source_id AND h.raw_id = c.raw_id) AS is_taken_back
  FROM unnest(CAST(:entities AS bigint[])) AS i(id)
  CROSS JOIN LATERAL (SELECT * FROM ops.source_record WHERE entity_id = i.id OFFSET 0) l
  CROSS JOIN LATERAL (
    SELECT * FROM ops.source_record WHERE source = l.source AND stream = l.stream
      AND source_id = l.source_id AND target = :target OFFSET 0) c
  WHERE l.target = 'person' AND c.withdrawn_by IS NULL
)
"""
