"""A fault is no larger than its cause: one source, one stream, and everything else comes in."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from hub.cli.output import sync_code
from hub.connectors.base import Connector, Cursor, Stream, Window
from hub.errors import (
    BudgetError,
    ConfigError,
    CredentialError,
    ForbiddenError,
    HubError,
    ProtocolError,
    TransientError,
)
from hub.etl import flow
from tests.flow.conftest import HandConnector, World, hubspot_contact, salesforce_lead

BOTH = ["hubspot", "salesforce"]


@dataclass
class Failing(HandConnector):
    """A vendor that fails in one method for some streams."""

    error: Exception | None = None
    method: str = "read"
    streams_hit: tuple[str, ...] = ("owners", "contacts")
    asked: list[str] = field(default_factory=list)

    def _hit(self, method: str, stream: Stream) -> None:
        if method == "window":
            self.asked.append(stream.name)
        if self.error is not None and method == self.method and stream.name in self.streams_hit:
            raise self.error

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        self._hit("window", stream)
        return super().window(stream, cursor)

    def read(self, stream: Stream, window: Window) -> Any:
        for page in super().read(stream, window):
            yield page
            self._hit("read", stream)

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        self._hit("count", stream)
        return super().count(stream, since, until)


@pytest.fixture
def failing(world: World) -> tuple[World, Failing]:
    """Two sources with two records each, of which the first can be made to fail."""
    hubspot = Failing("hubspot", names=("owners", "contacts"), page_size=1)
    world.vendors["hubspot"] = hubspot
    for n in (1, 2):
        world.add("hubspot", "contacts", hubspot_contact(n, lastname=f"H{n}"))
        world.add("salesforce", "leads", salesforce_lead(n, LastName=f"N{n}"))
    return world, hubspot


def states(world: World) -> list[tuple[str, str]]:
    return [tuple(r) for r in world.rows("SELECT source, state FROM ops.batch ORDER BY id")]


ERRORS: list[tuple[Exception, int]] = [
    (CredentialError("GET api.hubapi.com/crm answered 401"), 2),
    (ConfigError("no property is visible"), 2),
    (ForbiddenError("GET api.hubapi.com/crm answered 403"), 2),
    (TransientError("the vendor is away"), 1),
    (ProtocolError("the page comes again"), 1),
    (HubError("something else"), 1),
    (RecursionError("maximum recursion depth exceeded"), 1),
]


@pytest.mark.parametrize("method", ["window", "count", "read"])
@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda v: type(v).__name__)
def test_one_source_fails_and_the_other_is_complete(
    failing: tuple[World, Failing], error: Exception, code: int, method: str
) -> None:
    world, hubspot = failing
    hubspot.error, hubspot.method = error, method
    for _ in range(2):
        report = flow.sync(world.hub, BOTH)
        assert {fault.source for fault in report.faults} == {"hubspot"}
        assert all(fault.told.startswith("hubspot/") for fault in report.faults)
        assert sync_code(report.faults, holds=report.holds, quarantined=0) == code
        assert all(e.holds for e in report.ledgers if e.source == "salesforce")
        assert "running" not in {state for _, state in states(world)}
        assert not any(flow.waiting(world.hub).values()), "what has landed is settled"
        leads = world.rows("SELECT owner_email FROM reporting.leads WHERE last_name LIKE 'N%'")
        assert len(leads) == 2
        assert all(row.owner_email for row in leads)
    hubspot.error = None
    report = flow.sync(world.hub, BOTH)
    assert report.holds
    assert not report.faults
    names = {r.last_name for r in world.rows("SELECT last_name FROM reporting.leads")}
    assert names >= {"N1", "N2"}
    seen = world.rows("SELECT source_id FROM ops.source_record WHERE source = 'hubspot'")
    assert {r.source_id for r in seen} == {"1", "2"}
    world.add("salesforce", "leads", salesforce_lead(3, at=50, LastName="Later"))
    flow.sync(world.hub, BOTH)
    rung = world.rows("SELECT event FROM ops.outbox WHERE event <> 'leads_digest'")
    assert [row.event for row in rung] == ["lead_assigned"], "only the later lead rings"


def test_a_source_that_cannot_be_connected_keeps_no_other_back(world: World) -> None:
    def connector(source: str) -> Connector:
        if source == "hubspot":
            raise CredentialError(
                "hubspot: no token is set", hint="set HUB_SOURCES__HUBSPOT__TOKEN"
            )
        return world.vendors[source]

    world.add("salesforce", "leads", salesforce_lead(1, LastName="N1"))
    hub = replace(world.hub, connector=connector)
    for full in (False, True):
        report = flow.sync(hub, BOTH, full=full)
        (fault,) = report.faults
        assert fault.sentence == "hubspot: no token is set; next: set HUB_SOURCES__HUBSPOT__TOKEN"
        assert sync_code(report.faults, holds=report.holds, quarantined=3) == 2
        assert len(world.rows("SELECT 1 FROM reporting.leads")) == 1
    assert flow.sync(world.hub, BOTH).holds


def test_a_forbidden_stream_keeps_no_other_of_its_source_back(
    failing: tuple[World, Failing],
) -> None:
    world, hubspot = failing
    hubspot.error, hubspot.streams_hit = (
        ForbiddenError("answered 403", hint="grant it"),
        ("owners",),
    )
    report = flow.sync(world.hub, ["hubspot"])
    (fault,) = report.faults
    assert fault.sentence == (
        "hubspot/owners: answered 403; next: grant it; or leave it out: sources.hubspot.skip: [owners]"
    )
    assert [e.stream for e in report.ledgers if not e.holds] == ["owners"]
    (contacts,) = [e for e in report.ledgers if e.stream == "contacts"]
    assert contacts.seen == 2
    assert states(world) == [("hubspot", "failed")]


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (CredentialError("401"), ["owners"]),
        (BudgetError("used up"), ["owners"]),
        (ForbiddenError("403"), ["owners", "contacts"]),
        (TransientError("away"), ["owners", "contacts"]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_a_source_whose_account_is_refused_is_not_asked_on(
    failing: tuple[World, Failing], error: Exception, asked: list[str]
) -> None:
    world, hubspot = failing
    hubspot.error = error
    flow.sync(world.hub, ["hubspot"])
    assert hubspot.asked == asked


def test_a_sync_that_a_fault_ended_inside_a_window_goes_on_in_its_batch(
    failing: tuple[World, Failing],
) -> None:
    world, hubspot = failing
    hubspot.error, hubspot.streams_hit = TransientError("away"), ("contacts",)
    flow.sync(world.hub, ["hubspot"])
    assert states(world) == [("hubspot", "failed")]
    hubspot.error = None
    report = flow.sync(world.hub, ["hubspot"])
    assert states(world) == [("hubspot", "done")], "one batch, and what it had read counts"
    (contacts,) = [e for e in report.ledgers if e.stream == "contacts"]
    assert (contacts.counted, contacts.seen, contacts.holds) == (2, 2, True)
