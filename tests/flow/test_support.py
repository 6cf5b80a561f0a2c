"""Tickets where they are looked for, and leads made of them: by rule, and by hand."""

from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.batches.undo import undo_batch
from hub.actions.identity.merge import unmerge
from hub.actions.leads.convert import Wish, convert
from hub.actions.leads.ticket_lead import MadeLead, make_lead, tickets
from hub.crm.ticket_lists import HAS_OPEN
from hub.errors import ActionError
from hub.etl import flow
from hub.model.verdicts import Op
from tests.acting import acting, by, done
from tests.flow.conftest import World, hubspot_contact, prepared, zendesk_ticket, zendesk_user

WHO = "operator"
SOURCES = ["hubspot", "zendesk"]


def act(world: World, verb: Any, *arguments: Any) -> Any:
    with world.db.engine.begin() as conn:
        return done(conn, verb, *arguments)


def sync(world: World) -> None:
    assert flow.sync(world.hub, SOURCES).holds


@prepared
def asking(world: World) -> World:
    """Noah, who asked four times and has no row in the CRM."""
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
ANN = "ann@owners.example.com"
QUOTE = {"subject": "A quote, please", "status": "new"}


def test_open_tickets_come_first_and_then_the_newest(asking: World) -> None:
    shown = act(asking, tickets, WHO, NOAH).items
    assert [(t.subject, t.is_open) for t in shown] == [
        ("New", True),
        ("Old", True),
        ("Closed", False),
        ("Solved", False),
    ]
    assert shown[0].source_record == TICKET
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
    assert [t.person for t in act(asking, tickets, WHO, made.name).items] == [made.name] * 4


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


def give(world: World, email: str) -> int:
    """Give the only contact an owner; returns the contact's number."""
    (contact,) = world.rows(
        'UPDATE crm.contact SET owner_id = (SELECT id FROM crm."user" WHERE email = :email) '
        "WHERE NOT is_organization RETURNING id",
        email=email,
    )
    return int(contact.id)


def told(world: World) -> list[tuple[str, int | None, str]]:
    """Return who was told of inquiries: of which contact, and in which words."""
    rows = world.rows(
        "SELECT u.email, o.contact_id, a.text FROM ops.outbox o "
        'JOIN crm."user" u ON u.id = o.user_id LEFT JOIN crm.alert a USING (dedupe_key) '
        "WHERE o.event = 'inquiry_received' ORDER BY o.id"
    )
    return [tuple(row) for row in rows]


def inquiries(world: World) -> list[tuple[str, str]]:
    """Return what contacts asked."""
    rows = world.rows(
        "SELECT 'contact/' || c.id, i.subject FROM crm.inquiry i JOIN crm.contact c "
        "USING (entity_id) WHERE c.archived_at IS NULL AND c.merged_into IS NULL ORDER BY i.id"
    )
    return [tuple(row) for row in rows]


def test_what_a_contact_asks_is_an_inquiry_by_hand_once_and_its_owner_is_told(
    customer: World,
) -> None:
    number = give(customer, ANN)
    (before,) = customer.rows("SELECT * FROM crm.contact")
    made: MadeLead = act(customer, make_lead, WHO, TICKET)
    assert (made.name, made.is_new, made.told) == (f"contact/{number}", True, ANN)
    again: MadeLead = act(customer, make_lead, WHO, TICKET)
    assert again == MadeLead(made.name, made.entity_id, is_new=False, told=ANN)
    sync(customer)
    assert inquiries(customer) == [(made.name, "New")]
    assert told(customer) == [(ANN, number, "Noah Brandt asks again")]
    assert not customer.rows("SELECT 1 FROM crm.lead"), "the person stays a contact"
    (after,) = customer.rows("SELECT * FROM crm.contact")
    assert after == before
    assert act(customer, make_lead, WHO, "zendesk/tickets/2").is_new, "another request"
    assert [t.subject for t in act(customer, tickets, WHO, made.name).items][:2] == ["New", "Old"]


def test_an_inquiry_by_hand_is_taken_off_its_contact(customer: World) -> None:
    give(customer, ANN)
    act(customer, make_lead, WHO, TICKET)
    act(customer, unmerge, WHO, "hub/tickets/zendesk/3")
    sync(customer)
    assert inquiries(customer) == []
    assert not customer.rows("SELECT 1 FROM crm.lead")


def test_a_contact_whom_nobody_owns_asks_by_hand_all_the_same(customer: World) -> None:
    made: MadeLead = act(customer, make_lead, WHO, TICKET)
    assert (made.is_new, made.told) == (True, None)
    assert inquiries(customer) == [(made.name, "New")]
    assert told(customer) == []


def test_a_sales_ticket_of_a_contact_is_an_inquiry_and_can_be_undone(customer: World) -> None:
    number = give(customer, ANN)
    customer.add("zendesk", "tickets", zendesk_ticket(5, at=900, requester_id=7, **QUOTE))
    for _ in range(2):
        sync(customer)
        assert inquiries(customer) == [(f"contact/{number}", QUOTE["subject"])]
        assert told(customer) == [(ANN, number, "Noah Brandt asks again (via Support/web)")]
        assert not customer.rows("SELECT 1 FROM crm.lead")
    by_hand: MadeLead = act(customer, make_lead, WHO, "zendesk/tickets/5")
    assert (by_hand.name, by_hand.is_new) == (f"contact/{number}", False)
    (batch,) = customer.rows(
        "SELECT batch_id AS id FROM ops.source_record WHERE source_id = '5' AND target = 'ticket'"
    )
    report = undo_batch(customer.db.engine, acting(WHO), batch.id)
    assert report.reverted["inquiries"] == 1
    assert inquiries(customer) == []
    assert not customer.rows("SELECT 1 FROM crm.alert WHERE event = 'inquiry_received'")
    assert customer.rows("SELECT 1 FROM crm.contact WHERE archived_at IS NULL")


def test_a_sales_ticket_of_a_contact_whom_nobody_owns_is_routed(customer: World) -> None:
    customer.add("zendesk", "tickets", zendesk_ticket(5, at=900, requester_id=7, **QUOTE))
    sync(customer)
    (lead,) = customer.rows("SELECT * FROM crm.lead")
    (contact,) = customer.rows("SELECT * FROM crm.contact")
    assert (lead.contact_id, lead.owner_id is not None) == (contact.id, True)


def test_who_was_converted_asks_the_owner_of_the_contact(asking: World) -> None:
    made: MadeLead = act(asking, make_lead, WHO, TICKET)
    sync(asking)
    act(asking, convert, WHO, made.name, Wish(has_deal=False))
    number = give(asking, "bob@owners.example.com")
    asking.add("zendesk", "tickets", zendesk_ticket(5, at=900, requester_id=7, **QUOTE))
    sync(asking)
    assert [row[:2] for row in told(asking)] == [("bob@owners.example.com", number)]
    assert act(asking, make_lead, WHO, "zendesk/tickets/2").name == f"contact/{number}"
    assert len(told(asking)) == 2
    assert len(asking.rows("SELECT 1 FROM crm.lead")) == 1


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
        assert tickets(by(conn), f"contact/{company}").items == ()
        conn.execute(
            text("UPDATE crm.contact SET company_id = :c WHERE NOT is_organization"), {"c": company}
        )
        shown = tickets(by(conn), f"contact/{company}").items
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
    assert [t.subject for t in act(asking, tickets, WHO, NOAH).items] == ["Old", "Closed", "Solved"]


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
