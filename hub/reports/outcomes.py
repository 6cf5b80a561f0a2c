"""Won and lost: how closed deals ended, by month, owner and source, and why."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.reports.scope import OF_PIPELINE, WHOSE, Scope, money, ratio

_CELLS = """
SELECT grouping(c.month, u.email, c.source, r.name) AS level, c.month, u.email AS owner, c.source,
       s.category, r.name AS reason, c.currency, CAST(sum(c.n) AS bigint) AS n, sum(c.value) AS value
FROM c JOIN crm.stage s ON s.id = c.stage_id LEFT JOIN crm.reason r ON r.id = c.reason_id
LEFT JOIN crm."user" u ON u.id = c.owner_id
WHERE s.category IN ('won', 'lost', 'unqualified') AND """
_SETS = """
GROUP BY s.category, c.currency, GROUPING SETS ((), (c.month), (u.email), (c.source), (r.name))
HAVING sum(c.n) <> 0"""
_IN_ALL, _MONTH, _OWNER, _SOURCE, _REASON = 15, 7, 11, 13, 14  # of `grouping`: what is left out
_ALL_TIME = text(
    "WITH c AS (SELECT month, owner_id, source, stage_id, reason_id, currency, "  # noqa: S608
    "CAST(sum(n) AS bigint) AS n, sum(value) AS value FROM ops.deal_rollup "
    f"WHERE month IS NOT NULL AND {WHOSE} GROUP BY 1, 2, 3, 4, 5, 6) "
    + _CELLS
    + OF_PIPELINE
    + _SETS
)
_PERIOD = text(
    "WITH c AS (SELECT CAST(date_trunc('month', closed_at AT TIME ZONE :zone) AS date) AS month, "  # noqa: S608
    "owner_id, source, stage_id, coalesce(loss_reason_id, unqualified_reason_id) AS reason_id, "
    "currency, count(*) AS n, sum(value) AS value FROM crm.deal "
    "WHERE closed_at >= :since AND closed_at < :until AND archived_at IS NULL "
    f"AND {WHOSE} GROUP BY 1, 2, 3, 4, 5, 6) " + _CELLS + OF_PIPELINE + _SETS
)
_OUTCOMES = ("won", "lost", "unqualified")

Cell = Row[Any]


def won_lost(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Return how deals ended that were closed in the period."""
    cells = conn.execute(_ALL_TIME if scope.is_all_time else _PERIOD, scope.args).all()
    of: dict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        of[cell.level].append(cell)
    return {
        **scope.head("won-lost"),
        "total": _figures(of[_IN_ALL]),
        "by_month": _by(of[_MONTH], "month", lambda cell: f"{cell.month:%Y-%m}"),
        "by_owner": _by(of[_OWNER], "owner", lambda cell: cell.owner),
        "by_source": _by(of[_SOURCE], "source", lambda cell: cell.source),
        "reasons": _reasons(of[_REASON]),
    }


def _figures(cells: Sequence[Cell]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for outcome in _OUTCOMES:
        mine = [cell for cell in cells if cell.category == outcome]
        told[outcome] = sum(cell.n for cell in mine)
        told[f"{outcome}_value"] = money((cell.currency, cell.value) for cell in mine)
    return {**told, "win_rate": ratio(told["won"], told["won"] + told["lost"])}


def _by(
    cells: Sequence[Cell], name: str, key: Callable[[Cell], str | None]
) -> list[dict[str, Any]]:
    groups: dict[str | None, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[key(cell)].append(cell)
    known = sorted(groups, key=lambda k: (k is None, k or ""))
    return [{name: k, **_figures(groups[k])} for k in known]


def _reasons(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str | None], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.category != "won":
            groups[cell.category, cell.reason].append(cell)
    told = [
        {
            "outcome": outcome,
            "reason": reason,
            "deals": sum(cell.n for cell in mine),
            "value": money((cell.currency, cell.value) for cell in mine),
        }
        for (outcome, reason), mine in groups.items()
    ]
    return sorted(told, key=lambda r: (r["outcome"], -r["deals"], r["reason"] or ""))
