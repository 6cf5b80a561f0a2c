"""An inventory: what the vendor counts, and what the hub cannot decide."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from hub.actions.batches import migrate
from hub.cli.inventory import show
from hub.connectors.base import (
    Cursor,
    FieldUse,
    Finding,
    Inventory,
    OwnerUse,
    Page,
    Range,
    Stream,
    Window,
)
from hub.errors import ForbiddenError
from hub.etl import flow
from hub.migration import sampling
from hub.migration.duplicates import StreamDuplicates
from hub.model.verdicts import Op
from hub.views.encoding import to_json
from tests.acting import acting
from tests.flow.conftest import START, World, hubspot_contact, salesforce_lead

WHO = acting("operator")


KNOWN = "cara@known.example.com"
LEADS = [
    salesforce_lead(1, LastName="Abel", Email="ann@abel.example.com", Phone="+33 6 12 34 56 78"),
    salesforce_lead(2, LastName="Abel", Email="Ann@Abel.example.com"),
    salesforce_lead(3, LastName="Borel", Email="info@borel.example.com"),
    salesforce_lead(4, LastName="Cadot", Email=KNOWN),
    salesforce_lead(5, LastName="Doria", Email="info@borel.example.com"),
    salesforce_lead(6, LastName="Estel", Email="e@estel.example.com", Phone="06 12 34 56 78"),
    salesforce_lead(7, op=Op.DELETE, LastName="Gone", Email=KNOWN),
]


class Whole:
    """A source that can be migrated as a whole, with a stream that is forbidden."""

    source = "salesforce"

    def streams(self) -> Sequence[Stream]:
        return [Stream("leads")]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        return Window(None, START)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        raise AssertionError("a sample is of ranges")

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        raise AssertionError("the inventory counts")

    def check(self) -> Sequence[Finding]:
        return []

    def objects(self) -> Sequence[Stream]:
        return [Stream("leads"), Stream("contacts")]

    def ranges(self, stream: Stream, window: Window) -> Sequence[Range]:
        return [Range("0001", count_n=42)]

    def read_range(
        self, stream: Stream, window: Window, part: Range, resume: Cursor | None = None
    ) -> Iterator[Page]:
        assert part.count_n == 0, "a job of the vendor would take minutes"
        for start in range(0, len(LEADS), 2):
            yield Page(LEADS[start : start + 2], {})

    def count_range(self, stream: Stream, window: Window, part: Range) -> int | None:
        raise AssertionError("an inventory counts no ranges")

    def following(self, stream: Stream, window: Window) -> Cursor:
        raise AssertionError("an inventory moves no cursor")

    def inventory(self, stream: Stream, window: Window) -> Inventory:
        if stream.name == "contacts":
            raise ForbiddenError("contacts: no access")
        return Inventory(
            "leads", 40, 2,
            [
                FieldUse("Status", kind="picklist", filled_n=40,
                         values={"Working - Contacted": 9, "Hot Prospect": 31, "": 0}),
                FieldUse("LastName", filled_n=40),
                FieldUse("Email", kind="email", filled_n=38, distinct_n=30),
                FieldUse("Score__c", filled_n=7, custom=True),
                FieldUse("Nobody_Reads_Me", filled_n=3),
                FieldUse("Never_Filled", filled_n=0),
            ],
            [
                OwnerUse("005A", "Ann", 20, "ANN@owners.example.com"),
                OwnerUse("005B", "Marc", 12, "marc@old.example.com", active=False),
                OwnerUse("00G1", "Inbound", 8, is_queue=True),
            ],
            requests_n=5, remaining_n=3, daily_n=4,
        )  # fmt: skip


def test_an_inventory_names_what_the_hub_cannot_decide(world: World) -> None:
    world = replace(world, hub=replace(world.hub, connector=lambda _: Whole()))

    found = migrate.inventory(world.hub, WHO, "salesforce")

    (leads,) = found.streams
    assert leads.counts is not None
    assert (leads.counts.count_n, leads.counts.deleted_n) == (40, 2)
    assert [(u.field, u.value, u.records) for u in leads.unknown] == [
        ("Status", "Hot Prospect", 31)
    ]
    assert "Working" in leads.unknown[0].known
    assert [one.name for one in leads.unread] == ["Nobody_Reads_Me"]
    assert [fault.part for fault in found.faults] == ["contacts"]
    assert (found.cost.requests_n, found.cost.left_n, found.cost.days_n) == (5, 3, 2)
    told = {one.id: one.why for one in found.owners}
    assert told["005B"] == "inactive at the source"
    assert told["00G1"].startswith("a queue")
    assert "005A" not in told
    assert not world.rows("SELECT FROM ops.batch WHERE kind = 'migrate'")


def test_an_inventory_says_who_may_be_there_twice_and_what_reading_takes(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.add(
        "hubspot", "contacts", hubspot_contact(1, lastname="Known", email=KNOWN, lifecyclestage="lead")
    )  # fmt: skip
    flow.sync(world.hub, ["hubspot"])
    hub = replace(world.hub, connector=lambda _: Whole())

    found = migrate.inventory(hub, WHO, "salesforce")

    # a shared address tells nobody apart; a deleted record is no person
    assert found.people == [
        StreamDuplicates("leads", 40, 6, True, 1, False, 1, 0, 1),
    ]
    assert found.cost.seconds is not None
    assert "@" not in str(to_json(found.people)), "a sample is read and forgotten"
    show(found)
    said = capsys.readouterr()
    assert "all 6" in said.out
    assert "reading takes about 5 requests (3 are left today)" in said.out
    assert "The hub may use 4 a day, so reading takes about 2 days." in said.err

    monkeypatch.setattr(sampling, "MOST_RECORDS", 4)
    found = migrate.inventory(hub, WHO, "salesforce")
    # 4 of 40 were read: Salesforce itself counts 38 - 30 addresses that come again
    assert found.people == [StreamDuplicates("leads", 40, 4, False, 8, True, 0, 0, 10)]
    show(found)
    said = capsys.readouterr()
    assert "4 of 40" in said.out
    assert "about 10" in said.out
    assert not world.rows("SELECT FROM landing.raw WHERE source = 'salesforce'")
