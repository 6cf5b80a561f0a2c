"""Custom fields are defined by an admin; what people type into them goes through the definition."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, text

from hub.actions.deals import deal
from hub.actions.leads.convert import Wish, convert
from hub.actions.people import add_person
from hub.actions.people.edit import edit
from hub.actions.setup import custom_field
from hub.actions.setup.custom_field_list import define
from hub.crm import custom_fields
from hub.crm.custom_fields import TYPES, WITH_CHOICES, CustomField
from hub.errors import ActionError
from hub.etl import flow
from hub.model.records import JsonValue
from tests.acting import by
from tests.flow.conftest import World, prepared, salesforce_lead

ADMIN = "operator"  # the machine's login
LEAD = "salesforce/leads/00Q000000000001AAA"


@prepared
def one_lead(world: World) -> World:
    """A lead of a source."""
    world.add("salesforce", "leads", salesforce_lead(1, LastName="Roche", Email="r@x.example.com"))
    flow.sync(world.hub, ["salesforce"])
    return world


@pytest.fixture
def conn(one_lead: World) -> Iterator[Connection]:
    """The lead, in a transaction."""
    with one_lead.db.engine.begin() as conn:
        yield conn


def tier(object_: str = "lead") -> CustomField:
    return CustomField(object_, "", "Tier", "list", ("Gold", "Silver"))


def test_every_type_is_defined_on_every_object(conn: Connection) -> None:
    for object_ in custom_fields.OBJECTS:
        for type_ in TYPES:
            choices = ("A", "B") if type_ in WITH_CHOICES else ()
            custom_field.add(
                by(conn, ADMIN), CustomField(object_, "", f"My {type_}", type_, choices)
            )
        found = custom_fields.fields_of(conn, object_)
        assert {f.type for f in found.values()} == set(TYPES)
        assert found["my_list"].choices == ("A", "B")
    assert len(custom_fields.all_fields(conn)) == len(TYPES) * 4


def test_what_is_typed_goes_through_the_definition(conn: Connection) -> None:
    custom_field.add(by(conn, ADMIN), tier())
    custom_field.add(by(conn, ADMIN), CustomField("lead", "", "Renewal date", "date"))
    edit(
        by(conn, ADMIN),
        LEAD,
        {"custom_fields.tier": "gold", "custom_fields.Renewal Date": "2026-03-01"},
    )
    kept = conn.execute(text("SELECT custom_fields FROM crm.lead")).scalar_one()
    assert kept.items() >= {"tier": "Gold", "renewal_date": "2026-03-01"}.items()

    with pytest.raises(ActionError) as caught:
        edit(by(conn, ADMIN), LEAD, {"custom_fields.tier": "Bronze"})
    error = caught.value
    assert (error.resource, error.field, error.code) == ("lead", "custom_fields.tier", "invalid")
    edit(by(conn, ADMIN), LEAD, {"custom_fields.tier": ""})
    kept = conn.execute(text("SELECT custom_fields FROM crm.lead")).scalar_one()
    assert kept.get("tier") is None


@pytest.mark.parametrize(
    ("key", "value", "code", "hint"),
    [
        ("teir", "Gold", "not_found", "fields: score, tier"),
        ("tier", "Bronze", "invalid", "one of: Gold, Silver"),
        ("score", "many", "invalid", None),
    ],
)
def test_every_way_in_refuses_a_custom_field_alike(
    conn: Connection, key: str, value: str, code: str, hint: str | None
) -> None:
    for object_ in ("lead", "person", "deal"):
        custom_field.add(by(conn, ADMIN), tier(object_))
        custom_field.add(by(conn, ADMIN), CustomField(object_, "", "Score", "number"))
    typed: dict[str, JsonValue] = {f"custom_fields.{key}": value}
    person = {"last_name": "Dahl", **typed}
    contact = add_person.add(by(conn, ADMIN), "contact", {"last_name": "Berg"}, region="FR").name
    number = deal.add(by(conn, ADMIN), deal.NewDeal("x", contact, "EUR"))
    ways: list[tuple[str, Callable[[], object]]] = [
        ("lead", lambda: edit(by(conn, ADMIN), LEAD, typed)),
        ("person", lambda: edit(by(conn, ADMIN), contact, typed)),
        ("lead", lambda: add_person.add(by(conn, ADMIN), "lead", person, region="FR")),
        ("person", lambda: add_person.add(by(conn, ADMIN), "contact", person, region="FR")),
        (
            "deal",
            lambda: deal.add(by(conn, ADMIN), deal.NewDeal("y", contact, "EUR", values=typed)),
        ),
        ("deal", lambda: deal.edit(by(conn, ADMIN), f"deal/{number}", typed)),
        ("deal", lambda: convert(by(conn, ADMIN), LEAD, Wish(values=typed))),
    ]
    for resource, way in ways:
        with pytest.raises(ActionError) as caught:
            way()
        error = caught.value
        assert (error.resource, error.field, error.code, error.hint) == (
            resource, f"custom_fields.{key}", code, hint)  # fmt: skip


def test_every_way_in_keeps_what_the_definition_makes_of_it(conn: Connection) -> None:
    for object_ in ("lead", "person", "deal"):
        custom_field.add(by(conn, ADMIN), tier(object_))
        custom_field.add(by(conn, ADMIN), CustomField(object_, "", "Score", "number"))
    typed: dict[str, JsonValue] = {"custom_fields.TIER": "gold", "custom_fields.score": "7"}
    kept = {"tier": "Gold", "score": 7}
    for kind, name in (("lead", "Dahl"), ("contact", "Berg")):
        made = add_person.add(by(conn, ADMIN), kind, {"last_name": name, **typed}, region="FR")
        assert held(conn, made.name) == kept
    new = deal.NewDeal("x", made.name, "EUR", values=typed)
    assert held(conn, f"deal/{deal.add(by(conn, ADMIN), new)}") == kept
    edit(by(conn, ADMIN), LEAD, {"custom_fields.score": 1})
    done = convert(by(conn, ADMIN), LEAD, Wish(values={"custom_fields.tier": "silver"}))
    assert held(conn, f"deal/{done.deal_id}") == {"score": 1, "tier": "Silver"}


def test_what_a_source_brought_without_a_definition_may_be_corrected(conn: Connection) -> None:
    conn.execute(
        text(
            "UPDATE ops.source_record SET canonical = canonical || "
            '\'{"custom_fields": {"Colour__c": "rde"}}\' WHERE target = \'person\''
        )
    )
    edit(by(conn, ADMIN), LEAD, {"custom_fields.Colour__c": "red"})
    assert held(conn, "lead/1") == {"Colour__c": "red"}
    edit(by(conn, ADMIN), LEAD, {"custom_fields.Colour__c": ""})
    edit(by(conn, ADMIN), LEAD, {"custom_fields.Colour__c": ["blue"]})
    with pytest.raises(ActionError) as caught:
        edit(by(conn, ADMIN), LEAD, {"custom_fields.Colour__c": ["a\0b"]})
    assert (caught.value.field, caught.value.code) == ("custom_fields.Colour__c", "invalid")


def held(conn: Connection, name: str) -> dict[str, JsonValue]:
    kind, number = name.split("/")
    found: dict[str, JsonValue] = conn.execute(
        text(f"SELECT custom_fields FROM crm.{kind} WHERE id = :id"), {"id": int(number)}
    ).scalar_one()
    return found


def test_names_and_keys_are_taken_once_an_object(conn: Connection) -> None:
    custom_field.add(by(conn, ADMIN), tier())
    custom_field.add(by(conn, ADMIN), tier("company"))
    for again in (tier(), CustomField("lead", "other", "TIER", "string")):
        with pytest.raises(ActionError) as caught:
            custom_field.add(by(conn, ADMIN), again)
        assert caught.value.code == "conflict"
    custom_field.add(by(conn, ADMIN), CustomField("lead", "", "Score", "number"))
    with pytest.raises(ActionError) as caught:
        custom_field.edit(by(conn, ADMIN), "lead", "score", name="tier")
    assert caught.value.code == "conflict"


def test_a_field_is_renamed_and_its_choices_change_and_values_outlast_it(conn: Connection) -> None:
    custom_field.add(by(conn, ADMIN), tier())
    edit(by(conn, ADMIN), LEAD, {"custom_fields.tier": "Silver"})
    with pytest.raises(ActionError, match="the choice 'Silver' is in use"):
        custom_field.edit(by(conn, ADMIN), "lead", "tier", choices=["Gold", "Iron"])
    made = custom_field.edit(
        by(conn, ADMIN), "lead", "tier", name="Level", choices=["Silver", "silver", "Iron"], is_filterable=False
    )  # fmt: skip
    assert (made.name, made.choices, made.is_filterable) == ("Level", ("Silver", "Iron"), False)
    assert custom_fields.fields_of(conn, "lead")["tier"] == made
    custom_field.remove(by(conn, ADMIN), "lead", "tier")
    assert custom_fields.fields_of(conn, "lead") == {}
    kept = conn.execute(text("SELECT custom_fields ->> 'tier' FROM crm.lead")).scalar_one()
    assert kept == "Silver"


@pytest.mark.parametrize(
    ("field", "at_fault"),
    [
        (CustomField("ticket", "", "A", "string"), "object"),
        (CustomField("lead", "", "A", "money"), "type"),
        (CustomField("lead", "", "  ", "string"), "name"),
        (CustomField("lead", "", "x" * 101, "string"), "name"),
        (CustomField("lead", "a\0b", "A", "string"), "key"),
        (CustomField("lead", "", "A", "list"), "choices"),
        (CustomField("lead", "", "A", "string", ("x",)), "choices"),
        (CustomField("lead", "", "A", "list", ("",)), "choices"),
    ],
)
def test_a_definition_that_is_none_is_refused(
    conn: Connection, field: CustomField, at_fault: str
) -> None:
    with pytest.raises(ActionError) as caught:
        custom_field.add(by(conn, ADMIN), field)
    error = caught.value
    assert (error.resource, error.field, error.code) == ("custom_field", at_fault, "invalid")


def test_only_an_admin_defines_fields(conn: Connection) -> None:
    conn.execute(text("UPDATE crm.\"user\" SET role = 'manager' WHERE email LIKE 'ann@%'"))
    ann = "ann@owners.example.com"
    for act in (
        lambda: custom_field.add(by(conn, ann), tier()),
        lambda: custom_field.edit(by(conn, ann), "lead", "tier", name="x"),
        lambda: custom_field.remove(by(conn, ann), "lead", "tier"),
    ):
        with pytest.raises(ActionError) as caught:
            act()
        assert caught.value.code == "forbidden"
    for act in (
        lambda: custom_field.edit(by(conn, ADMIN), "lead", "tier", name="x"),
        lambda: custom_field.remove(by(conn, ADMIN), "lead", "tier"),
    ):
        with pytest.raises(ActionError) as caught:
            act()
        assert caught.value.code == "not_found"


def test_a_list_of_fields_is_defined_once(conn: Connection) -> None:
    wanted = [
        CustomField("contact", "Tier__c", "Tier", "list", ("Gold", "Silver")),
        CustomField("organisation", "Beds__c", "Beds", "number"),
        CustomField("deal", "", "Deal type", "string"),
        CustomField("deal", "odd", "Odd", "colour"),
    ]
    first = define(by(conn, ADMIN), wanted)
    assert [(f.object, f.key) for f in first.added] == [
        ("person", "Tier__c"), ("company", "Beds__c"), ("deal", "deal_type"),
    ]  # fmt: skip
    assert [(r.field.key, "colour" in r.why) for r in first.refused] == [("odd", True)]
    wanted[0] = CustomField("contact", "Tier__c", "Tier", "list", ("gold", "Bronze"))
    wanted[1] = CustomField("organisation", "Beds__c", "Beds", "string")
    again = define(by(conn, ADMIN), wanted[:3])
    assert [f.choices for f in again.extended] == [("Gold", "Silver", "Bronze")]
    assert [f.key for f in again.unchanged] == ["deal_type"]
    assert ["of type number" in r.why for r in again.refused] == [True]
    assert not again.added
