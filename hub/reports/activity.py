"""Activity: what the team has done, by user, outcome and span of time.

It counts calls, visits, messages and notes that a user logged, at the moment of the activity. Tasks
count at the moment when they were done. What came with a source's record is not the team's. Read
from the activities themselves, and exact.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.reports.scope import Scope

KINDS = ("calls", "visits", "messages", "notes", "tasks")
_DAYS_AT_MOST = 31  # a longer period is shown by month
# Each table gets the condition on its moment, so that its index is used.
_DONE = """
WITH done AS (
  SELECT 'calls' AS kind, who, made_at AS at, outcome_id FROM crm.call
  WHERE archived_at IS NULL AND {call}
  UNION ALL
  SELECT 'visits', who, visited_at, outcome_id FROM crm.visit WHERE archived_at IS NULL AND {visit}
  UNION ALL
  SELECT 'messages', who, sent_at, NULL FROM crm.message WHERE archived_at IS NULL AND {message}
  UNION ALL
  SELECT 'notes', who, coalesce(created_at, recorded_at), NULL FROM crm.note
  WHERE archived_at IS NULL AND who IS NOT NULL AND {note}
  UNION ALL
  SELECT 'tasks', coalesce(u.email, k.who), k.completed_at, NULL FROM crm.task k
  LEFT JOIN crm."user" u ON u.id = k.owner_id
  WHERE k.archived_at IS NULL AND k.completed_at IS NOT NULL AND {task}
), asked AS (
  SELECT d.kind, d.who, o.name AS outcome,
         to_char(date_trunc(:step, d.at AT TIME ZONE :zone), :words) AS span
  FROM done d LEFT JOIN crm.outcome o ON o.id = d.outcome_id
  WHERE (CAST(:owner AS bigint) IS NULL
         OR lower(d.who) = (SELECT lower(email) FROM crm."user" WHERE id = :owner))
    AND (CAST(:outcome AS text) IS NULL OR lower(o.name) = lower(:outcome))
)
SELECT grouping(who, outcome, span) AS level, kind, who, outcome, span, count(*) AS n
FROM asked GROUP BY GROUPING SETS ((kind), (kind, who), (kind, outcome), (kind, span))
"""
_MOMENTS = {
    "call": "made_at",
    "visit": "visited_at",
    "message": "sent_at",
    "note": "coalesce(created_at, recorded_at)",
    "task": "k.completed_at",
}
_ALL_TIME = text(_DONE.format(**dict.fromkeys(_MOMENTS, "true")))
_PERIOD = text(
    _DONE.format(**{n: f"{at} >= :since AND {at} < :until" for n, at in _MOMENTS.items()})
)
_IN_ALL, _BY_OWNER, _BY_OUTCOME, _BY_SPAN = 7, 3, 5, 6  # of `grouping`: what is left out


def activity(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Return what was done in the period, by user, by outcome, and by day or month."""
    step = "day" if _is_short(scope) else "month"
    words = {"step": step, "words": "YYYY-MM-DD" if step == "day" else "YYYY-MM"}
    args = {"zone": scope.zone, **scope.args, **words}
    rows = conn.execute(_ALL_TIME if scope.is_all_time else _PERIOD, args).all()
    level: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        level[row.level].append(row)
    outcomes = [row for row in level[_BY_OUTCOME] if row.kind in ("calls", "visits")]
    return {
        **scope.head("activity"),
        "is_exact": True,
        "total": _counts(level[_IN_ALL]),
        "by_owner": _by("owner", level[_BY_OWNER], lambda row: row.who),
        "by_outcome": [
            {"of": row.kind, "outcome": row.outcome, "activities": row.n}
            for row in sorted(outcomes, key=lambda r: (r.kind, r.outcome is None, r.outcome or ""))
        ],
        f"by_{step}": _by(step, level[_BY_SPAN], lambda row: row.span),
    }


def _is_short(scope: Scope) -> bool:
    if scope.first is None or scope.last is None:
        return False
    return scope.last - scope.first < timedelta(days=_DAYS_AT_MOST)


def _by(
    name: str, rows: Sequence[Row[Any]], key: Callable[[Row[Any]], str]
) -> list[dict[str, Any]]:
    groups: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return [{name: found, **_counts(groups[found])} for found in sorted(groups)]


def _counts(rows: Sequence[Row[Any]]) -> dict[str, int]:
    found = {row.kind: row.n for row in rows}
    counts = {kind: found.get(kind, 0) for kind in KINDS}
    return {"activities": sum(counts.values()), **counts}
