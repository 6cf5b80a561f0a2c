"""Cards: a record with all that hangs on it, in one model and a few statements."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema
import pytest
from sqlalchemy import event, text

from hub.actions import reading
from hub.actions.activities import activity, task
from hub.actions.identity.merge import merge
from hub.actions.leads.convert import Wish, convert
from hub.actions.people.edit import edit
from hub.actions.setup import smart_link
from hub.crm.smart_links import SmartLink
from hub.errors import ActionError
from hub.etl import flow
from hub.views.encoding import to_json
from hub.views.schema import schema_of
from tests.acting import by
from tests.flow.conftest import (
    World,
    hubspot_contact,
    prepared,
    salesforce_lead,
    zendesk_ticket,
    zendesk_user,
)
from tests.flow.selling import WHO, act, define

ZOE = {"FirstName": "Zoe", "LastName": "Quistgaard", "Title": "CEO", "Company": "Quist Systems"}
EMAIL = "zoe@quist.example.com"
MOST_STATEMENTS = 30


@prepared
def zoe(world: World) -> World:
    """A lead of two sources, with tickets, a task, notes, a link and a namesake."""
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, Email=EMAIL, Phone="+33155501020", **ZOE),
        salesforce_lead(2, FirstName="Zoe", LastName="Quistgaard", City="Lyon"),
    )  # fmt: skip
    world.add("hubspot", "contacts", hubspot_contact(5, lastname="Quistgaard", firstname="Zoé",
                                                     email=EMAIL, city="Lyon"))  # fmt: skip
    world.add("zendesk", "users", zendesk_user(7, name="Zoe Quistgaard", email=EMAIL))
    world.add(
        "zendesk", "tickets",
        zendesk_ticket(8, subject="Solved", status="solved", requester_id=7, at=900),
        zendesk_ticket(9, subject="It broke", requester_id=7),
    )  # fmt: skip
    assert flow.sync(world.hub, ["salesforce", "hubspot", "zendesk"]).holds
    define(world, "lead", tier="string")
    act(world, edit, WHO, LEAD, {"custom_fields.tier": "Gold"})
    act(world, smart_link.add, WHO, SmartLink("lead", "Bills", "https://b.example.com/?q={email}"))
    act(world, task.add, WHO, {"content": "Later", "due_at": "2027-01-02T10:00:00Z"}, on=LEAD)
    act(world, task.add, WHO, {"content": "First", "due_at": "2027-01-01T10:00:00Z"}, on=LEAD)
    for n in range(3):
        act(world, activity.write, WHO, "note", LEAD, {"content": f"note {n}"})
    return world


LEAD = "salesforce/leads/00Q000000000001AAA"
OTHER = "salesforce/leads/00Q000000000002AAA"


def card(world: World, kind: str, name: str, **more: Any) -> Any:
    with world.db.engine.begin() as conn:
        found = reading.show(by(conn), kind, name, **more)
    jsonschema.validate(to_json(found), schema_of(type(found)))
    return found


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(world.db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(world.db.engine, "before_cursor_execute", note)


def test_the_card_of_a_lead_holds_what_hangs_on_it(zoe: World) -> None:
    found = card(zoe, "lead", LEAD, with_sources=True)
    lead = found.lead
    assert (lead.name, lead.email, lead.city, lead.status) in {
        (first + " Quistgaard", EMAIL, "Lyon", "New") for first in ("Zoe", "Zoé")
    }
    assert lead.owner.email.endswith("@owners.example.com")
    assert lead.custom_fields["tier"] == "Gold"
    assert lead.open_tickets == 1
    assert [(t.subject, t.is_open) for t in found.tickets] == [
        ("It broke", True),
        ("Solved", False),
    ]
    assert found.next_task.content == "First"
    assert found.next_task.due_at == lead.next_task_at
    assert [link.url for link in found.links] == [
        f"https://b.example.com/?q={EMAIL.replace('@', '%40')}"
    ]
    shown = {field.name: field.label for section in found.sections for field in section.fields}
    assert shown["status"] == "Status"
    assert shown["custom_fields.tier"] == "Tier"
    assert [e.kind for e in found.timeline.items].count("note") == 3
    assert [d.record for d in found.duplicates] == [card(zoe, "lead", OTHER).lead.record]
    sources = {one.field: one for one in found.sources}
    assert sources["email"].value == EMAIL
    assert sources["title"].record == LEAD
    assert sources["custom_fields"].value == {"tier": "Gold"} or sources["custom_fields.tier"]


def test_a_timeline_is_cut_and_says_so(zoe: World) -> None:
    found = card(zoe, "lead", LEAD, activities=2).timeline
    assert len(found.items) == 2
    assert found.has_more
    assert not card(zoe, "lead", LEAD).timeline.has_more


def test_a_conversion_is_shown_on_every_card_that_it_made(zoe: World) -> None:
    done = act(zoe, convert, WHO, LEAD, Wish(values={"value": "1200"}))
    deal = card(zoe, "deal", str(done.deal_id))
    assert to_json(deal.deal)["value"] == "1200.00"
    assert deal.deal.contact_record == f"contact/{done.person_id}"
    assert deal.deal.lead_record == card(zoe, "lead", "lead/1").lead.record
    assert {e.words for e in deal.timeline.items} >= {"note 1", "First", "It broke"}
    person = card(zoe, "contact", LEAD)
    assert person.contact.company_record == f"contact/{done.company_id}"
    assert [d.record for d in person.deals] == [f"deal/{done.deal_id}"]
    company = card(zoe, "company", str(done.company_id))
    assert company.people.items[0].record == f"contact/{done.person_id}"
    assert [d.record for d in company.deals] == [f"deal/{done.deal_id}"]
    assert company.company.open_tickets == 1
    task = company.tasks.items[0]  # it is the person's, and so the company's too
    assert (task.content, task.on) == ("First", f"contact/{done.person_id}")
    assert company.next_task == task
    assert company.company.next_task_at == task.due_at
    assert company.duplicates == ()
    lead = card(zoe, "lead", "lead/1")
    assert lead.lead.contact_record == f"contact/{done.person_id}"
    assert [d.record for d in lead.deals] == [f"deal/{done.deal_id}"]


def test_bi_tools_see_a_conversion_and_what_became_of_the_customer(zoe: World) -> None:
    act(zoe, edit, WHO, LEAD, {"tags": ["vip", "fair"]})
    before = zoe.rows("SELECT converted, contact_id, tags FROM reporting.leads WHERE id = 1")
    assert [tuple(row) for row in before] == [(False, None, ["vip", "fair"])]
    done = act(zoe, convert, WHO, LEAD, Wish(values={"value": "1200"}))
    (lead,) = zoe.rows("SELECT * FROM reporting.leads WHERE id = 1")
    assert (lead.converted, lead.converted_at is not None) == (True, True)
    assert (lead.contact_id, lead.company_id) == (done.person_id, done.company_id)
    (person,) = zoe.rows(f"SELECT * FROM reporting.contacts WHERE id = {done.person_id}")
    assert (person.company, person.customer_status, person.prospect_status) == (
        "Quist Systems", "none", "current")  # fmt: skip
    assert (person.tags, person.archived) == (["vip", "fair"], False)
    assert person.last_activity_at is not None
    (deal,) = zoe.rows("SELECT company, lead_id, tags FROM reporting.deals")
    assert (deal.company, deal.lead_id) == ("Quist Systems", 1)


def test_a_merged_record_is_shown_as_its_survivor(zoe: World) -> None:
    act(zoe, merge, WHO, LEAD, OTHER)
    assert card(zoe, "lead", "lead/1") == card(zoe, "lead", "lead/2")
    assert card(zoe, "lead", LEAD).duplicates == ()


def test_another_kind_is_refused_with_the_command_that_shows_it(zoe: World) -> None:
    done = act(zoe, convert, WHO, LEAD, Wish())
    for kind, name in (
        ("company", f"contact/{done.person_id}"),
        ("contact", f"contact/{done.company_id}"),
        ("lead", f"deal/{done.deal_id}"),
        ("deal", "lead/1"),
    ):
        with pytest.raises(ActionError, match=f"not a {kind}") as refused:
            card(zoe, kind, name)
        assert name in str(refused.value.hint)
    with pytest.raises(ActionError, match="there is no"):
        card(zoe, "company", "999999")


def test_a_card_is_read_by_a_bounded_number_of_statements(zoe: World) -> None:
    with counted(zoe) as before:
        card(zoe, "lead", LEAD)
    with zoe.db.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO crm.note (entity_id, content, created_at) SELECT l.entity_id, 'n' || g, "
                "now() - g * interval '1 day' FROM crm.lead l, generate_series(1, 500) g WHERE l.id = 1"
            )
        )
    began = time.process_time()
    with counted(zoe) as after:
        card(zoe, "lead", LEAD)
    assert len(after) == len(before) <= MOST_STATEMENTS
    assert time.process_time() - began < 1
