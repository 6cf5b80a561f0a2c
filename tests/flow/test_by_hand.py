"""Leads and contacts typed in by hand: folded like all others, and never a second time."""

from typing import Any

import pytest

from hub.actions.identity.duplicates import likely
from hub.actions.identity.explain import explain
from hub.actions.identity.merge import merge
from hub.actions.people.add_person import Added, add
from hub.actions.people.edit import edit
from hub.actions.typed import canonical, named
from hub.errors import ActionError
from hub.etl import flow
from tests.acting import by
from tests.flow.conftest import World, prepared, salesforce_lead
from tests.flow.selling import define

WHO = "operator"
ANN = "ann@owners.example.com"


@prepared
def peopled(world: World) -> World:
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, FirstName="Lea", LastName="Moreau", Email="lea@moreau.example.com",
                        Company="Moreau SA", Phone="01 45 67 89 01"),
        salesforce_lead(2, FirstName="Noah", LastName="Brandt", Email="noah@brandt.example.com"),
    )  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    return world


def put(world: World, who: str = WHO, kind: str = "lead", **given: Any) -> Added:
    options = {name: given.pop(name) for name in ("owner", "force") if name in given}
    with world.db.engine.begin() as conn:
        return add(by(conn, who), kind, given, region="FR", **options)


def alike(world: World, **given: Any) -> list[str]:
    with world.db.engine.begin() as conn:
        return [p.name for p in likely(by(conn), canonical("lead", given, region="FR"))]


def row(world: World, name: str) -> Any:
    kind, number = name.split("/")
    (found,) = world.rows(f"SELECT * FROM crm.{kind} WHERE id = :id", id=int(number))
    return found


def test_a_lead_typed_in_is_a_record_of_its_own_source(peopled: World) -> None:
    define(peopled, "lead", size="string")
    added = put(peopled, ANN, first_name=" max ", last_name="Olsen", email="Max <max@olsen.example.com>",
                phone="06 12 34 56 78", tags=["vip"], **{"custom_fields.size": "L"})  # fmt: skip
    lead = row(peopled, added.name)
    assert (lead.last_name, lead.email, lead.phone) == (
        "Olsen", "max@olsen.example.com", "+33612345678")  # fmt: skip
    assert (lead.tags, lead.custom_fields, lead.status) == (["vip"], {"size": "L"}, "New")
    (owner,) = peopled.rows('SELECT email FROM crm."user" WHERE id = :id', id=lead.owner_id)
    assert owner.email == ANN
    with peopled.db.engine.begin() as conn:
        told = explain(by(conn), added.record)
    assert told.fields["email"].record == added.record
    assert not peopled.rows("SELECT 1 FROM ops.pending")
    assert not peopled.rows("SELECT 1 FROM ops.outbox WHERE lead_id = :id", id=lead.id), (
        "who typed it need not be told"
    )


def test_what_was_typed_stands_above_a_source_that_comes_later(peopled: World) -> None:
    added = put(peopled, last_name="Olsen", email="max@olsen.example.com", title="Head baker")
    peopled.add(
        "salesforce", "leads",
        salesforce_lead(3, FirstName="Max", LastName="Olsen", Email="max@olsen.example.com",
                        Title="Clerk", City="Oslo"),
    )  # fmt: skip
    flow.sync(peopled.hub, ["salesforce"])
    lead = row(peopled, added.name)
    assert (lead.title, lead.city) == ("Head baker", "Oslo"), "one person, the typed value first"


@pytest.mark.parametrize(
    "given",
    [
        {"email": "LEA@moreau.example.com"},
        {"last_name": "moreau", "first_name": "Léa"},
        {"last_name": "Moreau", "phone": "+33 1 45 67 89 01"},
        {"first_name": "Lea", "last_name": "Moreau", "organization_name": "Moreau"},
    ],
)
def test_who_is_there_already_is_shown_by_address_or_name(
    peopled: World, given: dict[str, str]
) -> None:
    (lead,) = peopled.rows("SELECT id FROM crm.lead WHERE last_name = 'Moreau'")
    assert alike(peopled, **given) == [f"lead/{lead.id}"]


def test_somebody_else_is_nobodys_duplicate(peopled: World) -> None:
    assert alike(peopled, first_name="Eva", last_name="Roth", email="eva@roth.example.com") == []
    assert alike(peopled, first_name="Eva", last_name="Moreau") == []
    assert alike(peopled, **named("Noah Brandt")) != []


def test_a_likely_duplicate_is_refused_and_named(peopled: World) -> None:
    before = peopled.rows("SELECT count(*) FROM ops.source_record")
    with pytest.raises(ActionError) as told:
        put(peopled, last_name="Moreau", first_name="Lea", email="lea@moreau.example.com")
    assert (told.value.code, told.value.resource) == ("duplicate", "lead")
    (name,) = told.value.others
    assert row(peopled, name).last_name == "Moreau"
    assert name in told.value.message
    assert peopled.rows("SELECT count(*) FROM ops.source_record") == before


def test_force_keeps_the_two_apart_for_good(peopled: World) -> None:
    added = put(peopled, last_name="Moreau", first_name="Lea", email="lea@moreau.example.com",
                force=True)  # fmt: skip
    (other,) = added.apart_from
    assert other != added.name
    peopled.add(
        "salesforce", "leads",
        salesforce_lead(1, at=500, FirstName="Lea", LastName="Moreau", Email="lea@moreau.example.com"),
    )  # fmt: skip
    flow.sync(peopled.hub, ["salesforce"])
    assert row(peopled, added.name).merged_into is None
    assert row(peopled, other).merged_into is None
    with peopled.db.engine.begin() as conn:
        merge(by(conn, WHO), other.removeprefix("lead/"), added.name.removeprefix("lead/"))
    assert row(peopled, added.name).merged_into == row(peopled, other).id, "a person may join them"


def test_a_contact_typed_in_is_a_contact(peopled: World) -> None:
    added = put(
        peopled, kind="contact", last_name="Dahl", first_name="Ole", owner="bob@owners.example.com"
    )
    contact = row(peopled, added.name)
    assert (added.name.split("/")[0], contact.last_name) == ("contact", "Dahl")
    assert not peopled.rows("SELECT 1 FROM crm.lead WHERE entity_id = :e", e=added.entity_id)
    (told,) = peopled.rows("SELECT event, contact_id FROM ops.outbox WHERE contact_id IS NOT NULL")
    assert tuple(told) == ("contact_assigned", contact.id)
    with peopled.db.engine.begin() as conn:
        edit(by(conn, WHO), added.record, {"city": "Bergen"})
    assert row(peopled, added.name).city == "Bergen"


def test_a_lead_nobody_was_named_for_is_routed(peopled: World) -> None:
    added = put(peopled, last_name="Nobody", organization_name="Nobody & Sons")
    assert row(peopled, added.name).owner_id is None
    flow.sync(peopled.hub, ["salesforce"])
    assert row(peopled, added.name).owner_id is not None


def test_a_group_takes_a_turn_for_who_is_typed_in(peopled: World) -> None:
    added = put(peopled, last_name="Turn", owner="sales")
    assert row(peopled, added.name).owner_id is not None
    (turn,) = peopled.rows("SELECT * FROM ops.assignment WHERE rule = 'by hand'")
    assert turn.group_id is not None
