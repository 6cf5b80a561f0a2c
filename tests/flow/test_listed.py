"""`list` of every kind of record: the same options, the engine of smart lists beneath them."""

from typing import Any

import pytest

from hub.actions import reading
from hub.actions.companies.company import change
from hub.actions.leads.convert import Wish, convert
from hub.actions.people.edit import edit
from hub.errors import ActionError
from hub.etl import flow
from hub.views.lists import Filters, ListPage
from tests.acting import by
from tests.flow.conftest import World, prepared, salesforce_lead
from tests.flow.selling import WHO, act

NAMES = ("Abel", "Brandt", "Czerny", "Doyle", "Eik")


@prepared
def people(world: World) -> World:
    """Five leads, the third one converted; of two companies, from two sources, added on five days."""
    world.add(
        "salesforce", "leads",
        *(
            salesforce_lead(
                n, LastName=name, Company=("Nordwind AG", "Solis SARL")[n % 2], Email=f"{name}@x.example.com",
                LeadSource=("Fair", "Web")[n % 2], CreatedDate=f"2025-05-0{n}T10:00:00.000+0000",
            )
            for n, name in enumerate(NAMES, 1)
        ),
    )  # fmt: skip
    assert flow.sync(world.hub, ["salesforce"]).holds
    act(world, edit, WHO, "lead/1", {"tags": ["vip", "fair"], "city": "Lyon"})
    act(world, edit, WHO, "lead/2", {"tags": ["vip"]})
    act(world, convert, WHO, "lead/3", Wish(values={"value": "900"}, deal_name="Seats"))
    return world


def page(world: World, kind: str, *, limit: int = 50, number: int = 1, **asked: Any) -> ListPage:
    with world.db.engine.begin() as conn:
        return reading.listed(by(conn), kind, Filters(**asked), limit=limit, page=number)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Eik", "Doyle", "Brandt", "Abel"]),
        ({"sort": "name"}, ["Abel", "Brandt", "Doyle", "Eik"]),
        ({"tags": ["vip"]}, ["Brandt", "Abel"]),
        ({"tags": ["vip", "fair"]}, ["Abel"]),
        ({"source": "fair"}, ["Doyle", "Brandt"]),
        ({"company": "nordwind"}, ["Doyle", "Brandt"]),
        ({"status": "new", "created_from": "2025-05-02", "created_to": "2025-05-04"}, ["Doyle", "Brandt"]),
        ({"where": ["city is Lyon"]}, ["Abel"]),
        ({"where": ["converted_at is not empty"]}, ["Czerny"]),
        ({"owner": "nobody"}, []),
    ],
)  # fmt: skip
def test_all_filters_hold_together(people: World, asked: dict[str, Any], found: list[str]) -> None:
    rows = page(people, "lead", columns=["last_name"], **asked).rows
    assert [row["last_name"] for row in rows] == found


def test_every_kind_has_its_list(people: World) -> None:
    assert [row["name"] for row in page(people, "contact").rows] == ["Czerny"]
    assert [row["name"] for row in page(people, "company", status="none").rows] == ["Solis SARL"]
    (deal,) = page(people, "deal", stage="Incoming", pipeline="Sales").rows
    assert (deal["name"], deal["value"]) == ("Seats", 900)


def test_a_company_is_shown_and_asked_by_the_name_of_the_company_linked(people: World) -> None:
    (firm,) = people.rows("SELECT id FROM crm.contact WHERE is_organization")
    act(people, change, WHO, f"contact/{firm.id}", {"company": "Helios Group"})
    for asked, found in (
        ("helios", ["Helios Group"]),
        ("solis", []),
        (f"contact/{firm.id}", ["Helios Group"]),
    ):
        rows = page(people, "contact", company=asked).rows
        assert [row["company"] for row in rows] == found
    rows = page(people, "contact", where=["company is Helios Group"]).rows
    assert [row["name"] for row in rows] == ["Czerny"]
    assert not page(people, "contact", where=["company is empty"]).rows
    # a lead without a linked company is asked by the name that it gives
    assert len(page(people, "lead", company="nordwind").rows) == 2


def test_pages_have_numbers_and_marks(people: World) -> None:
    first = page(people, "lead", limit=2, columns=["last_name"])
    second = page(people, "lead", limit=2, number=2, columns=["last_name"])
    with people.db.engine.begin() as conn:
        asked = Filters(columns=["last_name"])
        assert reading.listed(by(conn), "lead", asked, limit=2, after=first.after) == second
    assert [row["last_name"] for row in (*first.rows, *second.rows)] == [
        "Eik", "Doyle", "Brandt", "Abel"]  # fmt: skip
    assert second.after is None
    assert page(people, "lead", limit=2, number=3).rows == ()
    with pytest.raises(ActionError, match="cannot be asked for by its number"):
        page(people, "lead", limit=1000, number=12)


@pytest.mark.parametrize(
    ("kind", "asked", "message"),
    [
        ("lead", {"stage": "Quote"}, "a lead has no stage"),
        ("deal", {"status": "New"}, "a deal has no status"),
        ("company", {"company": "x"}, "a company has no company"),
        ("lead", {"owner": "zed@nowhere.example.com"}, "no member of the team"),
        ("lead", {"where": ["colour is red"]}, "no field 'colour'"),
        ("lead", {"sort": "city"}, "cannot be sorted by city"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    world: World, kind: str, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(ActionError, match=message):
        page(world, kind, **asked)
