"""Leads as they come: response times, results of each source, owners.

A lead counts unless it was merged into another or archived.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.crm.rollup_triggers import LEAD_CAME, LEAD_LIVES
from hub.reports.scope import MEDIAN, P90, WHOSE, Scope, money, percentile, ratio

_WHOSE_LEADS = WHOSE.replace("source =", "lead_source =")
_CAME = f"{LEAD_CAME} >= :since AND {LEAD_CAME} < :until AND {LEAD_LIVES} AND {_WHOSE_LEADS}"
_COUNTED = text(
    "SELECT u.email AS owner, c.source, c.status, c.is_converted, "  # noqa: S608 our own text
    "CAST(sum(c.n) AS bigint) AS n "
    'FROM ops.lead_rollup c LEFT JOIN crm."user" u ON u.id = c.owner_id '
    f"WHERE c.what = 'count' AND {WHOSE} GROUP BY 1, 2, 3, 4"
)
_COUNT = text(
    "WITH c AS (SELECT owner_id, lead_source AS source, status, "  # noqa: S608
    "converted_at IS NOT NULL AS is_converted, count(*) AS n FROM crm.lead "
    f"WHERE {_CAME} GROUP BY 1, 2, 3, 4) "
    'SELECT u.email AS owner, c.* FROM c LEFT JOIN crm."user" u ON u.id = c.owner_id'
)
_WON_COUNTED = text(
    "SELECT c.source, c.currency, CAST(sum(c.n) AS bigint) AS n, sum(c.value) AS value "  # noqa: S608
    "FROM ops.lead_rollup c JOIN crm.stage s ON s.id = c.stage_id AND s.category = 'won' "
    f"WHERE c.what = 'won' AND {WHOSE} GROUP BY 1, 2"
)
_WON = text(
    "SELECT l.lead_source AS source, d.currency, count(*) AS n, sum(d.value) AS value "  # noqa: S608
    f"FROM (SELECT id, lead_source FROM crm.lead WHERE {_CAME}) l "
    "JOIN crm.deal d ON d.lead_id = l.id AND d.archived_at IS NULL "
    "JOIN crm.stage s ON s.id = d.stage_id AND s.category = 'won' GROUP BY 1, 2"
)
_ANSWERED_COUNTED = text(
    "SELECT u.email AS owner, c.source, c.bucket, CAST(sum(c.n) AS bigint) AS n "  # noqa: S608
    'FROM ops.lead_rollup c LEFT JOIN crm."user" u ON u.id = c.owner_id '
    f"WHERE c.what = 'response' AND {WHOSE} GROUP BY 1, 2, 3"
)
_ANSWERED = text(
    """
WITH l AS (
  SELECT owner_id, lead_source AS source, CASE WHEN first_response_at IS NOT NULL THEN greatest(0,
    CAST(extract(epoch FROM first_response_at - """  # noqa: S608 our own text
    + LEAD_CAME
    + """) AS float8)) END AS seconds
  FROM crm.lead WHERE """
    + _CAME
    + """)
SELECT grouping(owner_id, source) AS level, u.email AS owner, source, count(*) AS leads,
       count(seconds) AS answered, percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS median_s,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY seconds) AS p90_s
FROM l LEFT JOIN crm."user" u ON u.id = l.owner_id
GROUP BY GROUPING SETS ((), (owner_id, u.email), (source))"""
)
_BY_OWNER, _BY_SOURCE, _IN_ALL = 1, 2, 3  # of `grouping`: which of the two are left out


def response_time(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Return how long leads waited for a first call, message, visit or reply."""
    head = scope.head("response-time")
    if scope.is_all_time:
        cells = conn.execute(_ANSWERED_COUNTED, scope.args).all()
        return {
            **head,
            "total": _bucketed(cells),
            "by_owner": _grouped(cells, "owner"),
            "by_source": _grouped(cells, "source"),
        }
    rows = conn.execute(_ANSWERED, scope.args).all()
    (total,) = [_exact(row) for row in rows if row.level == _IN_ALL]
    return {
        **head,
        "total": total,
        "by_owner": _sorted([_exact(r, owner=r.owner) for r in rows if r.level == _BY_OWNER]),
        "by_source": _sorted([_exact(r, source=r.source) for r in rows if r.level == _BY_SOURCE]),
    }


def _exact(row: Row[Any], **name: str | None) -> dict[str, Any]:
    told = {"leads": row.leads, "answered": row.answered, "none_yet": row.leads - row.answered}
    return {**name, **told, "median_s": row.median_s, "p90_s": row.p90_s}


def _bucketed(cells: Sequence[Row[Any]]) -> dict[str, Any]:
    buckets: dict[int, int] = defaultdict(int)
    for cell in cells:
        if cell.bucket is not None:
            buckets[cell.bucket] += cell.n
    leads, answered = sum(cell.n for cell in cells), sum(buckets.values())
    told = {"leads": leads, "answered": answered, "none_yet": leads - answered}
    times = {"median_s": percentile(buckets, MEDIAN), "p90_s": percentile(buckets, P90)}
    return {**told, **times}


def _grouped(cells: Sequence[Row[Any]], name: str) -> list[dict[str, Any]]:
    groups: dict[str | None, list[Row[Any]]] = defaultdict(list)
    for cell in cells:
        groups[getattr(cell, name)].append(cell)
    told = [{name: key, **_bucketed(mine)} for key, mine in groups.items()]
    return _sorted([row for row in told if row["leads"]])


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put rows in the order of their first value, those without one last."""
    return sorted(rows, key=lambda r: ((first := next(iter(r.values()))) is None, first or ""))


def lead_sources(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Return what became of each source's leads: qualified, converted, won, and the value won."""
    is_all = scope.is_all_time
    counts: dict[str | None, dict[str, int]] = defaultdict(
        lambda: {"leads": 0, "qualified": 0, "converted": 0}
    )
    for cell in conn.execute(_COUNTED if is_all else _COUNT, scope.args):
        mine = counts[cell.source]
        mine["leads"] += cell.n
        mine["converted"] += cell.n if cell.is_converted else 0
        is_qualified = cell.is_converted or cell.status.lower() == "qualified"
        mine["qualified"] += cell.n if is_qualified else 0
    won: dict[str | None, list[Row[Any]]] = defaultdict(list)
    for cell in conn.execute(_WON_COUNTED if is_all else _WON, scope.args):
        won[cell.source].append(cell)
    rows = [
        {
            "source": source,
            **mine,
            "won": sum(cell.n for cell in won[source]),
            "value": money((cell.currency, cell.value) for cell in won[source] if cell.n),
            "converted_rate": ratio(mine["converted"], mine["leads"]),
        }
        for source, mine in counts.items()
        if mine["leads"]
    ]
    return {**scope.head("lead-sources"), "is_exact": True, "by_source": _sorted(rows)}


def leads_by_owner(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Return how many leads each owner has, by status; converted ones apart."""
    statuses: dict[str | None, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for cell in conn.execute(_COUNTED if scope.is_all_time else _COUNT, scope.args):
        statuses[cell.owner]["(converted)" if cell.is_converted else cell.status] += cell.n
    rows = [
        {
            "owner": owner,
            "leads": sum(found.values()),
            "statuses": {name: n for name, n in sorted(found.items()) if n},
        }
        for owner, found in statuses.items()
        if sum(found.values())
    ]
    return {**scope.head("leads"), "is_exact": True, "by_owner": _sorted(rows)}
