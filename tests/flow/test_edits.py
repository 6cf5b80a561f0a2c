"""An edit is an input like any other: it is read as a source's values are, and it finds people."""

from typing import Any

import pytest

from hub.actions.identity.duplicates import likely
from hub.actions.identity.merge import merge
from hub.actions.identity.review import decide, open_pairs
from hub.actions.people.add_person import add
from hub.actions.people.edit import edit, take_back
from hub.actions.typed import canonical
from hub.errors import ActionError
from hub.etl import flow
from hub.model.verdicts import Judgement
from tests.acting import by
from tests.flow.conftest import World, hubspot_contact, prepared, salesforce_lead

REGION = "FR"
LEA = "salesforce/leads/00Q000000000001AAA"
NOAH = "salesforce/leads/00Q000000000002AAA"
ADDRESS = "lea@moreau.example.com"


@prepared
def leads(world: World) -> World:
    """Lea, of whom only the last name is known, and Noah."""
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, LastName="Moreau"),
        salesforce_lead(2, FirstName="Noah", LastName="Brandt", Email="noah@brandt.example.com"),
    )  # fmt: skip
    assert flow.sync(world.hub, ["salesforce"]).holds
    return world


def type_in(world: World, record: str, **values: Any) -> None:
    with world.db.engine.begin() as conn:
        edit(by(conn), record, values, region=REGION)


def row(world: World, record: str) -> Any:
    source, stream, source_id = record.split("/")
    (found,) = world.rows(
        "SELECT l.* FROM crm.lead l JOIN ops.source_record s USING (entity_id) WHERE s.source = :a "
        "AND s.stream = :b AND s.source_id = :c AND s.target = 'person'",
        a=source, b=stream, c=source_id,
    )  # fmt: skip
    return found


def questions(world: World) -> set[frozenset[str]]:
    with world.db.engine.begin() as conn:
        return {frozenset({pair.a, pair.b}) for pair in open_pairs(by(conn))}


def hubspot(world: World, number: int, **values: Any) -> str:
    world.add("hubspot", "contacts", hubspot_contact(number, **values))
    assert flow.sync(world.hub, ["hubspot"]).holds
    return f"hubspot/contacts/{number}"


GOOD = {
    "phone": "06 12 34 56 78",
    "mobile": "+33 (0)6 12 34 56 79",
    "fax": "01.42.68.53.00",
    "country": "Deutschland",
    "website": "Example.com/team",
    "email": "Lea Moreau <lea@moreau.example.com>",
    "organization_name": "  Moreau   et fils ",
    "tags": ["vip", "VIP", " new "],
    "postal_code": " 75001 ",
    "street": "1, rue de la Paix\nBât. B",
    "first_name": " Lea  Marie ",
    "city": "Paris",
}
BAD = {
    "phone": "call me",
    "mobile": "000 000 0000",
    "country": "Atlantis",
    "website": "not a web address",
    "email": "nobody",
    "state": 7,
    "city": "a\0b",
    "tags": ["x" * 300],
}


@pytest.mark.parametrize("field", GOOD)
def test_a_value_is_kept_as_it_is_kept_of_a_lead_that_is_added(leads: World, field: str) -> None:
    typed = canonical("lead", {field: GOOD[field]}, region=REGION)[field]
    type_in(leads, LEA, **{field: GOOD[field]})
    assert getattr(row(leads, LEA), field) == typed


@pytest.mark.parametrize("field", BAD)
def test_a_value_that_a_lead_cannot_be_added_with_cannot_be_typed_into_one(
    leads: World, field: str
) -> None:
    with pytest.raises(ActionError) as of_add:
        canonical("lead", {field: BAD[field]}, region=REGION)
    before = row(leads, LEA)
    with pytest.raises(ActionError) as of_edit:
        type_in(leads, LEA, **{field: BAD[field]})
    assert (of_edit.value.field, of_edit.value.code) == (field, of_add.value.code)
    assert of_edit.value.message.partition(":")[2] == of_add.value.message.partition(":")[2]
    assert row(leads, LEA) == before


def test_numbers_and_states_are_read_in_the_country_typed_else_in_the_records_own(
    leads: World,
) -> None:
    type_in(leads, LEA, country="Germany", phone="030 901820")
    assert (row(leads, LEA).country, row(leads, LEA).phone) == ("DE", "+4930901820")
    type_in(leads, LEA, mobile="0151 23456789")
    assert row(leads, LEA).mobile == "+4915123456789"
    type_in(leads, NOAH, country="US")
    type_in(leads, NOAH, state="new york")
    assert row(leads, NOAH).state == "NY"


def test_a_blank_still_blanks_and_further_addresses_are_read(leads: World) -> None:
    type_in(leads, NOAH, email=None)
    assert row(leads, NOAH).email is None
    type_in(leads, NOAH, emails=["N@b.example.com", "<n2@b.example.com>"])
    with pytest.raises(ActionError):
        type_in(leads, NOAH, emails=["n@b.example.com", "nobody"])
    with leads.db.engine.begin() as conn:
        take_back(by(conn), NOAH, "email")
    assert row(leads, NOAH).email == "noah@brandt.example.com"


def test_an_address_typed_into_a_lead_is_found_when_the_next_is_added(leads: World) -> None:
    type_in(leads, LEA, email=ADDRESS)
    with leads.db.engine.begin() as conn:
        (found,) = likely(by(conn), canonical("lead", {"email": ADDRESS}, region=REGION))
    assert found.name == f"lead/{row(leads, LEA).id}"
    given = {"first_name": "Lea", "last_name": "Moreau", "email": ADDRESS}
    with leads.db.engine.begin() as conn, pytest.raises(ActionError) as refused:
        add(by(conn), "lead", given, region=REGION)
    assert (refused.value.code, refused.value.others) == ("duplicate", (found.name,))


@pytest.mark.parametrize("typed", [{"email": ADDRESS}, {"phone": "06 12 34 56 78"}])
def test_a_match_found_through_an_edit_is_a_question(leads: World, typed: dict[str, str]) -> None:
    type_in(leads, LEA, **typed)
    names = {"email": "email", "phone": "phone"}
    said = {names[f]: v for f, v in typed.items()}
    other = hubspot(leads, 1, firstname="Lea", lastname="Moreau", country="France", **said)
    assert row(leads, other).entity_id != row(leads, LEA).entity_id, "never joined by an edit"
    assert questions(leads) == {frozenset({LEA, other})}


def test_it_is_a_question_too_where_the_other_record_was_there_first(leads: World) -> None:
    other = hubspot(leads, 1, firstname="Lea", lastname="Moreau", email=ADDRESS)
    assert row(leads, other).entity_id != row(leads, LEA).entity_id
    assert not questions(leads)
    type_in(leads, LEA, email=ADDRESS)
    assert questions(leads) == {frozenset({LEA, other})}
    assert row(leads, other).entity_id != row(leads, LEA).entity_id


def test_an_edit_that_is_taken_back_asks_nothing_any_more(leads: World) -> None:
    type_in(leads, LEA, email=ADDRESS)
    hubspot(leads, 1, firstname="Lea", lastname="Moreau", email=ADDRESS)
    with leads.db.engine.begin() as conn:
        take_back(by(conn), LEA, "email")
    assert not questions(leads)


def test_the_answer_to_the_question_holds(leads: World) -> None:
    type_in(leads, LEA, email=ADDRESS)
    other = hubspot(leads, 1, firstname="Lea", lastname="Moreau", email=ADDRESS)
    with leads.db.engine.begin() as conn:
        decide(by(conn), LEA, other, Judgement.DIFFERENT)
    type_in(leads, LEA, email=ADDRESS, city="Lyon")
    assert not questions(leads)
    with leads.db.engine.begin() as conn:
        decide(by(conn), LEA, other, Judgement.SAME)
    assert row(leads, other).entity_id == row(leads, LEA).entity_id


def test_what_the_records_say_themselves_still_joins(leads: World) -> None:
    type_in(leads, NOAH, email="else@brandt.example.com", last_name="Other")
    other = hubspot(leads, 1, firstname="Noah", lastname="Brandt", email="noah@brandt.example.com")
    assert row(leads, other).entity_id == row(leads, NOAH).entity_id
    assert not questions(leads)


def test_an_edit_of_somebody_who_was_merged_finds_the_survivor(leads: World) -> None:
    type_in(leads, NOAH, email=ADDRESS)
    with leads.db.engine.begin() as conn:
        merge(by(conn), LEA, NOAH)
    survivor = row(leads, LEA)
    with leads.db.engine.begin() as conn:
        found = likely(by(conn), canonical("lead", {"email": ADDRESS}, region=REGION))
    assert [one.name for one in found] == [f"lead/{survivor.id}"]


def test_typed_values_join_nobody_in_whatever_order_they_come(leads: World) -> None:
    """Two that only their edits make alike are asked about, and stay two after a full sync."""
    type_in(leads, LEA, email=ADDRESS, first_name="Lea", last_name="Moreau")
    type_in(leads, NOAH, email=ADDRESS, first_name="Lea", last_name="Moreau")
    assert questions(leads) == {frozenset({LEA, NOAH})}
    assert flow.sync(leads.hub, ["salesforce"], full=True).holds
    assert questions(leads) == {frozenset({LEA, NOAH})}
    assert row(leads, LEA).entity_id != row(leads, NOAH).entity_id
