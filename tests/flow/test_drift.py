"""What a source sends that its mapping does not know is counted, by field, and names nobody."""

from hub.pipeline import flow
from hub.records import drift
from tests.flow.conftest import World, salesforce_lead


def test_unknown_keys_list_values_and_types_are_counted(world: World) -> None:
    world.salesforce.objects["leads"] = [
        salesforce_lead(1, LastName="Roche", Zone={"by": "eve@r.example.com"}, City=["Lyon"]),
        salesforce_lead(2, LastName="Blanc", Zone=7, Rating="Boiling" * 30),
    ]
    flow.sync(world.hub, ["salesforce"])
    with world.hub.engine.begin() as conn:
        found = {(d["kind"], d["field"], d["value"]): d["n"] for d in drift.most(conn, 100)}
    assert found == {
        ("field", "Zone", ""): 2,
        ("type", "city", "a list"): 1,
        ("value", "tags", ("Boiling" * 30)[:60]): 1,
    }


def test_a_count_grows_and_keeps_its_first_day(world: World) -> None:
    for n in (1, 2):
        with world.hub.engine.begin() as conn:
            drift.count(conn, "salesforce", "leads", {("field", "Zone", ""): n})
    with world.hub.engine.begin() as conn:
        (one,) = drift.most(conn, 10)
    assert one["n"] == 3
    assert one["first_seen"] < one["last_seen"]
