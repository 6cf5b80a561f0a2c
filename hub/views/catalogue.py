"""The read models by what people call them: what the reference and the tests walk."""

from hub.erase.receipt import Receipt
from hub.views.activities import RecordActivities
from hub.views.activity_report import ActivityReport
from hub.views.card_forms import CompanyCard, ContactCard, DealCard, LeadCard
from hub.views.deal_reports import PipelineNow, SalesCycle, WonLost
from hub.views.finding import Found
from hub.views.lead_reports import LeadsByOwner, LeadSources, ResponseTime, Unasked
from hub.views.lists import ListPage
from hub.views.match_models import MatchModel
from hub.views.parts import Tickets
from hub.views.reconciliation import Reconciliation
from hub.views.remapping import RemapPlan
from hub.views.status import Status
from hub.views.undoing import UndoReport

READ_MODELS: dict[str, type] = {
    "Card of a lead": LeadCard,
    "Card of a contact": ContactCard,
    "Card of a company": CompanyCard,
    "Card of a deal": DealCard,
    "Page of a list": ListPage,
    "Search": Found,
    "Activities of a record": RecordActivities,
    "Tickets": Tickets,
    "Proof of a batch": Reconciliation,
    "Status": Status,
    "Undo of a batch": UndoReport,
    "Preview of a remap": RemapPlan,
    "Receipt of an erasure": Receipt,
    "Matching model": MatchModel,
    "Report: sales-cycle": SalesCycle,
    "Report: won-lost": WonLost,
    "Report: pipeline": PipelineNow,
    "Report: response-time": ResponseTime,
    "Report: lead-sources": LeadSources,
    "Report: leads": LeadsByOwner,
    "Report: unasked": Unasked,
    "Report: activity": ActivityReport,
}
