"""Statements over Dagster's tables for which Dagster has no function. Reads and deletes; Dagster writes.

What the UI shows of an asset is its newest event of each kind, and of a check its newest
evaluation. These stay at any age, and so do the runs that they come from.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

_OLD_RUNS = text("""
WITH kept AS (
    SELECT run_id FROM dagster.event_logs WHERE id IN (
        SELECT max(id) FROM dagster.event_logs WHERE asset_key IS NOT NULL
        GROUP BY asset_key, dagster_event_type)
    UNION
    SELECT run_id FROM dagster.asset_check_executions WHERE id IN (
        SELECT max(id) FROM dagster.asset_check_executions
        GROUP BY asset_key, check_name, execution_status)
)
SELECT runs.run_id FROM dagster.runs
WHERE create_timestamp < CASE status WHEN 'FAILURE' THEN CAST(:red AS timestamp)
                                     ELSE CAST(:other AS timestamp) END
  AND status IN ('SUCCESS', 'FAILURE', 'CANCELED')
  AND NOT EXISTS (SELECT FROM kept WHERE kept.run_id = runs.run_id)
ORDER BY runs.id
""")
_OLD_CHECKS = text("""
DELETE FROM dagster.asset_check_executions AS old WHERE id IN (
    SELECT id FROM dagster.asset_check_executions
    WHERE create_timestamp < CAST(:before AS timestamp)
      AND NOT EXISTS (SELECT FROM dagster.runs
                      WHERE runs.run_id = asset_check_executions.run_id)
      AND id NOT IN (SELECT max(id) FROM dagster.asset_check_executions
                     GROUP BY asset_key, check_name, execution_status)
    ORDER BY id LIMIT :most)
""")
_OLD_EVENTS = text("""
WITH gone AS (
    DELETE FROM dagster.event_logs WHERE id IN (
        SELECT id FROM dagster.event_logs
        WHERE run_id = '' AND timestamp < CAST(:before AS timestamp)
          AND id NOT IN (SELECT max(id) FROM dagster.event_logs WHERE asset_key IS NOT NULL
                         GROUP BY asset_key, dagster_event_type)
        ORDER BY id LIMIT :most)
    RETURNING id
), tags AS (
    DELETE FROM dagster.asset_event_tags WHERE event_id IN (SELECT id FROM gone)
)
SELECT count(*) FROM gone
""")
_OLD_BACKFILLS = text("""
WITH gone AS (
    DELETE FROM dagster.bulk_actions WHERE key IN (
        SELECT key FROM dagster.bulk_actions
        WHERE timestamp < CAST(:before AS timestamp)
          AND status NOT IN ('REQUESTED', 'CANCELING', 'FAILING')
        ORDER BY id LIMIT :most)
    RETURNING key
), tags AS (
    DELETE FROM dagster.backfill_tags WHERE backfill_id IN (SELECT key FROM gone)
)
SELECT count(*) FROM gone
""")


def old_runs(conn: Connection, *, before: datetime, red_before: datetime) -> Sequence[str]:
    """Return the ids of ended runs that nothing shown depends on, oldest first.

    Args:
        conn: an open connection.
        before: runs that were made earlier are old.
        red_before: the same for failed runs.
    """
    values = {"other": _naive(before), "red": _naive(red_before)}
    return conn.execute(_OLD_RUNS, values).scalars().all()


def delete_old_checks(conn: Connection, *, before: datetime, most: int) -> int:
    """Delete evaluations of checks whose runs are gone, at most so many; returns how many."""
    return conn.execute(_OLD_CHECKS, {"before": _naive(before), "most": most}).rowcount


def delete_old_events(conn: Connection, *, before: datetime, most: int) -> int:
    """Delete events of assets that came without a run, at most so many; returns how many."""
    values = {"before": _naive(before), "most": most}
    return int(conn.execute(_OLD_EVENTS, values).scalar_one())


def delete_old_backfills(conn: Connection, *, before: datetime, most: int) -> int:
    """Delete backfills that have ended, at most so many; returns how many."""
    values = {"before": _naive(before), "most": most}
    return int(conn.execute(_OLD_BACKFILLS, values).scalar_one())


def _naive(moment: datetime) -> datetime:
    """Return a moment as Dagster stores it: UTC, without saying so."""
    return moment.replace(tzinfo=None)
