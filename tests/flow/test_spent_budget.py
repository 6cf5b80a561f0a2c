"""A source whose quota is used up stops politely; the others of the same sync go on."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from structlog.testing import capture_logs

from hub.clock import SystemClock
from hub.connectors.base import Page, Stream, Window
from hub.connectors.governor import Limits, Usage
from hub.crm import owners
from hub.db.engine import Database
from hub.errors import BudgetError
from hub.etl import flow
from hub.etl.assemble import group_of
from hub.etl.budget import SharedBudget, account_of
from hub.etl.context import Hub
from hub.etl.groups import apply_groups
from hub.settings import Settings
from tests.flow.conftest import HandConnector, salesforce_lead
from tests.shipped import mappings


@dataclass
class Spent(HandConnector):
    """A vendor who has no request left."""

    is_spent: bool = True

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        if self.is_spent:
            raise BudgetError("typeform: 80 of 100 daily requests are used")
        yield from super().read(stream, window)


def test_one_spent_budget_stops_one_source(db: Database, settings: Settings) -> None:
    spent = Spent("typeform", names=("responses",))
    salesforce = HandConnector(
        "salesforce", {"leads": [salesforce_lead(1, LastName="Ray", Company="R")]}, names=("leads",)
    )
    vendors = {"salesforce": salesforce, "typeform": spent}
    hub = Hub(db.engine, SystemClock(), settings, mappings(), vendors.__getitem__)
    with db.engine.begin() as conn:
        owners.apply_people(
            conn, [owners.Person(p.email, p.name, True, "UTC", {}) for p in settings.people]
        )
        apply_groups(conn, [group_of(g) for g in settings.groups])
    report = flow.sync(hub, ["typeform", "salesforce"])
    assert report.stopped.keys() == {"typeform"}
    assert report.holds
    assert [entry.source for entry in report.ledgers] == ["salesforce"]
    assert _states(db) == {"typeform": "partial", "salesforce": "done"}
    spent.is_spent = False
    report = flow.sync(hub, ["typeform"])
    assert not report.stopped
    assert _states(db)["typeform"] == "done"


def test_a_complete_load_is_preceded_by_a_forecast(db: Database, settings: Settings) -> None:
    block = {"sources": {"salesforce": {"domain": "acme.my", "page_size": 10}}}
    settings = Settings.model_validate({**settings.model_dump(), **block})
    vendor = HandConnector(
        "salesforce", {"leads": [salesforce_lead(n) for n in range(1, 26)]}, names=("leads",)
    )
    hub = Hub(db.engine, SystemClock(), settings, mappings(), {"salesforce": vendor}.get)
    account = account_of("salesforce", settings.sources.salesforce)
    SharedBudget(db.engine, account, Limits(), SystemClock()).observe(Usage(78, 100))
    (stream,) = vendor.streams()
    batch = flow.begin(hub, "salesforce")
    with capture_logs() as logs:
        flow.land_stream(hub, batch, stream)
        flow.land_stream(hub, batch, stream)
    (said,) = [entry for entry in logs if entry["event"] == "budget_forecast"]
    assert (said["needs"], said["of"], said["log_level"]) == (3, 2, "warning")


def _states(db: Database) -> dict[str, str]:
    with db.engine.begin() as conn:
        rows = conn.execute(text("SELECT source, state FROM ops.batch ORDER BY id"))
        return {row.source: row.state for row in rows}
