"""Companies in the CRM: found, made once, linked; a lead goes to the account of its company."""

from typing import Any

from hub.pipeline import companies, flow
from hub.pipeline.load import refold
from tests.flow.conftest import World, hubspot_contact, salesforce_lead

NORTH = {"organization_name": "Northgate Robotics Ltd", "website": "https://www.northgate.example"}


def made(world: World, **values: Any) -> int:
    """A company that a person made, with its row."""
    with world.db.engine.begin() as conn:
        entity = companies.make(conn, {**NORTH, **values})
        refold(conn, [entity])
    return entity


def account_of(world: World, number: int) -> Any:
    (row,) = world.rows(
        "SELECT a.entity_id, a.organization_name, l.account_why AS why FROM crm.lead l "
        "JOIN ops.source_record s ON s.entity_id = l.entity_id "
        "LEFT JOIN crm.contact a ON a.id = l.account_id WHERE s.source_id = :id",
        id=f"00Q{number:012d}AAA",
    )
    return row


def test_a_company_that_is_made_is_a_contact_and_is_found_again(world: World) -> None:
    entity = made(world, city="Leeds")
    (row,) = world.rows("SELECT * FROM crm.contact")
    assert (row.is_organization, row.organization_name) == (True, NORTH["organization_name"])
    (shown,) = world.rows("SELECT name, is_organization FROM reporting.contacts")
    assert tuple(shown) == (NORTH["organization_name"], True)
    with world.db.engine.begin() as conn:
        assert companies.find(conn, None, "jo@mail.northgate.example") == entity
        assert companies.find(conn, "NORTHGATE ROBOTICS") == entity
        assert companies.find(conn, "Northgate", None, "Leeds") is None
        assert companies.find(conn, "Ridgeway", "ridgeway.example") is None
        assert companies.find(conn, "Northgate", "jo@gmail.com") is None
        assert companies.make(conn, NORTH) == entity
    assert flow.waiting(world.hub)["load"] == 0


def test_a_link_outlives_the_next_fold_and_can_be_taken_back(world: World) -> None:
    lea = hubspot_contact(1, lifecyclestage="customer", lastname="Moreau", email="l@m.example.com")
    world.add("hubspot", "contacts", lea)
    flow.sync(world.hub, ["hubspot"])
    entity = made(world)
    (person,) = world.rows("SELECT * FROM crm.contact WHERE NOT is_organization")
    with world.db.engine.begin() as conn:
        companies.link(conn, person.entity_id, entity, who="ann@x.example")
        refold(conn, [person.entity_id])
    company = "SELECT c.entity_id FROM crm.contact p JOIN crm.contact c ON c.id = p.company_id"
    assert [row.entity_id for row in world.rows(company)] == [entity]
    changed = hubspot_contact(
        1, at=50, lifecyclestage="customer", lastname="Morel", email="l@m.example.com"
    )
    world.add("hubspot", "contacts", changed)
    flow.sync(world.hub, ["hubspot"])
    assert [row.entity_id for row in world.rows(company)] == [entity]
    with world.db.engine.begin() as conn:
        companies.unlink(conn, person.entity_id, entity)
        refold(conn, [person.entity_id])
    assert world.rows(company) == []


def test_a_lead_finds_its_account_by_domain_or_by_name_in_any_order(world: World) -> None:
    before = salesforce_lead(1, LastName="Lee", Email="ann.lee@eu.northgate.example")
    world.add("salesforce", "leads", before)
    flow.sync(world.hub, ["salesforce"])
    assert account_of(world, 1).entity_id is None
    entity = made(world)
    after = salesforce_lead(2, LastName="Ray", Company="Northgate Robotics")
    other = salesforce_lead(3, LastName="Poe", Company="Northgate", Email="poe@gmail.com")
    world.add("salesforce", "leads", after, other)
    flow.sync(world.hub, ["salesforce"])
    assert (account_of(world, 1).entity_id, account_of(world, 1).why) == (entity, "domain")
    assert (account_of(world, 2).entity_id, account_of(world, 2).why) == (entity, "name")
    assert account_of(world, 3).entity_id is None
    assert flow.waiting(world.hub)["load"] == 0
