"""Users say which company a person works for; earlier activities stay with the former company."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.activities import activity, task, timeline
from hub.actions.companies import company as firms
from hub.actions.companies.people import link, take_back, unlink
from hub.actions.deals import deal as deals
from hub.actions.people.edit import edit
from hub.errors import ActionError
from hub.etl import flow
from tests.acting import by
from tests.flow.conftest import World, hubspot_contact, prepared
from tests.flow.selling import WHO, act, deal_row, go
from tests.flow.test_companies import company, customer
from tests.flow.test_company_identity import everything

MARCH, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 5))


@prepared
def wide(world: World) -> World:
    """Two companies in HubSpot, and Lea, who works for the first by HubSpot's word."""
    world.vendors["hubspot"].names = ("owners", "companies", "contacts")
    world.add(
        "hubspot", "companies",
        company(9001, name="Northgate Robotics"), company(9002, name="Ridgeway Ceramics"),
    )  # fmt: skip
    lea = {"lastname": "Moreau", "email": "lea@mail.example.org", "associatedcompanyid": "9001"}
    world.add("hubspot", "contacts", customer(1, **lea))
    assert flow.sync(world.hub, ["hubspot"]).holds
    return world


def ids(world: World) -> tuple[str, str, str]:
    """Lea, and the two companies."""
    rows = world.rows("SELECT id FROM crm.contact ORDER BY is_organization, organization_name")
    lea, north, ridge = (f"contact/{row.id}" for row in rows)
    return lea, north, ridge


def works_for(world: World) -> str | None:
    (row,) = world.rows(
        "SELECT c.organization_name AS name FROM crm.contact p "
        "LEFT JOIN crm.contact c ON c.id = p.company_id WHERE NOT p.is_organization"
    )
    found: str | None = row.name
    return found


def done_at(world: World, name: str) -> list[Any]:
    """The words of all activities that a record shows."""
    with world.db.engine.begin() as conn:
        return sorted(a.words or "" for a in timeline.of(by(conn), name).timeline.items)


def active(world: World, name: str) -> tuple[Any, str, str]:
    (row,) = world.rows(
        "SELECT last_activity_at, customer_status, prospect_status FROM crm.contact WHERE id = :id",
        id=int(name.split("/")[1]),
    )
    return tuple(row)


def test_a_change_of_employer_keeps_the_history_where_it_happened(wide: World) -> None:
    lea, north, ridge = ids(wide)
    act(
        wide,
        activity.write,
        WHO,
        "note",
        lea,
        {"content": "before", "created_at": MARCH.isoformat()},
    )
    made = act(wide, deals.add, WHO, deals.NewDeal("seats", lea, "EUR"))
    go(wide, str(made), "Won")
    assert (done_at(wide, north), done_at(wide, ridge)) == (["before"], [])
    before = everything(wide)
    done = act(wide, link, WHO, lea, ridge, since=MAY)
    assert (f"contact/{done.company_id}", f"contact/{done.left_id}", done.since) == (
        ridge,
        north,
        MAY,
    )
    assert works_for(wide) == "Ridgeway Ceramics"
    act(
        wide,
        activity.write,
        WHO,
        "call",
        lea,
        {"made_at": "2026-05-04T10:00:00+00:00", "summary": "after"},
    )
    act(
        wide,
        activity.write,
        WHO,
        "call",
        lea,
        {"made_at": "2026-04-04T10:00:00+00:00", "summary": "late"},
    )
    act(wide, task.add, WHO, {"content": "call back"}, on=lea)
    assert done_at(wide, lea) == ["after", "before", "call back", "late"]
    assert done_at(wide, north) == ["before", "late"], (
        "what was done there stays, typed in late or not"
    )
    assert done_at(wide, ridge) == ["after", "call back"]
    assert active(wide, north) == (datetime(2026, 4, 4, 10, tzinfo=UTC), "current", "none")
    assert active(wide, ridge) == (datetime(2026, 5, 4, 10, tzinfo=UTC), "none", "none")
    assert f"contact/{deal_row(wide, str(made)).company_id}" == north
    # a source that still names the old company changes nothing, and a fold of all neither
    wide.add(
        "hubspot", "contacts", customer(1, at=20_000, lastname="Morel", associatedcompanyid="9001")
    )
    assert flow.sync(wide.hub, ["hubspot"]).holds
    assert works_for(wide) == "Ridgeway Ceramics"
    # taken back: all of it is with the first company again
    act(wide, take_back, WHO, lea)
    assert works_for(wide) == "Northgate Robotics"
    assert done_at(wide, north) == ["after", "before", "call back", "late"]
    assert done_at(wide, ridge) == []
    with wide.db.engine.begin() as conn:
        conn.execute(text("DELETE FROM crm.call"))
    assert before != everything(wide)
    assert flow.waiting(wide.hub)["load"] == 0


def test_who_is_unlinked_works_nowhere_whatever_the_sources_say(wide: World) -> None:
    lea, north, ridge = ids(wide)
    act(
        wide,
        activity.write,
        WHO,
        "note",
        lea,
        {"content": "before", "created_at": MARCH.isoformat()},
    )
    done = act(wide, unlink, WHO, lea)
    assert (done.company_id, f"contact/{done.left_id}") == (None, north)
    wide.add(
        "hubspot", "contacts", customer(1, at=20_000, lastname="Morel", associatedcompanyid="9001")
    )
    assert flow.sync(wide.hub, ["hubspot"]).holds
    assert works_for(wide) is None
    assert done_at(wide, north) == ["before"]
    for verb, arguments, code in (
        (unlink, (lea,), "conflict"), (unlink, (lea, ridge), "conflict"),
        (link, (north, ridge), "invalid"), (link, (lea, lea), "not_found"),
    ):  # fmt: skip
        with pytest.raises(ActionError) as caught:
            act(wide, verb, WHO, *arguments)
        assert caught.value.code == code
    act(wide, link, WHO, lea, ridge)
    with pytest.raises(ActionError):
        act(wide, link, WHO, lea, ridge)
    act(wide, link, WHO, lea, north, correct=True)
    assert done_at(wide, ridge) == []
    for name in ("Ridgeway Ceramics", None, "Northgate Robotics"):
        act(wide, take_back, WHO, lea)
        assert works_for(wide) == name
    with pytest.raises(ActionError):
        act(wide, take_back, WHO, lea)


def test_companies_are_added_and_edited_by_hand(wide: World) -> None:
    lea, north, _ = ids(wide)
    values = {
        "company": "Nordwind GmbH",
        "website": "nordwind.de",
        "city": "Kiel",
        "phone": "+49431123456",
    }
    made = act(wide, firms.add, WHO, values, region="DE")
    (row,) = wide.rows("SELECT * FROM crm.contact WHERE entity_id = :e", e=made.entity_id)
    assert (f"contact/{row.id}", row.organization_name, row.city, row.phone, row.kept_by) == (
        made.name, "Nordwind GmbH", "Kiel", "+49431123456", "person")  # fmt: skip
    for again in ({"company": "Nordwind"}, {"company": "Northgate Robotics Ltd"}):
        with pytest.raises(ActionError) as caught:
            act(wide, firms.add, WHO, again, region="DE")
        assert caught.value.code == "duplicate"
    other = act(wide, firms.add, WHO, {"company": "Nordwind"}, region="DE", force=True)
    assert other.name != made.name
    act(
        wide,
        firms.change,
        WHO,
        made.name,
        {"company": "Nordwind Logistik", "street": "Hafen 1"},
        region="DE",
    )
    (row,) = wide.rows("SELECT * FROM crm.contact WHERE entity_id = :e", e=made.entity_id)
    assert (row.organization_name, row.street) == ("Nordwind Logistik", "Hafen 1")
    for name, wrong, code in (
        (made.name, {"first_name": "A"}, "not_found"), (lea, {"company": "A"}, "not_found"),
        (made.name, {"nosuch": "A"}, "not_found"),
    ):  # fmt: skip
        with pytest.raises(ActionError) as caught:
            act(wide, firms.change, WHO, name, wrong)
        assert caught.value.code == code
    # a lead finds the company by the name that it has here, also one whose source names another
    ref = hubspot_contact(2, lastname="Ray", email="ray@gmail.com", associatedcompanyid="9001")
    wide.add("hubspot", "contacts", ref)
    assert flow.sync(wide.hub, ["hubspot"]).holds
    account = "SELECT account_id, account_why FROM crm.lead"
    assert [f"contact/{r.account_id}" for r in wide.rows(account)] == [north]
    act(wide, edit, WHO, "hubspot/contacts/2", {"organization_name": "Nordwind Logistik"})
    assert [f"contact/{r.account_id}" for r in wide.rows(account)] == [made.name]
