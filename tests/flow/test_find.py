"""`hub find`: a record by its name, an address, a number in any form, a company, a deal."""

from typing import Any

import jsonschema
import pytest

from hub.actions import reading
from hub.actions.leads.convert import Wish, convert
from hub.actions.people.edit import edit
from hub.errors import ActionError
from hub.etl import flow
from hub.views.encoding import to_json
from hub.views.finding import Found
from hub.views.schema import schema_of
from tests.acting import by
from tests.flow.conftest import World, hubspot_contact, prepared, salesforce_lead
from tests.flow.selling import WHO, act

RECORDS = (
    salesforce_lead(1, FirstName="Zoé", LastName="Martin", Email="zoe@quist.example.com",
                    Phone="+33 6 12 34 56 78", Company="Quist Systems"),
    salesforce_lead(2, FirstName="Martin", LastName="Abel", Email="m.abel@solis.example.com"),
    salesforce_lead(3, FirstName="Ida", LastName="Martinez", Email="ida@nordwind.example.com",
                    MobilePhone="+49 30 1234567", Company="Nordwind AG"),
)  # fmt: skip


@prepared
def known(world: World) -> World:
    """Three people; the first one has a second address in HubSpot, the third one is a contact."""
    world.add("salesforce", "leads", *RECORDS)
    world.add(
        "hubspot", "contacts",
        hubspot_contact(5, firstname="Zoe", lastname="Martin", email="z.martin@home.example.com",
                        phone="+33612345678"),
    )  # fmt: skip
    assert flow.sync(world.hub, ["salesforce", "hubspot"]).holds
    act(world, convert, WHO, "lead/3", Wish(deal_name="Nordwind seats", values={"value": "9"}))
    act(world, edit, WHO, "lead/2", {"city": "Lyon"})
    return world


def find(world: World, said: str, **more: Any) -> Found:
    with world.db.engine.begin() as conn:
        found = reading.find(by(conn), said, **more)
    jsonschema.validate(to_json(found), schema_of(Found))
    return found


def names(found: Found) -> list[str | None]:
    return [hit.name for hit in found.items]


def test_a_record_is_found_by_each_of_its_texts(known: World) -> None:
    zoe, ida = "Zoé Martin", "Ida Martinez"
    for said, first, matched in (
        ("zoe martin", zoe, "name"),
        ("ZOÉ", zoe, "name"),
        ("quist sys", zoe, "company"),
        ("ZOE@quist.example.com", zoe, "email"),
        ("z.martin@home.example.com", zoe, "email"),
        ("ida@", ida, "email"),
        ("@nordwind", ida, "email"),
        ("06 12 34 56 78", zoe, "phone"),
        ("+33612345678", zoe, "phone"),
        ("0033 6 12.34.56.78", zoe, "phone"),
        ("30 1234", ida, "phone"),
        ("nordwind", "Nordwind AG", "company"),
        ("seats", "Nordwind seats", "deal"),
        ("ma", zoe, "name"),
        ("m.abel", "Martin Abel", "email"),
    ):
        hit = find(known, said).items[0]
        assert hit.name is not None, said
        assert (hit.name.replace("Zoe", "Zoé"), hit.matched) == (first, matched), said


def test_whole_names_come_first_then_beginnings_then_parts(known: World) -> None:
    found = find(known, "martin")
    assert [(name or "").split()[-1] for name in names(found)] == ["Martin", "Martinez", "Abel"]
    assert [hit.kind for hit in found.items] == ["lead", "contact", "lead"]
    assert not found.has_more
    cut = find(known, "martin", limit=1)
    assert (len(cut.items), cut.has_more) == (1, True)


def test_each_record_comes_once_and_a_converted_lead_as_its_contact(known: World) -> None:
    found = find(known, "nordwind")
    assert [hit.kind for hit in found.items] == ["company", "deal", "contact"]
    assert len({hit.record for hit in found.items}) == len(found.items)
    assert find(known, "nobody is called so").items == ()


@pytest.mark.parametrize("said", ["", " x ", "a" * 101, "a\x00b", "zoe\ud800"])
def test_what_no_record_can_have_is_refused(world: World, said: str) -> None:
    with pytest.raises(ActionError, match="is looked for"):
        find(world, said)


@pytest.mark.parametrize("said", ["%", "100% _", "50%", "a'b", "x@%", "+++++", "(((((", "\\\\"])
def test_signs_are_signs(known: World, said: str) -> None:
    if len(said) > 1:
        assert find(known, said).items == ()
