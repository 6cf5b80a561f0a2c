"""People of whom nothing is known but what their records say, and who have no row yet.

In a first load these are all. Nothing but the fold of their records decides about them, so load writes
their rows complete and at once, and asks nothing else about them.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

# Each probe is an aggregate of its own, so that it goes by an index: in a first load the statistics are old,
# and a join, or a LIMIT, would read whole tables.
_PLAIN = text("""
SELECT i.id FROM unnest(CAST(:ids AS bigint[])) AS i(id) WHERE coalesce(
  (SELECT bool_or(true) FROM crm.lead x WHERE x.entity_id = i.id),
  (SELECT bool_or(true) FROM crm.contact x WHERE x.entity_id = i.id),
  (SELECT bool_or(true) FROM ops.entity x WHERE x.merged_into = i.id),
  (SELECT bool_or(true) FROM ops.edit x WHERE x.entity_id = i.id),
  (SELECT bool_or(true) FROM ops.employment x WHERE x.person_id = i.id),
  (SELECT bool_or(true) FROM ops.source_record x WHERE x.left_entity_id = i.id),
  (SELECT bool_or(true) FROM crm.note x WHERE x.entity_id = i.id),
  (SELECT bool_or(true) FROM crm.ticket x WHERE x.entity_id = i.id),
  (SELECT bool_or(true) FROM ops.source_record p CROSS JOIN LATERAL (
     SELECT 1 FROM ops.source_record c
     WHERE c.source = p.source AND c.stream = p.stream AND c.source_id = p.source_id
       AND c.target IN ('note', 'inquiry') OFFSET 0) c
   WHERE p.entity_id = i.id AND p.target = 'person'),
  (SELECT bool_or(true) FROM ops.source_record p CROSS JOIN LATERAL (
     SELECT 1 FROM crm.ticket t
     WHERE t.source = p.source AND t.requester = p.source_id OFFSET 0) t
   WHERE p.entity_id = i.id AND p.target = 'person')) IS NULL
""")


def plain(conn: Connection, entity_ids: Sequence[int]) -> set[int]:
    """Return those of the new entities that have records and nothing else.

    Args:
        conn: an open transaction that holds the entities.
        entity_ids: entities that no load has folded yet, and that are not merged into another. Nobody
            has worked on them: people see an entity by its row.
    """
    if not entity_ids:
        return set()
    return set(conn.execute(_PLAIN, {"ids": list(entity_ids)}).scalars())
