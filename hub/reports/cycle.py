"""Sales cycle: how long deals stay in each stage, and how many advance from it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.crm.rollup_triggers import SPENT
from hub.reports.scope import MEDIAN, OF_PIPELINE, P90, WHOSE, Scope, percentile, ratio

_STAGES = text(
    "SELECT s.id, p.name AS pipeline, s.name AS stage, s.category "  # noqa: S608 our own text
    f"FROM crm.stage s JOIN crm.pipeline p ON p.id = s.pipeline_id WHERE {OF_PIPELINE} "
    "ORDER BY p.position, p.id, s.position, s.id"
)
_ALL_TIME = text(
    "SELECT stage_id, bucket, CAST(sum(entered) AS bigint) AS entered, "  # noqa: S608
    "CAST(sum(advanced) AS bigint) AS advanced, CAST(sum(lost) AS bigint) AS lost, "
    "CAST(sum(inside) AS bigint) AS inside "
    f"FROM ops.stage_rollup WHERE {WHOSE} GROUP BY 1, 2"
)
_PERIOD = text(
    "WITH moves AS (SELECT 1 AS sign, t.deal_id, d.owner_id, d.source, t.id, t.to_stage_id, t.at "  # noqa: S608
    "FROM crm.deal d JOIN crm.stage_transition t ON t.deal_id = d.id "
    "WHERE d.added_at >= :since AND d.added_at < :until AND d.archived_at IS NULL "
    f"AND {WHOSE.replace('owner_id', 'd.owner_id')}),"
    + SPENT
    + """
SELECT stage_id, count(*) AS entered, count(*) FILTER (WHERE is_advanced) AS advanced,
       count(*) FILTER (WHERE is_lost) AS lost, count(*) FILTER (WHERE is_inside) AS inside,
       count(seconds) AS timed,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS median_s,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY seconds) AS p90_s
FROM spent GROUP BY stage_id"""
)


def sales_cycle(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Return time per stage and conversion between stages, of deals added in the period."""
    found = _over_all_time(conn, scope) if scope.is_all_time else _over_period(conn, scope)
    stages, won = [], []
    for stage in conn.execute(_STAGES, scope.args):
        counts = found.get(stage.id)
        if counts is None or not counts["entered"]:
            continue
        name = {"pipeline": stage.pipeline, "stage": stage.stage}
        if stage.category == "won":
            won.append(
                {**name, "deals": counts["inside"], **{k: counts[k] for k in ("median_s", "p90_s")}}
            )
        elif stage.category not in {"lost", "unqualified"}:
            stages.append({**name, **counts, "advanced_rate": _rate(counts)})
    return {**scope.head("sales-cycle"), "stages": stages, "won": won}


def _rate(counts: dict[str, Any]) -> float | None:
    return ratio(counts["advanced"], counts["entered"])


def _over_period(conn: Connection, scope: Scope) -> dict[int, dict[str, Any]]:
    found = {}
    for row in conn.execute(_PERIOD, scope.args).mappings():
        counts = dict(row)
        found[counts.pop("stage_id")] = counts
    return found


def _over_all_time(conn: Connection, scope: Scope) -> dict[int, dict[str, Any]]:
    rows: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in conn.execute(_ALL_TIME, scope.args):
        rows[row.stage_id].append(row)
    return {stage: _summed(found) for stage, found in rows.items()}


def _summed(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    buckets = {row.bucket: row.entered for row in rows if row.bucket is not None}
    return {
        "entered": sum(row.entered for row in rows),
        "advanced": sum(row.advanced for row in rows),
        "lost": sum(row.lost for row in rows),
        "inside": sum(row.inside for row in rows),
        "timed": sum(buckets.values()),
        "median_s": percentile(buckets, MEDIAN),
        "p90_s": percentile(buckets, P90),
    }
