"""Companies in the CRM: found, made once, linked; a lead goes to the account of its company."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.identity.explain import explain
from hub.actions.identity.merge import merge, unmerge
from hub.etl import companies, flow
from hub.etl.load import refold
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.settings.blocks import RuleSettings
from tests.acting import by
from tests.flow.conftest import (
    World,
    hand_made,
    hubspot_contact,
    hubspot_owner,
    salesforce_lead,
)

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
        companies.unlink_all(conn, {person.entity_id: entity})
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


def company(number: int, *, at: int = 0, op: Op = Op.UPSERT, **properties: Any) -> RawRecord:
    row = {"id": str(number), "properties": properties, "archived": False}
    return hand_made(str(number), row, at or number, op)


def organization(number: int, name: str, *domains: str) -> RawRecord:
    row = {"id": number, "name": name, "domain_names": list(domains)}
    return hand_made(str(number), row, number)


def customer(number: int, **properties: Any) -> RawRecord:
    return hubspot_contact(number, lifecyclestage="customer", **properties)


@pytest.fixture
def wide(world: World) -> World:
    """Vendors that hand out companies as well."""
    world.vendors["hubspot"].names = ("owners", "companies", "contacts")
    world.vendors["zendesk"].names = ("organizations", "users", "tickets")
    return world


EMPLOYEES = """
SELECT p.last_name, c.organization_name AS company FROM crm.contact p
LEFT JOIN crm.contact c ON c.id = p.company_id WHERE NOT p.is_organization ORDER BY p.last_name
"""
COMPANIES = """
SELECT * FROM crm.contact WHERE is_organization AND merged_into IS NULL AND archived_at IS NULL
ORDER BY organization_name
"""
LEA = {"lastname": "Moreau", "email": "lea@moreau.example.org", "associatedcompanyid": "9001"}
NORTH_HS = {"name": "Northgate Robotics Ltd", "domain": "northgate.example"}


@pytest.mark.parametrize("order", [("companies", "contacts"), ("contacts", "companies")])
def test_who_names_a_company_is_its_employee_in_any_order(
    wide: World, order: tuple[str, str]
) -> None:
    records = {"companies": company(9001, **NORTH_HS), "contacts": customer(1, **LEA)}
    for stream in order:
        wide.add("hubspot", stream, records[stream])
        assert flow.sync(wide.hub, ["hubspot"]).holds
    assert [tuple(row) for row in wide.rows(EMPLOYEES)] == [("Moreau", NORTH_HS["name"])]
    assert not any(flow.waiting(wide.hub).values())
    (shown,) = wide.rows("SELECT * FROM reporting.source_records WHERE stream = 'companies'")
    assert (shown.entity_kind, shown.verdict) == ("organisation", "created")


def test_a_company_that_changes_is_changed_and_one_that_goes_leaves_its_people(
    wide: World,
) -> None:
    wide.add("hubspot", "companies", company(9001, **NORTH_HS))
    wide.add("hubspot", "contacts", customer(1, **LEA))
    flow.sync(wide.hub, ["hubspot"])
    wide.add("hubspot", "companies", company(9001, at=10_000, **NORTH_HS | {"name": "Southgate"}))
    report = flow.sync(wide.hub, ["hubspot"])
    assert report.holds
    assert [row.company for row in wide.rows(EMPLOYEES)] == ["Southgate"]
    assert report.ledgers[0].verdicts == {"updated": 1}
    wide.add("hubspot", "companies", company(9001, at=20_000, op=Op.DELETE))
    assert flow.sync(wide.hub, ["hubspot"]).holds
    assert [row.company for row in wide.rows(EMPLOYEES)] == [None]
    assert wide.rows(COMPANIES) == []


def test_a_company_that_the_vendor_merged_stands_for_the_other(wide: World) -> None:
    wide.add("hubspot", "companies", company(9001, **NORTH_HS), company(9002, name="Ridgeway"))
    wide.add("hubspot", "contacts", customer(1, **LEA | {"associatedcompanyid": "9002"}))
    flow.sync(wide.hub, ["hubspot"])
    assert [row.company for row in wide.rows(EMPLOYEES)] == ["Ridgeway"]
    merged = company(9002, at=20_000, op=Op.MERGE_INTO)
    wide.add("hubspot", "companies", replace(merged, into="9001"))
    assert flow.sync(wide.hub, ["hubspot"]).holds
    assert [row.company for row in wide.rows(EMPLOYEES)] == [NORTH_HS["name"]]
    assert [row.organization_name for row in wide.rows(COMPANIES)] == [NORTH_HS["name"]]


def test_what_is_derived_of_a_company_follows_its_people(wide: World) -> None:
    """A note on an employee is the company's activity; when the employee leaves, it is not."""
    wide.add("hubspot", "companies", company(9001, **NORTH_HS), company(9002, name="Ridgeway"))
    wide.add("hubspot", "contacts", customer(1, **LEA))
    flow.sync(wide.hub, ["hubspot"])
    with wide.db.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO crm.note (entity_id, content, created_at) "
                "SELECT entity_id, 'met', now() FROM crm.contact WHERE NOT is_organization"
            )
        )
    busy = "SELECT organization_name FROM crm.contact WHERE is_organization AND last_activity_at > '2001-01-01'"
    for at, number, name in ((10_000, "9001", NORTH_HS["name"]), (20_000, "9002", "Ridgeway")):
        moved = {**LEA, "associatedcompanyid": number, "jobtitle": f"at {number}"}
        wide.add("hubspot", "contacts", customer(1, at=at, **moved))
        flow.sync(wide.hub, ["hubspot"])
        assert [row.organization_name for row in wide.rows(busy)] == [name]


@pytest.mark.parametrize("order", [("hubspot", "zendesk"), ("zendesk", "hubspot")])
def test_one_company_in_two_sources_is_one(wide: World, order: tuple[str, str]) -> None:
    wide.add("hubspot", "companies", company(9001, **NORTH_HS), company(9002, name="Ridgeway"))
    wide.add("zendesk", "organizations", organization(5, "NORTHGATE ROBOTICS", "northgate.example"))
    for source in order:
        assert flow.sync(wide.hub, [source]).holds
    names = [row.organization_name for row in wide.rows(COMPANIES)]
    assert names == [
        NORTH_HS["name"],
        "Ridgeway",
    ]  # HubSpot knows a company better than a help desk


def test_a_record_that_tells_two_companies_to_be_one_merges_them_with_their_people(
    wide: World,
) -> None:
    wide.add("hubspot", "companies", company(9001, **NORTH_HS))
    wide.add("hubspot", "contacts", customer(1, **LEA))
    other = {"lastname": "Zola", "email": "zola@z.example.org", "associatedcompanyid": "9002"}
    wide.add("hubspot", "contacts", customer(2, **other))
    wide.add("hubspot", "companies", company(9002, domain="northgate-robotics.example"))
    flow.sync(wide.hub, ["hubspot"])
    assert len(wide.rows(COMPANIES)) == 2
    both = organization(7, NORTH_HS["name"], "northgate.example", "northgate-robotics.example")
    wide.add("zendesk", "organizations", both)
    assert flow.sync(wide.hub, ["zendesk"]).holds
    (one,) = wide.rows(COMPANIES)
    assert {row.company for row in wide.rows(EMPLOYEES)} == {one.organization_name}
    assert not any(flow.waiting(wide.hub).values())


def test_a_company_that_a_person_made_is_joined_by_the_sources_record(wide: World) -> None:
    entity = made(wide)
    wide.add("hubspot", "companies", company(9001, city="Leeds", **NORTH_HS))
    flow.sync(wide.hub, ["hubspot"])
    (one,) = wide.rows(COMPANIES)
    assert (one.entity_id, one.city) == (entity, "Leeds")


def test_a_lead_of_a_known_account_goes_to_its_owner(wide: World) -> None:
    rule = RuleSettings(name="existing account", assign="account:owner")
    routing = wide.hub.settings.routing.model_copy(update={"rules": [rule]})
    wide.hub = replace(wide.hub, settings=wide.hub.settings.model_copy(update={"routing": routing}))
    wide.add("hubspot", "owners", hubspot_owner(7, "cid@owners.example.com"))
    wide.add("hubspot", "companies", company(9001, hubspot_owner_id="7", **NORTH_HS))
    flow.sync(wide.hub, ["hubspot"])
    mine = salesforce_lead(1, LastName="Lee", Email="lee@northgate.example")
    other = salesforce_lead(2, LastName="Ray", Email="ray@ridgeway.example")
    wide.add("salesforce", "leads", mine, other)
    flow.sync(wide.hub, ["salesforce"])
    found = wide.rows("SELECT last_name, owner_email FROM reporting.leads ORDER BY last_name")
    assert found[0].owner_email == "cid@owners.example.com"
    assert found[1].owner_email != "cid@owners.example.com"
    reasons = wide.rows("SELECT reason FROM ops.assignment ORDER BY lead_id")
    assert reasons[0].reason == "rule existing account: account is known"


def test_explain_names_the_account_and_why(wide: World) -> None:
    wide.add("hubspot", "companies", company(9001, **NORTH_HS))
    wide.add("hubspot", "contacts", hubspot_contact(1, **LEA))
    wide.add("salesforce", "leads", salesforce_lead(2, LastName="Lee", Email="l@northgate.example"))
    flow.sync(wide.hub, ["hubspot", "salesforce"])
    with wide.db.engine.begin() as conn:
        said = [explain(by(conn), key).account for key in ("hubspot/contacts/1", LEE)]
    assert [one and (one.name, one.why) for one in said] == [
        (NORTH_HS["name"], "named by hubspot"),
        (NORTH_HS["name"], "domain"),
    ]


LEE = "salesforce/leads/00Q000000000002AAA"


def test_a_number_alone_names_a_lead_where_a_company_has_it_too(world: World) -> None:
    world.add("salesforce", "leads", *(
        salesforce_lead(n, LastName=f"Lee{n}", Email=f"l{n}@firm{n}.example.com") for n in (1, 2)
    ))  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    for name in ("Northgate Robotics", "Quilldrift Instruments"):
        made(world, organization_name=name, website=None)
    with world.db.engine.begin() as conn:
        merge(by(conn), "lead/1", "lead/2")
    (gone,) = world.rows("SELECT id FROM crm.lead WHERE merged_into IS NOT NULL")
    assert world.rows("SELECT 1 FROM crm.contact WHERE is_organization AND id = :i", i=gone.id)
    with world.db.engine.begin() as conn:
        unmerge(by(conn), str(gone.id))
    assert not world.rows("SELECT 1 FROM crm.lead WHERE merged_into IS NOT NULL")
