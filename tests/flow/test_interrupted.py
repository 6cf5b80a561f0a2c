"""A sync that ended early is taken up by the next one, and what it had read is proved with it."""

from datetime import datetime

import pytest

from hub.connectors.base import Stream
from hub.errors import TransientError
from hub.etl import flow
from hub.landing import store
from tests.flow.conftest import HandConnector, World, salesforce_lead


@pytest.fixture
def dumb(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose Salesforce hides a lead, and ends the first sync when it is asked to count."""
    world.salesforce.objects["leads"] = [salesforce_lead(n, LastName=f"N{n}") for n in range(1, 30)]
    world.salesforce.hidden = {"00Q000000000017AAA"}
    count, asked = HandConnector.count, []

    def once(
        self: HandConnector, stream: Stream, since: datetime | None, until: datetime
    ) -> int | None:
        if stream.name == "leads" and not asked:
            asked.append(stream)
            raise TransientError("the vendor is away")
        return count(self, stream, since, until)

    monkeypatch.setattr(HandConnector, "count", once)
    return world


def test_what_was_read_before_an_interruption_is_proved_after_it(dumb: World) -> None:
    assert [f.part for f in flow.sync(dumb.hub, ["salesforce"]).faults] == ["leads"]
    report = flow.sync(dumb.hub, ["salesforce"])
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert (entry.counted, entry.seen) == (29, 28)
    assert not report.holds
    assert str(entry.shortage["narrowest"]).startswith("2026-01-01T00:00:17")


def test_an_unproved_window_is_read_again_from_the_very_cursor_it_began_with(dumb: World) -> None:
    before = {"watermark": "2026-01-01T00:00:05+00:00", "known": ["of the connector's own"]}
    with dumb.db.engine.begin() as conn:
        store.write_cursor(conn, "salesforce", "leads", before)
    assert [f.part for f in flow.sync(dumb.hub, ["salesforce"]).faults] == ["leads"]
    assert not flow.sync(dumb.hub, ["salesforce"]).holds
    with dumb.db.engine.begin() as conn:
        assert store.read_cursor(conn, "salesforce", "leads") == before
    dumb.salesforce.hidden = set()
    assert flow.sync(dumb.hub, ["salesforce"]).holds


def test_a_full_sync_that_takes_up_an_interrupted_one_reads_from_the_beginning(dumb: World) -> None:
    with dumb.db.engine.begin() as conn:
        store.write_cursor(conn, "salesforce", "leads", {"watermark": "2026-01-01T00:00:25+00:00"})
    assert [f.part for f in flow.sync(dumb.hub, ["salesforce"]).faults] == ["leads"]
    dumb.salesforce.hidden = set()
    report = flow.sync(dumb.hub, ["salesforce"], full=True)
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert (entry.counted, entry.seen, entry.holds) == (29, 29, True)
