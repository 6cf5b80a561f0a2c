"""Likely mistakes around a conversion and its deal are refused with a message, or do the right thing."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.deals import deal as deals
from hub.actions.deals import deal_parts
from hub.actions.deals.move_deal import move
from hub.actions.leads.convert import Converted, Wish, convert
from hub.actions.people.edit import edit
from hub.errors import ActionError
from tests.flow.conftest import World
from tests.flow.selling import WHO, act, add_customers, deal_row, go
from tests.flow.test_actions import sf
from tests.flow.test_company_choice import bring


@pytest.fixture
def sold(world: World) -> tuple[World, Converted]:
    """A lead that was converted, with a company and a deal."""
    bring(
        world,
        {"LastName": "Lee", "Company": "Northgate Robotics", "Email": "lee@north.example.org"},
    )
    done: Converted = act(world, convert, WHO, sf(1), Wish())
    return world, done


def refused(world: World, verb: Any, *arguments: Any, **named: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        act(world, verb, WHO, *arguments, **named)
    return caught.value


def parts(world: World, deal: str) -> list[tuple[int, str]]:
    with world.db.engine.begin() as conn:
        return [(c["contact_id"], c["role"]) for c in deals.deals.contacts_of(conn, int(deal))]


def test_an_archived_deal_is_not_moved(sold: tuple[World, Converted]) -> None:
    world, done = sold
    deal = str(done.deal_id)
    go(world, deal, "Won")
    act(world, deals.archive, WHO, deal)
    error = refused(world, move, deal, "Incoming")
    assert (error.code, "--undo" in str(error.hint)) == ("conflict", True)
    act(world, deals.archive, WHO, deal, undo=True)
    assert go(world, deal, "Incoming").to_stage == "Incoming"


def test_a_deal_has_one_primary_contact(sold: tuple[World, Converted]) -> None:
    world, done = sold
    deal = str(done.deal_id)
    (zola,) = add_customers(world, "Zola")
    error = refused(world, deal_parts.associate, deal, f"contact/{zola}", "Primary")
    assert (error.field, error.code) == ("role", "conflict")
    act(world, deal_parts.associate, WHO, deal, f"contact/{zola}", "decides")
    act(world, deals.edit, WHO, deal, {"contact": f"contact/{zola}"})
    assert parts(world, deal) == [(zola, "primary"), (done.company_id, "involved")]
    # a deal is of a company, and not of a person in its place
    error = refused(world, deals.edit, deal, {"company": f"contact/{zola}"})
    assert (error.resource, error.code) == ("company", "not_found")


def test_the_owner_is_given_by_edit(sold: tuple[World, Converted]) -> None:
    world, done = sold
    deal = str(done.deal_id)
    act(world, deals.edit, WHO, deal, {"owner": "cid@owners.example.com", "value": "12"})
    row = deal_row(world, deal)
    assert (row.owner_email, row.value) == ("cid@owners.example.com", Decimal(12))
    with world.db.engine.begin() as conn:
        who = conn.execute(text("SELECT who FROM ops.change WHERE fields ?| ARRAY['owner', 'owner_id'] AND deal_id = :d"),
                           {"d": int(deal)}).scalars().all()  # fmt: skip
    assert who == [WHO]
    for wrong in (None, "", "nobody@example.com"):
        assert refused(world, deals.edit, deal, {"owner": wrong}).field == "owner"


@pytest.mark.parametrize("currency", ["XXX", "XTS", "ZZZ", "Euro", "euros", "E", ""])
def test_an_unknown_currency_is_refused(sold: tuple[World, Converted], currency: str) -> None:
    world, done = sold
    assert refused(world, deals.edit, str(done.deal_id), {"currency": currency}).field == "currency"
    assert deal_row(world, str(done.deal_id)).currency == "EUR"


def test_address_fields_are_edited_on_leads_people_and_companies(
    sold: tuple[World, Converted],
) -> None:
    world, done = sold
    typed = {
        "street": "1 rue de la Paix", "postal_code": "75002", "city": "Paris", "state": "Île-de-France",
        "country": "France",
    }  # fmt: skip
    bring_two = {"LastName": "Ray", "Email": "ray@ray.example.org"}
    bring(world, bring_two, bring_two)
    for name, table in (
        (sf(2), "lead"), (f"contact/{done.person_id}", "contact"), (f"contact/{done.company_id}", "contact"),
    ):  # fmt: skip
        entity = act(world, edit, WHO, name, typed)
        (row,) = world.rows(f"SELECT * FROM crm.{table} WHERE entity_id = :e", e=entity)
        assert (row.street, row.postal_code, row.city, row.country) == (
            "1 rue de la Paix", "75002", "Paris", "FR")  # fmt: skip
        error = refused(world, edit, name, {"address": "1 rue de la Paix, Paris"})
        assert (error.field, error.code) == ("address", "not_found")
        assert {"street", "postal_code", "city"} <= {*str(error.hint).replace(",", "").split()}


def test_a_conversion_names_what_it_cannot_make(world: World) -> None:
    bring(world, {"LastName": "Lee", "Company": "Northgate Robotics"})
    for wish, field in (
        (Wish(currency="XXX"), "currency"),
        (Wish(values={"stage": "Won"}), "stage"),
    ):
        assert refused(world, convert, sf(1), wish).field == field
    assert world.rows("SELECT 1 FROM crm.contact") == []
    assert world.rows("SELECT 1 FROM crm.deal") == []
