"""Activities: tasks, notes, calls, visits, messages; the queries over their tables.

What each change does to the derived columns is `hub.crm.derived`'s; who may make it, the actions'.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select, text, update
from sqlalchemy.engine import RowMapping

from hub.crm.activity_tables import call, message, task, visit
from hub.crm.staff import STAFF
from hub.crm.tables import note
from hub.frozen import dataclass

TABLES: Mapping[str, Table] = {
    "task": task,
    "note": note,
    "call": call,
    "visit": visit,
    "message": message,
}


def add(conn: Connection, kind: str, values: Mapping[str, Any]) -> int:
    """Write an activity; returns its number."""
    table = TABLES[kind]
    return int(conn.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())


def read(conn: Connection, kind: str, number: int) -> RowMapping | None:
    """Lock and return an activity."""
    table = TABLES[kind]
    found = conn.execute(select(table).where(table.c.id == number).with_for_update())
    return found.mappings().one_or_none()


def change(conn: Connection, kind: str, number: int, values: Mapping[str, Any]) -> None:
    """Write fields of an activity."""
    table = TABLES[kind]
    conn.execute(update(table).where(table.c.id == number).values(**values))


_GIVE_TASKS = text("""
UPDATE crm.task k SET owner_id = o.owner
FROM (SELECT t.id, CASE WHEN u.id = t.owner_id OR NOT u.is_active THEN CAST(:to AS bigint)
        ELSE coalesce(CAST(:to AS bigint), u.id) END AS owner
      FROM crm.task t
      LEFT JOIN LATERAL (SELECT coalesce(
          (SELECT d.owner_id FROM crm.deal d WHERE d.id = t.deal_id),
          (SELECT l.owner_id FROM crm.lead l WHERE l.entity_id = t.entity_id
             AND l.merged_into IS NULL AND l.converted_at IS NULL),
          (SELECT c.owner_id FROM crm.contact c WHERE c.entity_id = t.entity_id)) AS id) r ON true
      LEFT JOIN crm."user" u ON u.id = r.id
      WHERE t.id = ANY(:ids)) o
WHERE k.id = o.id AND o.owner IS NOT NULL
RETURNING k.id
""")


def set_task_owners(conn: Connection, ids: Sequence[int], to: int | None) -> list[int]:
    """Give tasks to a user; without one, to the owner of the record that each task is on.

    Returns:
        The tasks that were given: a task stays if no other user owns its record.
    """
    return sorted(conn.execute(_GIVE_TASKS, {"ids": list(ids), "to": to}).scalars())


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline.

    Args:
        name: kind/number, as people name it.
        kind: task, note, call, visit, message or ticket.
        at: when it was done; of an open task when it is due.
        who: who wrote it down; None of what came from a source.
        words: content, summary or subject.
        outcome: of a call or a visit.
        is_incoming: of a call or a message.
        is_open: a task that waits, a ticket that is not solved.
    """

    name: str
    kind: str
    at: datetime | None
    who: str | None
    words: str | None
    outcome: str | None
    is_incoming: bool | None
    is_open: bool


# Whose activities a record shows: those the derived columns count. OFFSET 0 keeps each look-up a
# probe of the index of `entity_id`.
_TIMELINE = text(f"""
WITH RECURSIVE {STAFF}, period AS (
  SELECT DISTINCT member, since, until FROM whole
), task AS (
  SELECT k.* FROM period w CROSS JOIN LATERAL (
    SELECT * FROM crm.task WHERE entity_id = w.member OFFSET 0) k
  WHERE CASE WHEN k.completed_at IS NULL THEN w.until = 'infinity'
        ELSE k.completed_at >= w.since AND k.completed_at < w.until END
  UNION ALL SELECT * FROM crm.task WHERE deal_id = :deal
), note AS (
  SELECT n.* FROM period w CROSS JOIN LATERAL (
    SELECT * FROM crm.note WHERE entity_id = w.member OFFSET 0) n
  WHERE coalesce(n.created_at, n.recorded_at) >= w.since
    AND coalesce(n.created_at, n.recorded_at) < w.until
  UNION ALL SELECT * FROM crm.note WHERE deal_id = :deal
), call AS (
  SELECT c.* FROM period w CROSS JOIN LATERAL (
    SELECT * FROM crm.call WHERE entity_id = w.member OFFSET 0) c
  WHERE c.made_at >= w.since AND c.made_at < w.until
  UNION ALL SELECT * FROM crm.call WHERE deal_id = :deal
), visit AS (
  SELECT v.* FROM period w CROSS JOIN LATERAL (
    SELECT * FROM crm.visit WHERE entity_id = w.member OFFSET 0) v
  WHERE v.visited_at >= w.since AND v.visited_at < w.until
  UNION ALL SELECT * FROM crm.visit WHERE deal_id = :deal
), message AS (
  SELECT m.* FROM period w CROSS JOIN LATERAL (
    SELECT * FROM crm.message WHERE entity_id = w.member OFFSET 0) m
  WHERE m.sent_at >= w.since AND m.sent_at < w.until
  UNION ALL SELECT * FROM crm.message WHERE deal_id = :deal
), ticket AS (
  SELECT t.* FROM period w CROSS JOIN LATERAL (
    SELECT * FROM crm.ticket WHERE entity_id = w.member OFFSET 0) t
  WHERE coalesce(t.created_at, t.updated_at, '-infinity') >= w.since
    AND coalesce(t.created_at, t.updated_at, '-infinity') < w.until
), found AS (
  SELECT 'task' AS kind, k.id, coalesce(k.completed_at, k.due_at, k.created_at) AS at, k.who,
         k.content AS words, CAST(NULL AS text) AS outcome,
         CAST(NULL AS boolean) AS is_incoming, k.completed_at IS NULL AS is_open
  FROM task k WHERE k.archived_at IS NULL
  UNION ALL
  SELECT 'note', n.id, coalesce(n.created_at, n.recorded_at), n.who, n.content, NULL, NULL, false
  FROM note n WHERE n.archived_at IS NULL
  UNION ALL
  SELECT 'call', c.id, c.made_at, c.who, c.summary, o.name, c.is_incoming, false
  FROM call c LEFT JOIN crm.outcome o ON o.id = c.outcome_id WHERE c.archived_at IS NULL
  UNION ALL
  SELECT 'visit', v.id, v.visited_at, v.who, v.summary, o.name, NULL, false
  FROM visit v LEFT JOIN crm.outcome o ON o.id = v.outcome_id WHERE v.archived_at IS NULL
  UNION ALL
  SELECT 'message', m.id, m.sent_at, m.who, coalesce(m.subject, m.content), m.kind, m.is_incoming,
         false
  FROM message m WHERE m.archived_at IS NULL
  UNION ALL
  SELECT 'ticket', t.id, greatest(t.created_at, t.updated_at), NULL, t.subject, t.status, true,
         coalesce(t.status, '') NOT IN ('solved', 'closed')
  FROM ticket t WHERE t.archived_at IS NULL
)
SELECT kind || '/' || id, kind, at, who, words, outcome, is_incoming, is_open
FROM found ORDER BY at DESC NULLS LAST, kind, id DESC LIMIT :limit
""")  # noqa: S608 our own text


def timeline(
    conn: Connection, entity_ids: Sequence[int], deal_id: int | None, limit: int
) -> list[Entry]:
    """Return what was done and is to be done, the newest first; archived activities are left out.

    Args:
        conn: an open connection.
        entity_ids: people or companies that hold records; their employees are followed.
        deal_id: a deal, or none.
        limit: entries at most.
    """
    rows = conn.execute(_TIMELINE, {"ids": list(entity_ids), "deal": deal_id, "limit": limit})
    return [Entry(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that waits; `on` is what it belongs to, as far as it has a row."""

    id: int
    content: str
    due_at: datetime | None
    owner: str | None
    lead_id: int | None
    contact_id: int | None
    deal_id: int | None
    owner_id: int | None


_SHOWN = """
SELECT k.id, k.content, k.due_at, u.email, l.id, c.id, k.deal_id, k.owner_id
FROM (SELECT * FROM found WHERE completed_at IS NULL AND archived_at IS NULL
      ORDER BY due_at, id LIMIT :limit) k
LEFT JOIN crm."user" u ON u.id = k.owner_id
LEFT JOIN crm.lead l ON l.entity_id = k.entity_id
LEFT JOIN crm.contact c ON c.entity_id = k.entity_id
ORDER BY k.due_at, k.id
"""
_OPEN = text(f"WITH found AS NOT MATERIALIZED (SELECT * FROM crm.task) {_SHOWN}")  # noqa: S608 our own text
_OPEN_OF = text(
    "WITH found AS NOT MATERIALIZED (SELECT * FROM crm.task WHERE owner_id = :owner) "  # noqa: S608 our own text
    f"{_SHOWN}"
)
_OPEN_ON = text(f"""
WITH RECURSIVE {STAFF}, member AS (
  SELECT DISTINCT member AS id FROM whole WHERE until = 'infinity'
), found AS (
  SELECT k.* FROM member w CROSS JOIN LATERAL (
    SELECT * FROM crm.task WHERE entity_id = w.id OFFSET 0) k
  UNION ALL SELECT * FROM crm.task WHERE deal_id = :deal
) {_SHOWN}
""")  # noqa: S608 our own text


def open_tasks(
    conn: Connection, *, owner_id: int | None = None, limit: int = 100
) -> list[OpenTask]:
    """Return the open tasks of one user, or of all; those due first before all."""
    statement = _OPEN if owner_id is None else _OPEN_OF
    rows = conn.execute(
        statement, {"limit": limit, **({} if owner_id is None else {"owner": owner_id})}
    )
    return [OpenTask(*row) for row in rows]


def open_tasks_on(
    conn: Connection, *, entity_id: int | None, deal_id: int | None, limit: int = 100
) -> list[OpenTask]:
    """Return the open tasks on a record, those due first before all; of a company also its people's."""
    entities = [] if entity_id is None else [entity_id]
    rows = conn.execute(_OPEN_ON, {"ids": entities, "deal": deal_id, "limit": limit})
    return [OpenTask(*row) for row in rows]
