"""On whom has somebody worked? What a person did is kept when only our own rules changed.

Somebody worked on an entity that has an edit, a status or an owner set by hand, a note, task, call,
visit or deal, or a decision on who it is; so with an entity that was merged into it. What a source,
a fold, the routing or an alert does is no work on it.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text

_TOUCHED = text("""
WITH RECURSIVE whole AS (
  SELECT id AS root, id FROM ops.entity WHERE id = ANY(CAST(:ids AS bigint[]))
  UNION
  SELECT w.root, m.id FROM whole w JOIN ops.entity m ON m.merged_into = w.id
)
SELECT DISTINCT w.root FROM whole w WHERE
  EXISTS (SELECT 1 FROM ops.edit x WHERE x.entity_id = w.id AND x.revoked_at IS NULL)
  OR EXISTS (SELECT 1 FROM ops.change x WHERE x.entity_id = w.id
             AND x.who NOT IN ('sync', 'inquiry') AND NOT x.fields ? 'undone')
  OR EXISTS (SELECT 1 FROM crm.note x WHERE x.entity_id = w.id AND x.record_id IS NULL)
  OR EXISTS (SELECT 1 FROM crm.task x WHERE x.entity_id = w.id)
  OR EXISTS (SELECT 1 FROM crm.call x WHERE x.entity_id = w.id)
  OR EXISTS (SELECT 1 FROM crm.visit x WHERE x.entity_id = w.id)
  OR EXISTS (SELECT 1 FROM crm.deal x JOIN crm.contact c ON c.id = x.contact_id
             WHERE c.entity_id = w.id)
  OR EXISTS (SELECT 1 FROM ops.source_record s JOIN ops.edge x ON x.a = s.id
             WHERE s.entity_id = w.id AND x.revoked_at IS NULL
               AND starts_with(x.made_by, 'person:'))
  OR EXISTS (SELECT 1 FROM ops.source_record s JOIN ops.edge x ON x.b = s.id
             WHERE s.entity_id = w.id AND x.revoked_at IS NULL
               AND starts_with(x.made_by, 'person:'))
""")


def touched(conn: Connection, entity_ids: Iterable[int]) -> set[int]:
    """Return those of the entities on which somebody has worked."""
    ids = sorted(set(entity_ids))
    return set(conn.execute(_TOUCHED, {"ids": ids}).scalars()) if ids else set()
