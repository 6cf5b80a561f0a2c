"""A changed mapping is derived again without a call of `hub remap`."""

from dataclasses import replace
from importlib.resources import files

import yaml
from sqlalchemy import text

from hub.etl import consent_changes, flow, rederive
from hub.etl.context import Hub
from hub.mappings.document import MappingDocument
from tests.flow.conftest import World, salesforce_lead

LEADS = "salesforce/leads"


def with_leads_emitting(hub: Hub, *entities: str) -> Hub:
    """The hub with another mapping of Salesforce's leads: these targets alone."""
    shipped = yaml.safe_load((files("hub.mappings") / f"{LEADS}.yaml").read_text())
    shipped["emit"] = [one for one in shipped["emit"] if one["entity"] in entities]
    changed = MappingDocument.model_validate(shipped)
    assert changed.version != hub.mappings[LEADS].version
    return replace(hub, mappings={**hub.mappings, LEADS: changed})


def test_an_opt_out_that_the_new_mapping_does_not_read_stands_until_accepted(world: World) -> None:
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, LastName="Moreau", Email="lea@x.example.com", HasOptedOutOfEmail=True),
    )  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    states = "SELECT state FROM reporting.consents WHERE address = 'lea@x.example.com'"
    before = world.rows(states)
    assert [row.state for row in before] == ["opt_out"]
    hub = with_leads_emitting(world.hub, "lead")
    assert rederive.rederive(hub).done["mapping"] == 1
    assert world.rows(states) == before
    with world.db.engine.begin() as conn:
        (one,) = consent_changes.held(conn)
        assert one.address == "lea@x.example.com"
        consent_changes.accept(conn, "operator")
    assert [row.state for row in world.rows(states)] != ["opt_out"]


def test_a_lead_that_the_new_mapping_finds_is_told_in_one_digest(world: World) -> None:
    others = {name: one for name, one in world.hub.mappings.items() if name != LEADS}
    without = replace(world.hub, mappings=others)
    with world.db.engine.begin() as conn:
        conn.execute(text("DELETE FROM ops.derivation WHERE part = :part"), {"part": LEADS})
    for number in (1, 2, 3):
        world.add("salesforce", "leads", salesforce_lead(number, LastName=f"L{number}"))
    flow.sync(without, ["salesforce"])
    assert world.rows("SELECT id FROM crm.lead") == []
    assert rederive.rederive(world.hub).left == 0
    assert len(world.rows("SELECT id FROM crm.lead WHERE owner_id IS NOT NULL")) == 3
    events = world.rows("SELECT event, count(*) AS n FROM ops.outbox GROUP BY event")
    assert {row.event for row in events} == {"leads_digest"}
    with world.db.engine.begin() as conn:
        twice = conn.execute(
            text("SELECT user_id FROM ops.outbox GROUP BY user_id HAVING count(*) > 1")
        ).all()
    assert twice == []
