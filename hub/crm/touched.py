"""People and companies that users have touched: the one list of what counts.

A touch is an edit, a status or an owner set by hand, a note, task, call, visit, message, deal or
conversion, or a decision about identity. A touch of a merged person counts for the survivor. Sources,
with the activities and deals that they bring, folds, routing, alerts, inquiries and undos are no touches.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.records.entities import WHOLE


@dataclass(frozen=True, slots=True)
class Touched:
    """Entities that were touched.

    Args:
        worked_on: entities that users have touched.
        parted: entities with a record that a user has separated from another.
    """

    worked_on: frozenset[int] = frozenset()
    parted: frozenset[int] = frozenset()


# A decision that parts two records is kept with the reason `unmerge …` or `take … out`. OFFSET 0 keeps
# PostgreSQL from reading a table whole for all probes at once: it takes `whole` for many.
_TOUCHED = text(f"""
WITH RECURSIVE {WHOLE}, decided AS (
  SELECT w.root, x.reasons -> 0 ->> 0 ~ '^(unmerge|take) ' AS parts
  FROM whole w JOIN ops.source_record s ON s.entity_id = w.id
  CROSS JOIN LATERAL (
    SELECT reasons FROM ops.edge
    WHERE a = s.id AND revoked_at IS NULL AND starts_with(made_by, 'person:')
    UNION ALL
    SELECT reasons FROM ops.edge
    WHERE b = s.id AND revoked_at IS NULL AND starts_with(made_by, 'person:')) x
), worked AS (
  SELECT DISTINCT w.root FROM whole w WHERE
    EXISTS (SELECT 1 FROM ops.edit x WHERE x.entity_id = w.id AND x.revoked_at IS NULL OFFSET 0)
    OR EXISTS (SELECT 1 FROM ops.change x WHERE x.entity_id = w.id
               AND x.who NOT IN ('sync', 'inquiry')
               AND NOT x.fields ?| ARRAY['undone', 'merged', 'unmerged', 'review'] OFFSET 0)
    OR EXISTS (SELECT 1 FROM crm.note x WHERE x.entity_id = w.id AND x.record_id IS NULL OFFSET 0)
    OR EXISTS (SELECT 1 FROM crm.task x WHERE x.entity_id = w.id AND x.record_id IS NULL OFFSET 0)
    OR EXISTS (SELECT 1 FROM crm.call x WHERE x.entity_id = w.id AND x.record_id IS NULL OFFSET 0)
    OR EXISTS (SELECT 1 FROM crm.visit x WHERE x.entity_id = w.id AND x.record_id IS NULL OFFSET 0)
    OR EXISTS (SELECT 1 FROM crm.message x WHERE x.entity_id = w.id
               AND x.record_id IS NULL OFFSET 0)
    OR EXISTS (SELECT 1 FROM crm.contact c WHERE c.entity_id = w.id AND (
               EXISTS (SELECT 1 FROM crm.deal x WHERE x.contact_id = c.id
                       AND x.record_id IS NULL OFFSET 0)
               OR EXISTS (SELECT 1 FROM crm.deal x WHERE x.organization_id = c.id
                          AND x.record_id IS NULL OFFSET 0)
               OR EXISTS (SELECT 1 FROM crm.deal_contact x WHERE x.contact_id = c.id
                          AND NOT x.is_from_source OFFSET 0)) OFFSET 0)
    OR EXISTS (SELECT 1 FROM crm.lead l WHERE l.entity_id = w.id AND (l.status_set_by = 'person'
               OR EXISTS (SELECT 1 FROM crm.conversion x WHERE x.lead_id = l.id
                          AND (x.record_id IS NULL OR x.reopened_at IS NOT NULL) OFFSET 0)
               OR EXISTS (SELECT 1 FROM crm.deal x WHERE x.lead_id = l.id AND x.record_id IS NULL OFFSET 0)) OFFSET 0)
)
SELECT root, true AS is_work FROM worked
UNION SELECT root, NOT parts FROM decided
""")  # noqa: S608 our own text


def touches(conn: Connection, entity_ids: Iterable[int]) -> Touched:
    """Return those of the entities that were touched, and in what way."""
    ids = sorted(set(entity_ids))
    rows = conn.execute(_TOUCHED, {"ids": ids}).all() if ids else []
    return Touched(
        frozenset(row.root for row in rows if row.is_work),
        frozenset(row.root for row in rows if not row.is_work),
    )


def touched(conn: Connection, entity_ids: Iterable[int]) -> set[int]:
    """Return the entities that users have touched, or whose identity they have decided."""
    found = touches(conn, entity_ids)
    return {*found.worked_on, *found.parted}


_ARCHIVED = text("""
SELECT entity_id FROM crm.lead WHERE entity_id = ANY(:ids)
  AND unasked_since IS NOT NULL AND archived_at IS NOT NULL AND merged_into IS NULL
UNION
SELECT entity_id FROM crm.contact WHERE entity_id = ANY(:ids)
  AND unasked_since IS NOT NULL AND archived_at IS NOT NULL AND merged_into IS NULL
""")


def archived_with_sources(conn: Connection, entity_ids: Iterable[int]) -> list[int]:
    """Return those of the entities of which a row was archived because no source has it any more."""
    ids = sorted(set(entity_ids))
    return sorted(conn.execute(_ARCHIVED, {"ids": ids}).scalars()) if ids else []
