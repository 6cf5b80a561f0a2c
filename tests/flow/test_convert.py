"""Conversion: one call makes a contact of a lead, with all that hangs on it, and a deal; only once."""

from decimal import Decimal
from typing import Any

import pytest

from hub.actions.activities import activity, task
from hub.actions.leads.convert import Converted, Wish, convert
from hub.actions.people.edit import edit
from hub.actions.reading import show
from hub.errors import ActionError
from hub.etl import companies, flow, load
from hub.etl.groups import Group, apply_groups
from tests.acting import by
from tests.flow.conftest import World, prepared, salesforce_lead, zendesk_ticket, zendesk_user
from tests.flow.selling import WHO, act, deal_row, define, go
from tests.flow.test_actions import lead_of, sf

LEA = {
    "FirstName": "Lea", "LastName": "Moreau", "Email": "lea@moreau.example.com", "Title": "CEO",
    "LeadSource": "Fair",
}  # fmt: skip


@prepared
def lea(world: World) -> World:
    """A lead with a ticket."""
    world.add("salesforce", "leads", salesforce_lead(1, **LEA))
    world.add(
        "zendesk", "users", zendesk_user(7, name="Lea Moreau", email="lea@moreau.example.com")
    )
    world.add("zendesk", "tickets", zendesk_ticket(9, subject="It broke", requester_id=7))
    assert flow.sync(world.hub, ["salesforce", "zendesk"]).holds
    return world


def converted(world: World, **wish: Any) -> Converted:
    done: Converted = act(world, convert, WHO, sf(1), Wish(**wish))
    return done


def only(world: World, statement: str) -> Any:
    (row,) = world.rows(statement)
    return row


def test_a_lead_becomes_a_contact_with_a_deal_in_the_first_stage(lea: World) -> None:
    before = lead_of(lea, sf(1))
    done = converted(
        lea, deal_name="100 seats",
        values={"value": "1200", "estimated_close_date": "2026-03-31"},
    )  # fmt: skip
    contact, lead = only(lea, "SELECT * FROM crm.contact"), lead_of(lea, sf(1))
    assert (contact.id, contact.entity_id, contact.kept_by) == (
        done.person_id, before.entity_id, "person")  # fmt: skip
    assert (contact.last_name, contact.title, contact.owner_id) == (
        "Moreau",
        "CEO",
        before.owner_id,
    )
    assert (lead.contact_id, lead.converted_at is None) == (done.person_id, False)
    deal = deal_row(lea, str(done.deal_id))
    assert (deal.name, deal.stage, deal.value, deal.source) == (
        "100 seats", "Incoming", Decimal(1200), "Fair")  # fmt: skip
    assert str(deal.estimated_close_date) == "2026-03-31"
    assert (contact.prospect_status, contact.customer_status) == ("current", "none")


def test_a_second_call_returns_the_same_and_changes_nothing(lea: World) -> None:
    first = converted(lea, deal_name="100 seats")
    again = converted(lea, deal_name="another")
    assert (first.is_new, again.is_new) == (True, False)
    assert again == Converted(first.lead_id, first.person_id, None, first.deal_id, is_new=False)
    assert (
        len(lea.rows("SELECT 1 FROM crm.deal"))
        == len(lea.rows("SELECT 1 FROM crm.conversion"))
        == 1
    )


def test_what_hangs_on_the_lead_hangs_on_the_contact_and_shows_on_the_deal(lea: World) -> None:
    act(lea, activity.write, WHO, "note", sf(1), {"content": "Call her"})
    act(lea, task.add, WHO, {"content": "Send it"}, on=sf(1))
    done = converted(lea)
    with lea.db.engine.begin() as conn:
        shown = show(by(conn), "deal", str(done.deal_id)).timeline.items
    assert {(a.kind, a.words) for a in shown} == {
        ("note", "Call her"), ("task", "Send it"), ("ticket", "It broke")}  # fmt: skip
    assert only(lea, "SELECT c.id FROM crm.ticket JOIN crm.contact c USING (entity_id)").id


def test_tags_and_custom_fields_follow(lea: World) -> None:
    define(lea, "lead", size="string", seats="string")
    act(
        lea,
        edit,
        WHO,
        sf(1),
        {"tags": ["vip"], "custom_fields.size": "L", "custom_fields.seats": "12"},
    )
    with lea.db.engine.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO crm.custom_field (object, key, name, type) "
            "VALUES ('deal', 'seats', 'Seats', 'number'), ('deal', 'size', 'Size', 'date')"
        )
    converted(lea)
    contact = only(lea, "SELECT * FROM crm.contact")
    assert (contact.tags, contact.custom_fields["size"]) == (["vip"], "L")
    deal = only(lea, "SELECT tags, custom_fields FROM crm.deal")
    assert deal.tags == ["vip"]
    assert list(deal.custom_fields) == ["seats"], "L is no date: it stays with the person"


def test_after_conversion_edits_and_syncs_go_to_the_contact(lea: World) -> None:
    converted(lea)
    frozen = lead_of(lea, sf(1))
    act(lea, edit, WHO, sf(1), {"city": "Lyon"})
    lea.add("salesforce", "leads", salesforce_lead(1, at=500, **{**LEA, "Title": "Chair"}))
    assert flow.sync(lea.hub, ["salesforce"]).holds
    contact = only(lea, "SELECT * FROM crm.contact")
    assert (contact.city, contact.title) == ("Lyon", "Chair")
    assert lead_of(lea, sf(1)) == frozen


def test_the_owner_is_the_one_named_else_the_leads(lea: World) -> None:
    done = converted(lea, owner="cid@owners.example.com", has_deal=False)
    assert done.deal_id is None
    assert (
        only(lea, "SELECT u.name FROM crm.contact c JOIN crm.user u ON u.id = c.owner_id").name
        == "Cid"
    )
    assert only(lea, "SELECT count(*) FROM crm.deal")[0] == 0


@pytest.mark.parametrize("kind", ["lead", "contact", "deal"])
def test_a_group_takes_one_turn_for_all_that_is_made(world: World, kind: str) -> None:
    with world.db.engine.begin() as conn:
        members = [f"{n}@owners.example.com" for n in ("bob", "cid")]
        apply_groups(conn, [Group("closers", members, kind)])
    for n in (1, 2, 3):
        with_company(world, n, f"a@number{n}.example.com", Company=f"Number{n} Logistik")
    taken = []
    for n in (1, 2, 3):
        done: Converted = act(world, convert, WHO, sf(n), Wish(owner="closers"))
        rows = world.rows(
            "SELECT u.name FROM crm.user u JOIN (SELECT owner_id FROM crm.contact WHERE id IN (:p, :c) "
            "UNION ALL SELECT owner_id FROM crm.deal WHERE id = :d) o ON o.owner_id = u.id",
            p=done.person_id, c=done.company_id, d=done.deal_id,
        )  # fmt: skip
        assert len(rows) == 3
        assert len({row.name for row in rows}) == 1
        taken.append(rows[0].name)
    assert taken == ["Bob", "Cid", "Bob"]
    assert len(world.rows("SELECT 1 FROM ops.assignment WHERE rule = 'by hand'")) == 3
    event = f"{kind}_assigned"
    assert world.rows("SELECT 1 FROM ops.outbox WHERE event = :e", e=event), "the new owner is told"


def test_a_group_of_deals_takes_no_turn_without_a_deal(lea: World) -> None:
    with lea.db.engine.begin() as conn:
        apply_groups(conn, [Group("closers", ["bob@owners.example.com"], "deal")])
    with pytest.raises(ActionError) as caught:
        converted(lea, owner="closers", has_deal=False)
    assert (caught.value.field, caught.value.code) == ("owner", "conflict")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"owner": "nobody@example.com"}, "owner"), ({"pipeline": "None"}, "pipeline"),
        ({"values": {"value": "much"}}, "value"), ({"currency": "Euro"}, "currency"),
        ({"deal_name": ""}, "name"), ({"values": {"close_date": "soon"}}, "close_date"),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_met_makes_nothing(lea: World, wish: Any, field: str) -> None:
    with pytest.raises(ActionError) as caught:
        converted(lea, **wish)
    assert caught.value.field == field
    assert lea.rows("SELECT 1 FROM crm.contact") == []


def test_who_may_not_and_what_is_no_lead_are_refused(lea: World) -> None:
    with lea.db.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE crm.\"user\" SET role = 'viewer' WHERE name = 'Bob'")
    for who, name, code in (
        ("bob@owners.example.com", sf(1), "forbidden"), (WHO, "lead/999", "not_found"),
        (WHO, "nobody", "not_found"),
    ):  # fmt: skip
        with pytest.raises(ActionError) as caught:
            act(lea, convert, who, name)
        assert caught.value.code == code


def with_company(world: World, number: int, email: str, **more: Any) -> None:
    world.add("salesforce", "leads",
              salesforce_lead(number, LastName=f"Name{number}", Email=email, **more))  # fmt: skip
    assert flow.sync(world.hub, ["salesforce"]).holds


def company_row(world: World, done: Converted) -> Any:
    (row,) = world.rows("SELECT * FROM crm.contact WHERE id = :id", id=done.company_id)
    return row


def test_a_company_is_made_once_and_found_by_the_next_lead(world: World) -> None:
    with_company(
        world, 1, "a@nordwind.example.com", Company="Nordwind Logistik", Industry="Freight"
    )
    with_company(world, 2, "b@nordwind.example.com", Company="Nordwind Logistik GmbH")
    one: Converted = act(world, convert, WHO, sf(1), Wish())
    other: Converted = act(world, convert, WHO, sf(2), Wish())
    assert one.company_id is not None
    assert other.company_id == one.company_id
    company = company_row(world, one)
    assert (company.is_organization, company.organization_name, company.industry) == (
        True, "Nordwind Logistik", "Freight")  # fmt: skip
    assert company.owner_id == lead_of(world, sf(1)).owner_id
    works = world.rows("SELECT company_id FROM crm.contact WHERE NOT is_organization")
    assert [row.company_id for row in works] == [one.company_id] * 2
    deal = deal_row(world, str(one.deal_id))
    assert (deal.company_id, deal.name) == (one.company_id, "Nordwind Logistik")
    with world.db.engine.begin() as conn:
        contacts = show(by(conn), "deal", str(one.deal_id)).contacts
    assert [(c.record, c.role) for c in contacts] == [
        (f"contact/{one.person_id}", "primary"),
        (f"contact/{one.company_id}", "involved"),
    ]


def test_a_company_that_is_there_is_matched_before_one_is_made(world: World) -> None:
    with world.db.engine.begin() as conn:
        known = {"organization_name": "Nordwind Logistik", "domains": ["nordwind.example.com"]}
        load.refold(conn, [companies.make(conn, known)])
    with_company(world, 1, "a@nordwind.example.com", Company="Nordwind Logistik")
    done: Converted = act(world, convert, WHO, sf(1), Wish())
    there = world.rows("SELECT id, kept_by FROM crm.contact WHERE is_organization")
    assert [(c.id, c.kept_by) for c in there] == [(done.company_id, "person")]


def test_the_employees_deals_make_the_company_a_customer(world: World) -> None:
    with_company(world, 1, "a@nordwind.example.com", Company="Nordwind Logistik")
    done: Converted = act(world, convert, WHO, sf(1), Wish())
    assert company_row(world, done).prospect_status == "current"
    go(world, str(done.deal_id), "Won")
    assert company_row(world, done).customer_status == "current"
    act(world, activity.write, WHO, "call", sf(1), {"made_at": "2026-01-05T10:00:00+00:00"})
    assert company_row(world, done).last_communication_at is not None
