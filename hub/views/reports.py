"""Reports as typed documents: one model a report, from which tables, `--json` and later an API are made.

In: the figures of `hub.reports`, and the filters by the names that the records have. Out: one frozen
document. Not here: who may read (`hub.actions.report`), how a report is drawn (`hub.cli.reports`).
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from hub.frozen import dataclass
from hub.reports import REPORTS, Scope
from hub.views import activity_report, deal_reports, lead_reports
from hub.views.report_head import Figures, Period, Report


@dataclass(frozen=True, slots=True)
class Recounted:
    """The rollups of the reports, counted again.

    Args:
        report: `refresh`.
        rows: number of rows by rollup.
    """

    report: str
    rows: Mapping[str, int]


_MODELS: Mapping[str, Callable[[Figures, Figures], Report]] = {
    "sales-cycle": deal_reports.sales_cycle,
    "won-lost": deal_reports.won_lost,
    "pipeline": deal_reports.pipeline_now,
    "response-time": lead_reports.response_time,
    "lead-sources": lead_reports.lead_sources,
    "leads": lead_reports.leads_by_owner,
    "unasked": lead_reports.unasked,
    "activity": activity_report.activity,
}


def read(conn: Connection, name: str, scope: Scope, filters: Mapping[str, str]) -> Report:
    """Return a report.

    Args:
        conn: an open transaction.
        name: one of `hub.reports.REPORTS`.
        scope: the period and the filters, by ids.
        filters: the same filters, by names.
    """
    found = REPORTS[name](conn, scope)
    period = None
    if found["period"] is not None and scope.first is not None and scope.last is not None:
        period = Period(scope.first, scope.last, scope.zone)
    head = {
        "report": found["report"],
        "period": period,
        "filters": filters,
        "is_exact": found["is_exact"],
    }
    return _MODELS[name](head, found)
