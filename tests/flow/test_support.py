"""Tickets where they are looked for, and leads made of them: by rule, and by hand."""

from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.ticket_lead import MadeLead, make_lead, tickets
from hub.crm.ticket_lists import HAS_OPEN
from hub.errors import ActionError
from hub.model.verdicts import Op
from hub.pipeline import flow
from tests.flow.conftest import World, hubspot_contact, zendesk_ticket, zendesk_user

WHO = "operator"
SOURCES = ["hubspot", "zendesk"]


def act(world: World, verb: Any, *arguments: Any) -> Any:
    with world.db.engine.begin() as conn:
        return verb(conn, *arguments)


def sync(world: World) -> None:
    assert flow.sync(world.hub, SOURCES).holds


@pytest.fixture
def asking(world: World) -> World:
    """Noah, who asked four times and is nobody in the CRM."""
    # an initial load rings nobody: what is told later is told of a live lead
    world.add(
        "zendesk", "users", zendesk_user(7, name="Noah Brandt", email="noah@brandt.example.com")
    )
    world.add(
        "zendesk", "tickets",
        zendesk_ticket(1, requester_id=7, subject="Solved", status="solved", updated_at="2025-06-09T10:00:00Z"),
        zendesk_ticket(2, requester_id=7, subject="Old", status="open", updated_at="2025-06-02T10:00:00Z"),
        zendesk_ticket(3, requester_id=7, subject="New", status="new", updated_at="2025-06-03T10:00:00Z",
                       description="It does not start", tags=["vip"], via={"channel": "email"}),
        zendesk_ticket(4, requester_id=7, subject="Closed", status="closed", updated_at="2025-06-10T10:00:00Z"),
    )  # fmt: skip
    sync(world)
    assert not world.rows("SELECT 1 FROM crm.lead")
    return world


NOAH = "zendesk/users/7"
TICKET = "zendesk/tickets/3"


def test_open_tickets_come_first_and_then_the_newest(asking: World) -> None:
    shown = act(asking, tickets, NOAH)
    assert [(t.subject, t.is_open) for t in shown] == [
        ("New", True),
        ("Old", True),
        ("Closed", False),
        ("Solved", False),
    ]
    assert shown[0].record == TICKET
    assert shown[0].person is None, "nobody in the CRM"


def test_a_ticket_becomes_a_lead_by_hand_once_and_an_owner_is_told(asking: World) -> None:
    made: MadeLead = act(asking, make_lead, WHO, TICKET)
    assert made.is_new
    again: MadeLead = act(asking, make_lead, WHO, "zendesk/tickets/2")
    assert again == MadeLead(made.name, made.entity_id, is_new=False)
    sync(asking)
    (lead,) = asking.rows("SELECT * FROM crm.lead")
    assert (lead.first_name, lead.last_name) == ("Noah", "Brandt")
    assert (lead.email, lead.description) == ("noah@brandt.example.com", "It does not start")
    assert (lead.lead_source, lead.tags) == ("Support/email", ["vip"])
    assert lead.owner_id is not None, "routed like others"
    assert asking.rows("SELECT 1 FROM ops.outbox WHERE event = 'lead_assigned' AND lead_id = :l",
                       l=lead.id)  # fmt: skip
    (inquiry,) = asking.rows("SELECT * FROM crm.inquiry")
    assert (inquiry.subject, inquiry.message) == ("New", "It does not start")
    assert [t.person for t in act(asking, tickets, made.name)] == [made.name] * 4


def test_a_lead_made_by_hand_outlasts_what_support_sends_next(asking: World) -> None:
    made: MadeLead = act(asking, make_lead, WHO, TICKET)
    asking.add(
        "zendesk",
        "users",
        zendesk_user(7, at=900, name="Noah B. Brandt", email="noah@brandt.example.com"),
    )
    asking.add(
        "zendesk",
        "tickets",
        zendesk_ticket(3, at=900, requester_id=7, subject="New", status="solved"),
    )
    sync(asking)
    (lead,) = asking.rows("SELECT * FROM crm.lead")
    assert f"lead/{lead.id}" == made.name
    assert lead.archived_at is None
    with asking.db.engine.begin() as conn:
        (root,) = {
            row[0]
            for row in conn.execute(
                text("SELECT entity_id FROM ops.source_record WHERE target = 'person'")
            )
        }
    assert root == lead.entity_id, "ticket and requester stay one person"


def test_a_ticket_that_reads_like_a_sales_question_is_a_lead_by_rule(asking: World) -> None:
    asking.add("zendesk", "tickets",
               zendesk_ticket(5, at=900, requester_id=7, subject="A quote, please", status="new"))  # fmt: skip
    sync(asking)
    (lead,) = asking.rows("SELECT * FROM crm.lead")
    made = act(asking, make_lead, WHO, TICKET)
    assert made == MadeLead(f"lead/{lead.id}", lead.entity_id, is_new=False)


@pytest.fixture
def customer(asking: World) -> World:
    """Noah is a customer at HubSpot, and has a company."""
    asking.add(
        "hubspot", "contacts",
        hubspot_contact(1, firstname="Noah", lastname="Brandt", email="noah@brandt.example.com",
                        lifecyclestage="customer"),
    )  # fmt: skip
    sync(asking)
    return asking


def test_a_contact_is_refused_as_a_lead_and_told_where_the_ticket_is(customer: World) -> None:
    (contact,) = customer.rows("SELECT id FROM crm.contact WHERE NOT is_organization")
    with pytest.raises(ActionError) as refused:
        act(customer, make_lead, WHO, TICKET)
    assert (refused.value.code, refused.value.resource) == ("conflict", "ticket")
    assert f"contact/{contact.id}" in refused.value.message
    assert not customer.rows("SELECT 1 FROM crm.lead")
    assert [t.subject for t in act(customer, tickets, f"contact/{contact.id}")][:2] == [
        "New",
        "Old",
    ]


def test_a_company_sees_the_tickets_of_its_employees_and_leads(customer: World) -> None:
    with customer.db.engine.begin() as conn:
        entity = conn.execute(
            text(
                "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane) "
                "VALUES ('organisation', 1, 1, 'live') RETURNING id"
            )
        ).scalar_one()
        company = conn.execute(
            text(
                "INSERT INTO crm.contact (entity_id, organization_name, is_organization, batch_id) "
                "VALUES (:e, 'Brandt', true, 1) RETURNING id"
            ),
            {"e": entity},
        ).scalar_one()
        assert tickets(conn, f"contact/{company}") == []
        conn.execute(
            text("UPDATE crm.contact SET company_id = :c WHERE NOT is_organization"), {"c": company}
        )
        shown = tickets(conn, f"contact/{company}")
        assert [t.subject for t in shown] == ["New", "Old", "Closed", "Solved"]
        assert all(t.person and t.person.startswith("contact/") for t in shown)
        conn.rollback()


def test_whoever_waits_for_an_answer_is_found_by_condition(customer: World) -> None:
    found = f"SELECT count(*) FROM crm.contact c WHERE {HAS_OPEN.format(alias='c')}"
    assert customer.rows(found)[0][0] == 1
    for number in (2, 3):
        customer.add(
            "zendesk", "tickets", zendesk_ticket(number, at=950, requester_id=7, status="solved")
        )
    sync(customer)
    assert customer.rows(found)[0][0] == 0


def test_a_ticket_that_was_deleted_is_not_shown(asking: World) -> None:
    asking.add("zendesk", "tickets", zendesk_ticket(3, at=900, op=Op.DELETE, requester_id=7))
    sync(asking)
    assert [t.subject for t in act(asking, tickets, NOAH)] == ["Old", "Closed", "Solved"]


@pytest.mark.parametrize("name", ["999", "ticket/x", "zendesk/tickets/999", "9" * 30, "a/b", ""])
def test_a_ticket_that_is_not_there_is_refused(asking: World, name: str) -> None:
    with pytest.raises(ActionError) as refused:
        act(asking, make_lead, WHO, name)
    assert refused.value.code == "not_found"


def test_a_viewer_makes_no_lead(asking: World) -> None:
    asking.rows("UPDATE crm.\"user\" SET role = 'viewer' WHERE name = 'Ann' RETURNING 1")
    with pytest.raises(ActionError) as refused:
        act(asking, make_lead, "ann@owners.example.com", TICKET)
    assert refused.value.code == "forbidden"
    assert not asking.rows("SELECT 1 FROM crm.lead")
