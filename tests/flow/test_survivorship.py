"""Changed rules of survivorship: all people are folded again, in each way that starts a fold."""

from typing import Any

from sqlalchemy import text

from hub.actions.identity.explain import explain
from hub.actions.people.edit import edit
from hub.etl import flow
from hub.etl.survivorship import apply_rules
from hub.golden.rules import SHIPPED, overlaid
from tests.acting import by
from tests.flow.conftest import World, salesforce_lead


def _lead(world: World) -> dict[str, Any]:
    with world.db.engine.begin() as conn:
        row = conn.execute(text("SELECT city, title, last_name FROM crm.lead")).mappings().one()
    return dict(row)


def test_changed_rules_fold_everybody_again_and_are_told(world: World) -> None:
    old = salesforce_lead(1, FirstName="Lea", LastName="Moreau", Email="lea@moreau.example.com", City="Lyon", Title="Chief of staff")  # fmt: skip
    new = salesforce_lead(2, FirstName="Lea", LastName="Moreau", Email="lea@moreau.example.com", City="Nice", Title="CEO")  # fmt: skip
    world.add("salesforce", "leads", old, new)
    flow.sync(world.hub, ["salesforce"])
    before = _lead(world)
    with world.db.engine.begin() as conn:
        apply_rules(conn, SHIPPED)
    assert flow.run_load(world.hub).get("leads_updated", 0) == 0, "the rules are what they were"
    longest = overlaid({"groups": {"identity": {"by": "longest"}, "firmographics": {"by": "longest"}}})  # fmt: skip
    with world.db.engine.begin() as conn:
        apply_rules(conn, longest)
    assert flow.run_load(world.hub)["leads_updated"] == (before["title"] != "Chief of staff")
    assert _lead(world)["title"] == "Chief of staff"
    name = "salesforce/leads/00Q000000000001AAA"
    with world.db.engine.begin() as conn:
        told = explain(by(conn), name).fields["title"]
        assert (told.rule, told.by) == ("length", "firmographics: longest")
        edit(by(conn, "operator"), name, {"city": "Paris"})
    assert (_lead(world)["title"], _lead(world)["city"]) == ("Chief of staff", "Paris")
    with world.db.engine.begin() as conn:
        apply_rules(conn, SHIPPED)
    flow.run_load(world.hub)
    assert _lead(world) == {**before, "city": "Paris"}, "an edit stands whatever the rules"
