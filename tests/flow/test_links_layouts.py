"""An admin sets up links and layouts over existing fields; all users use them."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hub.actions.setup import custom_field, layout, smart_link
from hub.crm import smart_links
from hub.crm.custom_fields import OBJECTS, CustomField
from hub.crm.smart_links import SmartLink
from hub.errors import ActionError
from tests.acting import by
from tests.db.conftest import seed_leads
from tests.flow.conftest import World, prepared

LOGIN, ANN = "operator", "ann@owners.example.com"
BILLING = (
    "https://billing.example.com/customers?mail={email}&tier={Tier}&id={custom_fields.billing_id}"
)


@prepared
def two_leads(world: World) -> World:
    """Two leads, and two custom fields."""
    with world.db.engine.begin() as conn:
        seed_leads(conn, 2)
        for name, type_, choices in (("Tier", "list", ("Gold",)), ("Billing id", "string", ())):
            custom_field.add(by(conn, LOGIN), CustomField("lead", "", name, type_, choices))
        conn.execute(
            text(
                "UPDATE crm.lead SET email = 'a+b@x.example.com', "
                "custom_fields = jsonb_build_object('tier', 'Gold', 'billing_id', '7/8')"
            )
        )
    return world


@pytest.fixture
def conn(two_leads: World) -> Iterator[Connection]:
    """The same, in a transaction."""
    with two_leads.db.engine.begin() as conn:
        yield conn


def lead(conn: Connection) -> str:
    return f"lead/{conn.execute(text('SELECT min(id) FROM crm.lead')).scalar_one()}"


def test_a_link_is_opened_for_a_record(conn: Connection) -> None:
    smart_link.add(by(conn, LOGIN), SmartLink("lead", "Billing", BILLING))
    made = smart_link.opened(by(conn, ANN), "billing", lead(conn))
    assert made == (
        "https://billing.example.com/customers?mail=a%2Bb%40x.example.com&tier=Gold&id=7%2F8"
    )
    assert [one.name for one in smart_links.of_object(conn, "lead")] == ["Billing"]
    assert smart_links.of_object(conn, "deal") == []


def test_a_link_of_another_kind_of_record_is_not_found(conn: Connection) -> None:
    smart_link.add(by(conn, LOGIN), SmartLink("deal", "Invoice", "https://b.example.com/{name}"))
    with pytest.raises(ActionError) as caught:
        smart_link.opened(by(conn, ANN), "Invoice", lead(conn))
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("link", "field", "code"),
    [
        (SmartLink("ticket", "A", BILLING), "object", "invalid"),
        (SmartLink("lead", " ", BILLING), "name", "invalid"),
        (SmartLink("lead", "A", "https://{email}/"), "template", "invalid"),
        (SmartLink("lead", "A", "javascript:{email}"), "template", "invalid"),
        (SmartLink("lead", "A", "https://b.example.com/{nothing}"), "template", "not_found"),
        (SmartLink("lead", "TAKEN", BILLING), "name", "conflict"),
    ],
)
def test_a_link_that_is_none_is_refused(
    conn: Connection, link: SmartLink, field: str, code: str
) -> None:
    smart_link.add(by(conn, LOGIN), SmartLink("lead", "Taken", BILLING))
    with pytest.raises(ActionError) as caught:
        smart_link.add(by(conn, LOGIN), link)
    assert (caught.value.resource, caught.value.field, caught.value.code) == (
        "smart_link",
        field,
        code,
    )


def test_only_an_admin_sets_links_and_layouts_up(conn: Connection) -> None:
    for act in (
        lambda: smart_link.add(by(conn, ANN), SmartLink("lead", "A", BILLING)),
        lambda: smart_link.remove(by(conn, ANN), "lead", "A"),
        lambda: layout.set_(by(conn, ANN), "lead", None),
    ):
        with pytest.raises(ActionError) as caught:
            act()
        assert caught.value.code == "forbidden"
    with pytest.raises(ActionError) as caught:
        smart_link.remove(by(conn, LOGIN), "lead", "A")
    assert caught.value.code == "not_found"


@pytest.mark.parametrize("object_", OBJECTS)
def test_every_kind_of_record_has_a_layout_of_known_fields(conn: Connection, object_: str) -> None:
    shown = layout.show(by(conn), object_)
    assert all(section.fields for section in shown)
    as_data = [{"name": one.name, "fields": list(one.fields)} for one in shown]
    assert layout.set_(by(conn, LOGIN), object_, as_data) == shown


def test_a_layout_is_kept_in_its_order_and_given_back(conn: Connection) -> None:
    assert layout.show(by(conn), "lead")[-1].fields == (
        "custom_fields.billing_id",
        "custom_fields.tier",
    )
    said = [
        {"name": "Money", "fields": ["custom_fields.tier", "status"]},
        {"name": "Rest", "fields": ["email"]},
    ]
    shown = layout.set_(by(conn, LOGIN), "lead", said)
    assert [(one.name, list(one.fields)) for one in shown] == [
        (s["name"], s["fields"]) for s in said
    ]
    assert layout.show(by(conn), "lead") == shown
    with pytest.raises(ActionError, match="layout 'lead'"):
        custom_field.remove(by(conn, LOGIN), "lead", "tier")
    conn.execute(
        text("DELETE FROM crm.custom_field WHERE key = 'tier'")
    )  # as an older hub let it go
    (first, _) = layout.show(by(conn), "lead")
    assert (first.fields, first.missing) == (("status",), ("custom_fields.tier",))
    assert layout.set_(by(conn, LOGIN), "lead", None)[0].name == "Lead"


@pytest.mark.parametrize(
    "said",
    [{}, [], "x", [{}], [{"name": "A"}], [{"name": "", "fields": []}], [{"name": "A", "fields": "x"}],
     [{"name": "A", "fields": [1]}], [{"name": "A", "fields": ["nothing"]}],
     [{"name": "A", "fields": ["email"]}, {"name": "B", "fields": ["email"]}],
     [{"name": "A", "fields": []}] * 51],
)  # fmt: skip
def test_a_layout_that_is_none_is_refused(conn: Connection, said: Any) -> None:
    with pytest.raises(ActionError) as caught:
        layout.set_(by(conn, LOGIN), "lead", said)
    assert (caught.value.resource, caught.value.code) == ("layout", "invalid")
