"""An inventory: what the vendor counts, and what the hub cannot decide."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from hub.actions.batches import migrate
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
from tests.acting import acting
from tests.flow.conftest import START, World

WHO = acting("operator")


class Whole:
    """A source that can be migrated as a whole, with a stream that is forbidden."""

    source = "salesforce"

    def streams(self) -> Sequence[Stream]:
        return [Stream("leads")]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        return Window(None, START)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        raise AssertionError("an inventory reads nothing")

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        raise AssertionError("the inventory counts")

    def check(self) -> Sequence[Finding]:
        return []

    def objects(self) -> Sequence[Stream]:
        return [Stream("leads"), Stream("contacts")]

    def ranges(self, stream: Stream, window: Window) -> Sequence[Range]:
        raise AssertionError("an inventory cuts no ranges")

    def read_range(
        self, stream: Stream, window: Window, part: Range, resume: Cursor | None = None
    ) -> Iterator[Page]:
        raise AssertionError("an inventory reads nothing")

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
                FieldUse("Score__c", filled_n=7, custom=True),
                FieldUse("Nobody_Reads_Me", filled_n=3),
                FieldUse("Never_Filled", filled_n=0),
            ],
            [
                OwnerUse("005A", "Ann", 20, "ANN@owners.example.com"),
                OwnerUse("005B", "Marc", 12, "marc@old.example.com", active=False),
                OwnerUse("00G1", "Inbound", 8, is_queue=True),
            ],
            requests_n=5, remaining_n=1000,
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
    assert (found.requests_n, found.remaining_n) == (5, 1000)
    told = {one.id: one.why for one in found.owners}
    assert told["005B"] == "inactive at the source"
    assert told["00G1"].startswith("a queue")
    assert "005A" not in told
    assert not world.rows("SELECT FROM ops.batch WHERE kind = 'migrate'")
