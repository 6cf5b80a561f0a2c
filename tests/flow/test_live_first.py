"""A lead that arrives while a migration is loaded goes to its owner first."""

import pytest

from hub.etl import flow
from hub.etl.live_first import take_live
from hub.migration import adopting, planning, reading
from tests.flow.conftest import World, hubspot_contact, salesforce_lead

WAITING = "SELECT count(*) AS n FROM ops.pending WHERE lane = 'bulk' AND stage = :stage"


def adopt(world: World) -> None:
    world.add("salesforce", "leads", *(
        salesforce_lead(10 + n, LastName=f"Bulk {n}", Email=f"bulk{n}@bulk{n}.example.com")
        for n in range(30)
    ))  # fmt: skip
    found = planning.plan(world.hub, "salesforce", "operator")
    reading.read(world.hub, found)
    adopting.adopt(world.hub, planning.of_batch(world.hub, found.batch.id))


def land_live(world: World) -> None:
    world.add("hubspot", "contacts", hubspot_contact(
        2, at=900, firstname="Live", lastname="Lead", email="live@lead.example.com",
        lifecyclestage="lead",
    ))  # fmt: skip
    batch = flow.begin(world.hub, "hubspot")
    assert batch.lane == "live"
    list(flow.land_source(world.hub, batch))


@pytest.mark.parametrize("until", ["normalize", "match", "load"])
def test_a_live_lead_waits_for_no_migration(world: World, until: str) -> None:
    world.add("hubspot", "contacts", hubspot_contact(
        1, firstname="Lea", lastname="Moreau", email="lea@moreau.example.com", lifecyclestage="lead",
    ))  # fmt: skip
    flow.sync(world.hub, ["hubspot"])
    adopt(world)
    if until != "normalize":
        flow.run_normalize(world.hub)
    if until == "load":
        flow.run_match(world.hub)
    before = world.rows(WAITING, stage=until)[0].n
    assert before >= 30 or until == "load"
    land_live(world)

    assert take_live(world.hub)

    (lead,) = world.rows("SELECT owner_id FROM crm.lead WHERE email = 'live@lead.example.com'")
    assert lead.owner_id is not None
    assert world.rows(WAITING, stage=until)[0].n == before
    assert not world.rows("SELECT FROM crm.lead WHERE last_name LIKE 'Bulk%'")
    assert not take_live(world.hub), "nothing live is left"
    flow.run_stages(world.hub)
    assert len(world.rows("SELECT FROM crm.lead WHERE last_name LIKE 'Bulk%'")) == 30


def test_nothing_is_done_twice_where_no_bulk_record_waits(world: World) -> None:
    world.add("hubspot", "contacts", hubspot_contact(
        1, firstname="Lea", lastname="Moreau", email="lea@moreau.example.com", lifecyclestage="lead",
    ))  # fmt: skip
    flow.sync(world.hub, ["hubspot"])
    land_live(world)

    assert not take_live(world.hub)
