"""A person of several sources is a lead, a contact, or no row of the CRM."""

from typing import Any

import pytest

from hub.etl import flow
from hub.model.verdicts import Op
from tests.flow.conftest import (
    World,
    hubspot_contact,
    hubspot_owner,
    mailchimp_member,
    salesforce_lead,
    zendesk_ticket,
    zendesk_user,
)

LEA = {"firstname": "Lea", "lastname": "Moreau", "email": "lea@moreau.example.com"}
LEA_AS_LEAD = {"FirstName": "Lea", "LastName": "Moreau", "Email": "lea@moreau.example.com"}
LEA_ASKING = {"name": "Lea Moreau", "email": "lea@moreau.example.com"}
QUOTE = {"subject": "A quote for 40 seats", "description": "Hello, how much is it?"}


def entity_of(world: World, source: str, source_id: str, target: str = "person") -> Any:
    """The source record of an object, as the hub keeps it."""
    (row,) = world.rows(
        "SELECT id, entity_id, role FROM ops.source_record "
        "WHERE source = :source AND source_id = :id AND target = :target",
        source=source,
        id=source_id,
        target=target,
    )
    return row


def leads(world: World) -> list[Any]:
    return world.rows("SELECT * FROM crm.lead WHERE merged_into IS NULL ORDER BY id")


def ticket(world: World, number: int) -> Any:
    (row,) = world.rows("SELECT * FROM crm.ticket WHERE source_id = :id", id=str(number))
    return row


def test_a_customer_is_a_contact_and_no_lead(world: World) -> None:
    world.add("hubspot", "contacts", hubspot_contact(1, lifecyclestage="customer", **LEA))
    report = flow.sync(world.hub, ["hubspot"])
    assert report.holds
    (contact,) = world.rows("SELECT * FROM crm.contact")
    assert (contact.last_name, contact.customer_type) == ("Moreau", "current")
    assert leads(world) == []
    assert world.rows("SELECT * FROM ops.assignment") == []


@pytest.mark.parametrize("order", [("hubspot", "salesforce"), ("salesforce", "hubspot")])
def test_a_lead_of_a_known_customer_points_to_the_contact(
    world: World, order: tuple[str, str]
) -> None:
    world.add("hubspot", "contacts", hubspot_contact(1, lifecyclestage="customer", **LEA))
    world.add("salesforce", "leads", salesforce_lead(2, **LEA_AS_LEAD))
    for source in order:
        assert flow.sync(world.hub, [source]).holds
    (contact,) = world.rows("SELECT * FROM crm.contact")
    (lead,) = leads(world)
    assert (lead.contact_id, lead.entity_id) == (contact.id, contact.entity_id)
    assert lead.owner_id is not None


def test_a_lead_of_a_customer_goes_to_the_customers_owner(world: World) -> None:
    world.add("hubspot", "owners", hubspot_owner(7, "cid@owners.example.com"))
    customer = hubspot_contact(1, lifecyclestage="customer", hubspot_owner_id="7", **LEA)
    world.add("hubspot", "contacts", customer)
    flow.sync(world.hub, ["hubspot"])
    world.add("salesforce", "leads", salesforce_lead(2, **LEA_AS_LEAD))
    flow.sync(world.hub, ["salesforce"])
    owners = world.rows("SELECT owner_email FROM reporting.leads")
    assert [row.owner_email for row in owners] == ["cid@owners.example.com"]
    assert world.rows("SELECT * FROM ops.assignment WHERE group_id IS NOT NULL") == []


@pytest.mark.parametrize("is_active", [True, False])
def test_a_live_lead_of_a_customer_rings_whoever_owns_the_contact_now(
    world: World, is_active: bool
) -> None:
    customer = hubspot_contact(1, lifecyclestage="customer", **LEA)
    world.add("hubspot", "contacts", customer)
    world.add("salesforce", "leads", salesforce_lead(1, LastName="Other", Company="Elsewhere"))
    flow.sync(world.hub, ["hubspot", "salesforce"])
    bob = "(SELECT id FROM crm.\"user\" WHERE email = 'bob@owners.example.com')"
    with world.db.owner_engine().begin() as conn:
        conn.exec_driver_sql(f"UPDATE crm.contact SET owner_id = {bob}")
        conn.exec_driver_sql(f'UPDATE crm."user" SET is_active = {is_active} WHERE id = {bob}')
    world.add("salesforce", "leads", salesforce_lead(2, **LEA_AS_LEAD))
    flow.sync(world.hub, ["salesforce"])
    flow.sync(world.hub, ["salesforce"])
    told = world.rows(
        "SELECT u.email, t.rule FROM ops.outbox o JOIN ops.assignment t USING (lead_id) "
        "JOIN crm.\"user\" u ON u.id = o.user_id WHERE o.event = 'lead_assigned'"
    )
    if is_active:
        assert [tuple(row) for row in told] == [("bob@owners.example.com", "contact's owner")]
    else:
        assert [row.rule for row in told] == ["fallback"]
        assert told[0].email != "bob@owners.example.com"


def test_a_lead_that_becomes_a_customer_stays_the_same_record(world: World) -> None:
    world.add("hubspot", "contacts", hubspot_contact(1, lifecyclestage="lead", **LEA))
    flow.sync(world.hub, ["hubspot"])
    before = entity_of(world, "hubspot", "1")
    world.add("hubspot", "contacts", hubspot_contact(1, at=50, lifecyclestage="customer", **LEA))
    assert flow.sync(world.hub, ["hubspot"]).holds
    after = entity_of(world, "hubspot", "1")
    assert (before.id, before.entity_id) == (after.id, after.entity_id)
    assert (before.role, after.role) == ("lead", "contact")
    (contact,) = world.rows("SELECT * FROM crm.contact")
    (lead,) = leads(world)
    assert (lead.contact_id, lead.entity_id) == (contact.id, contact.entity_id)


def test_a_plain_member_is_matched_and_has_no_row_in_the_crm(world: World) -> None:
    fields = {
        "email_address": "bob@ray.example.com",
        "merge_fields": {"FNAME": "Bob", "LNAME": "Ray"},
    }
    world.add("mailchimp", "members", mailchimp_member("c1", **fields))
    report = flow.sync(world.hub, ["mailchimp"])
    assert [dict(e.verdicts) for e in report.ledgers] == [{"created": 1}]
    member = entity_of(world, "mailchimp", "c1")
    assert member.entity_id is not None
    assert leads(world) == world.rows("SELECT * FROM crm.contact") == []
    lead = salesforce_lead(1, FirstName="Bob", LastName="Ray", Email="bob@ray.example.com")
    world.add("salesforce", "leads", lead)
    flow.sync(world.hub, ["salesforce"])
    assert [row.entity_id for row in leads(world)] == [member.entity_id]


@pytest.mark.parametrize("order", [("users", "tickets"), ("tickets", "users")])
def test_a_ticket_hangs_on_whoever_asked_in_any_order(world: World, order: tuple[str, str]) -> None:
    records = {
        "users": zendesk_user(5, **LEA_ASKING),
        "tickets": zendesk_ticket(9, subject="Where is it?", requester_id=5),
    }
    for stream in order:
        world.add("zendesk", stream, records[stream])
        assert flow.sync(world.hub, ["zendesk"]).holds
    assert ticket(world, 9).entity_id == entity_of(world, "zendesk", "5").entity_id
    assert leads(world) == []


def test_a_ticket_follows_a_merge_and_is_archived_when_deleted(world: World) -> None:
    world.add("zendesk", "users", zendesk_user(5, name="Lea Moreau", phone="+33 6 39 98 00 01"))
    world.add("zendesk", "tickets", zendesk_ticket(9, subject="Where is it?", requester_id=5))
    world.add("salesforce", "leads", salesforce_lead(1, **LEA_AS_LEAD))
    flow.sync(world.hub, ["salesforce", "zendesk"])
    lead = entity_of(world, "salesforce", "00Q000000000001AAA")
    assert ticket(world, 9).entity_id != lead.entity_id
    asking = zendesk_user(5, at=50, phone="+33 6 39 98 00 01", **LEA_ASKING)
    world.add("zendesk", "users", asking)
    assert flow.sync(world.hub, ["zendesk"]).holds
    assert ticket(world, 9).entity_id == entity_of(world, "zendesk", "5").entity_id
    assert (
        entity_of(world, "zendesk", "5").entity_id
        == entity_of(world, "salesforce", "00Q000000000001AAA").entity_id
    )
    assert ticket(world, 9).archived_at is None
    world.add("zendesk", "tickets", zendesk_ticket(9, at=60, op=Op.DELETE))
    assert flow.sync(world.hub, ["zendesk"]).holds
    assert ticket(world, 9).archived_at is not None


def test_a_ticket_whose_status_is_deleted_is_archived(world: World) -> None:
    world.add("zendesk", "users", zendesk_user(5, **LEA_ASKING))
    world.add("zendesk", "tickets", zendesk_ticket(9, subject="Where is it?", requester_id=5))
    flow.sync(world.hub, ["zendesk"])
    gone = zendesk_ticket(9, at=60, subject="Where is it?", requester_id=5, status="deleted")
    world.add("zendesk", "tickets", gone)
    flow.sync(world.hub, ["zendesk"])
    assert ticket(world, 9).archived_at is not None


@pytest.mark.parametrize("order", [("users", "tickets"), ("tickets", "users")])
def test_a_sales_ticket_of_an_unknown_requester_is_one_lead_and_an_inquiry(
    world: World, order: tuple[str, str]
) -> None:
    records = {
        "users": zendesk_user(5, **LEA_ASKING),
        "tickets": zendesk_ticket(9, requester_id=5, **QUOTE),
    }
    for stream in order:
        world.add("zendesk", stream, records[stream])
        assert flow.sync(world.hub, ["zendesk"]).holds
    (lead,) = leads(world)
    assert (lead.first_name, lead.last_name) == ("Lea", "Moreau")
    assert lead.owner_id is not None
    (inquiry,) = world.rows("SELECT * FROM crm.inquiry")
    assert (inquiry.entity_id, inquiry.subject) == (lead.entity_id, QUOTE["subject"])
    assert ticket(world, 9).entity_id == lead.entity_id


def test_a_sales_ticket_of_a_known_lead_is_an_inquiry_and_no_second_lead(world: World) -> None:
    world.add("salesforce", "leads", salesforce_lead(1, **LEA_AS_LEAD))
    world.add("zendesk", "users", zendesk_user(5, **LEA_ASKING))
    flow.sync(world.hub, ["salesforce", "zendesk"])
    world.add("zendesk", "tickets", zendesk_ticket(9, requester_id=5, **QUOTE))
    assert flow.sync(world.hub, ["zendesk"]).holds
    (lead,) = leads(world)
    inquiries = world.rows("SELECT * FROM crm.inquiry")
    assert [(i.entity_id, i.subject) for i in inquiries] == [(lead.entity_id, QUOTE["subject"])]
    told = world.rows("SELECT event FROM ops.outbox WHERE event = 'inquiry_received'")
    assert len(told) == 1


def test_a_sales_ticket_of_an_agent_makes_no_lead(world: World) -> None:
    world.add("zendesk", "users", zendesk_user(5, **{**LEA_ASKING, "role": "agent"}))
    world.add("zendesk", "tickets", zendesk_ticket(9, requester_id=5, **QUOTE))
    assert flow.sync(world.hub, ["zendesk"]).holds
    assert leads(world) == []
    assert ticket(world, 9).subject == QUOTE["subject"]


def test_who_was_nobody_and_asks_now_rings_the_owner(world: World) -> None:
    fields = {
        "email_address": "lea@moreau.example.com",
        "merge_fields": {"FNAME": "Lea", "LNAME": "Moreau"},
    }
    world.add("mailchimp", "members", mailchimp_member("c1", **fields))
    world.add("salesforce", "leads", salesforce_lead(1, LastName="Other", Company="Elsewhere"))
    flow.sync(world.hub, ["mailchimp", "salesforce"])
    world.add("salesforce", "leads", salesforce_lead(2, **LEA_AS_LEAD))
    flow.sync(world.hub, ["salesforce"])
    told = world.rows(
        "SELECT o.event, l.last_name FROM ops.outbox o JOIN crm.lead l ON l.id = o.lead_id"
    )
    assert [tuple(row) for row in told] == [("lead_assigned", "Moreau")]
