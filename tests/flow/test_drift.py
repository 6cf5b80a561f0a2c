"""Fields and values that a mapping does not know are counted by field; the counts name no person."""

from hub.etl import flow, reprocess
from hub.etl.drifting import Drift, drift_of
from hub.model.records import RawRecord
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


def test_placeholders_are_counted_beside_drift(world: World) -> None:
    world.salesforce.objects["leads"] = [
        salesforce_lead(n, LastName="Roche", Company="Acme", City="n/a", Title="-") for n in (1, 2)
    ]
    flow.sync(world.hub, ["salesforce"])
    found = _drift(world)
    assert {(d["field"], d["value"]): d["n"] for d in found.placeholders} == {
        ("city", "n/a"): 2,
        ("title", "-"): 2,
    }
    assert not found.unknown
    assert "city" not in found.fill


def test_a_count_grows_and_keeps_its_first_day(world: World) -> None:
    for n in (1, 2):
        with world.hub.engine.begin() as conn:
            drift.count(conn, "salesforce", "leads", {("field", "Zone", ""): n})
    with world.hub.engine.begin() as conn:
        (one,) = drift.most(conn, 10)
    assert one["n"] == 3
    assert one["first_seen"] < one["last_seen"]


def test_a_field_that_stays_away_has_vanished_and_a_remap_counts_anew(world: World) -> None:
    def lead(number: int, **values: object) -> RawRecord:
        return salesforce_lead(number, LastName=f"Name{number}", Company="Acme", **values)

    for number in range(60):
        world.add("salesforce", "leads", lead(number, at=number + 1, Title="Buyer"))
    flow.sync(world.hub, ["salesforce"])
    for number in range(100, 300):
        world.add("salesforce", "leads", lead(number, at=number + 1, JobTitle="Buyer"))
    flow.sync(world.hub, ["salesforce"])
    found = _drift(world)
    assert found.vanished == {
        "title": "filled in 100% of 60 records, in none of the newest 200: is it `JobTitle` now?"
    }
    assert found.fill["last_name"] == 1.0
    (unknown,) = found.unknown
    assert (unknown["field"], unknown["n"]) == ("JobTitle", 200)
    assert "mappings/salesforce/leads.yaml" in unknown["suggestion"]
    reprocess.remap(world.hub, "salesforce", "leads")
    (unknown,) = _drift(world).unknown
    assert unknown["n"] == 200, "counted once more, not twice"


def _drift(world: World) -> Drift:
    with world.hub.engine.begin() as conn:
        return drift_of(conn, "salesforce/leads", world.hub.mapping("salesforce", "leads").filled)
