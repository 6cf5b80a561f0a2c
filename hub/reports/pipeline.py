"""Pipeline now: open deals by stage and owner, with their value weighted by likelihood.

There is no period: open means open at present. Read from the rollup, and exact.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.reports.scope import OF_PIPELINE, WHOSE, Scope, money

_OPEN = text(
    """
WITH c AS (
  SELECT owner_id, stage_id, currency, CAST(sum(n) AS bigint) AS n, sum(value) AS value,
         sum(own_value) AS own_value, sum(own_weighted) AS own_weighted
  FROM ops.deal_rollup WHERE month IS NULL AND """  # noqa: S608 our own text
    + WHOSE
    + """ GROUP BY 1, 2, 3)
SELECT p.name AS pipeline, s.name AS stage, u.email AS owner, c.currency, c.n, c.value,
       (c.value - c.own_value) * s.likelihood / 100 + c.own_weighted AS weighted
FROM c JOIN crm.stage s ON s.id = c.stage_id JOIN crm.pipeline p ON p.id = s.pipeline_id
LEFT JOIN crm."user" u ON u.id = c.owner_id
WHERE s.is_active AND c.n <> 0 AND """
    + OF_PIPELINE
    + " ORDER BY p.position, p.id, s.position, s.id, u.email"
)


def pipeline_now(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Return open deals by stage and by owner: number, value, weighted value."""
    cells = conn.execute(_OPEN, scope.args).all()
    stages: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    owners: dict[str | None, list[Row[Any]]] = defaultdict(list)
    for cell in cells:
        stages[cell.pipeline, cell.stage].append(cell)
        owners[cell.owner].append(cell)
    known = sorted(owners, key=lambda o: (o is None, o or ""))
    return {
        "report": "pipeline",
        "period": None,
        "is_exact": True,
        "total": _figures(cells),
        "by_stage": [
            {"pipeline": pipeline, "stage": stage, **_figures(mine)}
            for (pipeline, stage), mine in stages.items()
        ],
        "by_owner": [{"owner": owner, **_figures(owners[owner])} for owner in known],
    }


def _figures(cells: Sequence[Row[Any]]) -> dict[str, Any]:
    return {
        "deals": sum(cell.n for cell in cells),
        "value": money((cell.currency, cell.value) for cell in cells),
        "weighted": money((cell.currency, cell.weighted) for cell in cells),
    }
