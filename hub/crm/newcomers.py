"""People of whom nothing is known but what their records say, and who have no row yet.

In a first load these are all. Nothing but the fold of their records decides about them, so load writes
their rows complete and at once, and asks nothing else about them.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

# Each probe is an aggregate of its own, so that it goes by an index: in a first load the statistics are old,
# and a join, or a LIMIT, would read whole tables.
_PLAIN = text("""
SELECT i.id, coalesce(
  (SELECT bool_or(true) FROM ops.consent_event c
   WHERE c.entity_id = i.id AND c.origin_id IS NULL),
  (SELECT bool_or(true) FROM (
     SELECT source, stream, source_id, target FROM ops.source_record
     WHERE entity_id = i.id OFFSET 0) p CROSS JOIN LATERAL (
     SELECT 1 FROM ops.consent_event c WHERE c.source = p.source AND c.stream = p.stream
       AND c.source_id = p.source_id AND c.origin_id IS NULL AND c.said_of = 'person' OFFSET 0) c
   WHERE p.target = 'person'),
  false) AS is_heard
FROM unnest(CAST(:ids AS bigint[])) AS i(id) WHERE coalesce(
  (SELECT bool_or(true) FROM crm.lead x WHERE x.entity_id = i.id),
  (SELECT bool_or(true) FROM crm.contact x WHERE x.entity_id = i.id),
  (SELECT bool_or(true) FROM ops.entity x WHERE x.merged_into = i.id),
  (SELECT bool_or(true) FROM ops.edit x WHERE x.entity_id = i.id),
  (SELECT bool_or(true) FROM ops.employment x WHERE x.person_id = i.id),
  (SELECT bool_or(true) FROM (
     SELECT source, stream, source_id, target FROM ops.source_record
     WHERE entity_id = i.id OFFSET 0) p
   WHERE p.target = 'person' AND coalesce(
     (SELECT bool_or(true) FROM ops.source_record c
      WHERE c.source = p.source AND c.stream = p.stream AND c.source_id = p.source_id
        AND c.target IN ('note', 'inquiry')),
     (SELECT bool_or(true) FROM crm.ticket t
      WHERE t.source = p.source AND t.requester = p.source_id)))) IS NULL
""")


def plain(conn: Connection, entity_ids: Sequence[int]) -> dict[int, bool]:
    """Return those of the new entities that have records and nothing else.

    Args:
        conn: an open transaction that holds the entities.
        entity_ids: entities that no load has folded yet, and that are not merged into another. Nobody
            has worked on them: people see an entity by its row.

    Returns:
        Entity → whether something was said of consent that counts for the person, and not for one
        address alone.
    """
    if not entity_ids:
        return {}
    rows = conn.execute(_PLAIN, {"ids": list(entity_ids)})
    return {row.id: row.is_heard for row in rows}
