"""Derived columns: last activity, last communication, next task, first response.

In: entities and deals whose activities, records or relations have changed. Out: the columns of
their rows, as a function of what belongs to them; `docs/leads.md` says what counts. Code that
writes an activity, merges, or moves a record calls `recompute` in the same transaction. What does
not belong
here: days since a moment, which are reckoned when they are read.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, text

from hub.crm.staff import STAFF
from hub.records.entities import lock_entities

# The root of a merged entity is the one that holds its records now.
_ROOTS = text("""
WITH RECURSIVE up AS (
  SELECT id, merged_into FROM ops.entity WHERE id = ANY(:ids)
  UNION SELECT e.id, e.merged_into FROM up CROSS JOIN LATERAL (
    SELECT id, merged_into FROM ops.entity WHERE id = up.merged_into OFFSET 0) e)
SELECT id FROM up WHERE merged_into IS NULL
""")
# Companies of a person: the present one, former ones, and those of a contact that was merged into
# this one.
_COMPANIES = text("""
WITH RECURSIVE whole AS (
  SELECT id FROM unnest(CAST(:ids AS bigint[])) AS t(id)
  UNION SELECT m.id FROM whole w CROSS JOIN LATERAL (
    SELECT id FROM ops.entity WHERE merged_into = w.id OFFSET 0) m
), company AS (
  SELECT o.id, o.entity_id, o.merged_into FROM whole w
  CROSS JOIN LATERAL (
    SELECT company_id FROM crm.contact WHERE entity_id = w.id
    UNION ALL SELECT contact_id FROM crm.lead WHERE entity_id = w.id AND converted_at IS NOT NULL
    UNION ALL SELECT t.id FROM ops.employment k CROSS JOIN LATERAL (
      SELECT id FROM crm.contact WHERE entity_id = k.company_id OFFSET 0) t
    WHERE k.person_id = w.id AND k.until IS NOT NULL AND k.revoked_at IS NULL) c
  CROSS JOIN LATERAL (
    SELECT * FROM crm.contact WHERE id = c.company_id AND is_organization OFFSET 0) o
  UNION SELECT o.id, o.entity_id, o.merged_into FROM company k CROSS JOIN LATERAL (
    SELECT * FROM crm.contact WHERE id = k.merged_into OFFSET 0) o)
SELECT DISTINCT entity_id FROM company
""")

# Each probe is an aggregate of its own, or ends in OFFSET 0. So it uses an index, for any size of
# the tables. An activity counts for the entity that it was written on, and for its survivors. It
# also counts for the company that employed the person at that time.
_ENTITIES = text(f"""
WITH RECURSIVE {STAFF}, found AS MATERIALIZED (
  SELECT w.target AS id, max(greatest(n.at, c.at, v.at, m.at, t.at, k.done, s.at)) AS activity,
         max(greatest(c.at, v.at, m.at, t.at)) AS communication, min(k.due) AS task
  FROM whole w
  CROSS JOIN LATERAL (SELECT max(coalesce(created_at, recorded_at)) AS at FROM crm.note
    WHERE entity_id = w.member AND archived_at IS NULL
    AND coalesce(created_at, recorded_at) >= w.since AND coalesce(created_at, recorded_at) < w.until) n
  CROSS JOIN LATERAL (SELECT max(made_at) AS at FROM crm.call
    WHERE entity_id = w.member AND archived_at IS NULL
    AND made_at >= w.since AND made_at < w.until) c
  CROSS JOIN LATERAL (SELECT max(visited_at) AS at FROM crm.visit
    WHERE entity_id = w.member AND archived_at IS NULL
    AND visited_at >= w.since AND visited_at < w.until) v
  CROSS JOIN LATERAL (SELECT max(sent_at) AS at FROM crm.message
    WHERE entity_id = w.member AND archived_at IS NULL
    AND sent_at >= w.since AND sent_at < w.until) m
  CROSS JOIN LATERAL (SELECT max(greatest(created_at, updated_at)) AS at FROM crm.ticket
    WHERE entity_id = w.member AND archived_at IS NULL
    AND coalesce(created_at, updated_at, '-infinity') >= w.since
    AND coalesce(created_at, updated_at, '-infinity') < w.until) t
  CROSS JOIN LATERAL (
    SELECT max(completed_at) FILTER (WHERE completed_at >= w.since AND completed_at < w.until) AS done,
      min(due_at) FILTER (WHERE completed_at IS NULL AND w.until = 'infinity') AS due FROM crm.task
    WHERE entity_id = w.member AND archived_at IS NULL) k
  CROSS JOIN LATERAL (SELECT max(CAST(canonical ->> 'last_activity_at' AS timestamptz)) AS at
    FROM ops.source_record
    WHERE entity_id = w.member AND target IN ('person', 'organisation') AND withdrawn_by IS NULL
    AND CAST(canonical ->> 'last_activity_at' AS timestamptz) >= w.since
    AND CAST(canonical ->> 'last_activity_at' AS timestamptz) < w.until) s
  GROUP BY w.target
), response AS MATERIALIZED (
  SELECT l.id, min(least(c.at, v.at, m.at)) AS at
  FROM own o CROSS JOIN LATERAL (
    SELECT * FROM crm.lead WHERE entity_id = o.target OFFSET 0) l
  CROSS JOIN LATERAL (SELECT min(made_at) AS at FROM crm.call
    WHERE entity_id = o.member AND archived_at IS NULL AND NOT is_incoming
    AND made_at >= least(l.created_at, l.recorded_at)) c
  CROSS JOIN LATERAL (SELECT min(visited_at) AS at FROM crm.visit
    WHERE entity_id = o.member AND archived_at IS NULL
    AND visited_at >= least(l.created_at, l.recorded_at)) v
  CROSS JOIN LATERAL (SELECT min(sent_at) AS at FROM crm.message
    WHERE entity_id = o.member AND archived_at IS NULL AND NOT is_incoming
    AND sent_at >= least(l.created_at, l.recorded_at)) m
  GROUP BY l.id
), leads AS (
  UPDATE crm.lead l SET last_activity_at = f.activity, last_communication_at = f.communication,
    next_task_at = f.task, first_response_at = r.at
  FROM found f, response r
  WHERE l.entity_id = ANY(:ids) AND l.entity_id = f.id AND r.id = l.id
    AND (l.last_activity_at, l.last_communication_at, l.next_task_at, l.first_response_at)
        IS DISTINCT FROM (f.activity, f.communication, f.task, r.at)
)
UPDATE crm.contact c SET last_activity_at = f.activity, last_communication_at = f.communication,
  next_task_at = f.task
FROM found f
WHERE c.entity_id = ANY(:ids) AND c.entity_id = f.id
  AND (c.last_activity_at, c.last_communication_at, c.next_task_at) IS DISTINCT FROM
      (f.activity, f.communication, f.task)
""")  # noqa: S608 our own text

_DEALS = text("""
UPDATE crm.deal d SET last_activity_at = greatest(n.at, c.at, v.at, m.at, k.done),
  last_communication_at = greatest(c.at, v.at, m.at), next_task_at = k.due
FROM unnest(CAST(:ids AS bigint[])) AS t(id)
CROSS JOIN LATERAL (SELECT max(coalesce(created_at, recorded_at)) AS at FROM crm.note
  WHERE deal_id = t.id AND archived_at IS NULL) n
CROSS JOIN LATERAL (SELECT max(made_at) AS at FROM crm.call
  WHERE deal_id = t.id AND archived_at IS NULL) c
CROSS JOIN LATERAL (SELECT max(visited_at) AS at FROM crm.visit
  WHERE deal_id = t.id AND archived_at IS NULL) v
CROSS JOIN LATERAL (SELECT max(sent_at) AS at FROM crm.message
  WHERE deal_id = t.id AND archived_at IS NULL) m
CROSS JOIN LATERAL (SELECT max(completed_at) AS done,
    min(due_at) FILTER (WHERE completed_at IS NULL) AS due FROM crm.task
  WHERE deal_id = t.id AND archived_at IS NULL) k
WHERE d.id = ANY(:ids) AND d.id = t.id
  AND (d.last_activity_at, d.last_communication_at, d.next_task_at) IS DISTINCT FROM
      (greatest(n.at, c.at, v.at, m.at, k.done), greatest(c.at, v.at, m.at), k.due)
""")


_OUTDATED = text("""
SELECT DISTINCT o.entity_id FROM unnest(CAST(:ids AS bigint[])) AS n(id)
CROSS JOIN LATERAL (SELECT * FROM crm.contact WHERE entity_id = n.id OFFSET 0) c
CROSS JOIN LATERAL (SELECT * FROM crm.contact WHERE id = c.company_id OFFSET 0) o
WHERE c.last_activity_at > coalesce(o.last_activity_at, '-infinity')
""")


def outdated_companies(conn: Connection, entity_ids: Collection[int]) -> list[int]:
    """Return the companies that have employees who were active after the company was.

    Args:
        conn: an open transaction.
        entity_ids: contacts that were just made and have no activities.
    """
    if not entity_ids:
        return []
    return list(conn.execute(_OUTDATED, {"ids": list(entity_ids)}).scalars())


def recompute(
    conn: Connection, entity_ids: Iterable[int] = (), deal_ids: Iterable[int] = ()
) -> None:
    """Update the derived columns of entities, of their companies, and of deals.

    Both are locked first, entities before deals: of two that write at once, the later one sees what
    the earlier one has written.

    Args:
        conn: an open transaction, in which the change has been written.
        entity_ids: merged or not; of a person who left a company, that company as well.
        deal_ids: deals.
    """
    entities, deals = sorted(set(entity_ids)), sorted(set(deal_ids))
    if entities:
        roots = roots_of(conn, entities)
        targets = sorted({*roots, *roots_of(conn, companies_of(conn, roots))})
        lock_entities(conn, targets)
        conn.execute(_ENTITIES, {"ids": targets})
    if deals:
        conn.execute(
            text("SELECT 1 FROM crm.deal WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"),
            {"ids": deals},
        )
        conn.execute(_DEALS, {"ids": deals})


def recompute_alone(conn: Connection, entity_ids: Collection[int]) -> None:
    """Update the derived columns of people without a company.

    Args:
        conn: an open transaction that holds the entities.
        entity_ids: people that are not merged into another person. Neither they nor those who were merged into them have
            a contact.
    """
    if entity_ids:
        conn.execute(_ENTITIES, {"ids": sorted(entity_ids)})


def companies_of(conn: Connection, entity_ids: Iterable[int]) -> set[int]:
    """Return the companies in which people are employees; ask before employment changes."""
    ids = list(entity_ids)
    return set(conn.execute(_COMPANIES, {"ids": ids}).scalars()) if ids else set()


def roots_of(conn: Connection, entity_ids: Iterable[int]) -> set[int]:
    """Return the entities that hold the records of these now."""
    ids = list(entity_ids)
    return set(conn.execute(_ROOTS, {"ids": ids}).scalars()) if ids else set()


def days_since(moment: datetime | None, now: datetime) -> int | None:
    """Return how many days ago a moment was, as a list shows it; None where there was none.

    Args:
        moment: aware.
        now: in the time zone of the user who asks: 0 is today there.
    """
    if moment is None:
        return None
    return max(0, (now.date() - moment.astimezone(now.tzinfo).date()).days)


_COLUMNS = {
    kind: text(
        "SELECT last_activity_at, last_communication_at, next_task_at, "  # noqa: S608 our own names
        f"{first} AS first_response_at FROM crm.{kind} WHERE id = :id"
    )
    for kind, first in (
        ("lead", "first_response_at"),
        ("contact", "CAST(NULL AS timestamptz)"),
        ("deal", "CAST(NULL AS timestamptz)"),
    )
}


def columns_of(conn: Connection, kind: str, number: int) -> dict[str, datetime | None]:
    """Return the derived columns of a lead, a contact or a deal; of a lead also its first response."""
    return dict(conn.execute(_COLUMNS[kind], {"id": number}).mappings().one())
