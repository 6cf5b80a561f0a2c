"""Reports on leads and deals, each in one document.

In: a connection and a scope (a period or all time; an owner, a pipeline, a source, an outcome). A report over a
period reads the records of that period by an index and is exact; one over all time reads the
rollups (`hub.crm.rollups`). Not here: how a report is shown, and who asked for it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from hub.reports.activity import activity
from hub.reports.cycle import sales_cycle
from hub.reports.incoming import lead_sources, leads_by_owner, response_time
from hub.reports.outcomes import won_lost
from hub.reports.pipeline import pipeline_now
from hub.reports.scope import Scope
from hub.reports.unasked import unasked

REPORTS: Mapping[str, Callable[[Connection, Scope], dict[str, Any]]] = {
    "sales-cycle": sales_cycle,
    "won-lost": won_lost,
    "pipeline": pipeline_now,
    "response-time": response_time,
    "lead-sources": lead_sources,
    "leads": leads_by_owner,
    "unasked": unasked,
    "activity": activity,
}
"""By name."""

__all__ = ["REPORTS", "Scope"]
