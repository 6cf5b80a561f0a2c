"""Reopening undoes a conversion and loses nothing that users did since."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.actions.activities import activity, task
from hub.actions.leads.convert import Converted, Wish, convert
from hub.actions.leads.reopen import Reopened, reopen
from hub.actions.people.edit import edit
from hub.errors import ActionError
from hub.etl import flow
from hub.settings import Settings
from tests.flow.conftest import World, hubspot_contact, new_world, prepared, salesforce_lead
from tests.flow.selling import WHO, act, add_deal, go
from tests.flow.test_actions import lead_of, sf
from tests.prepared import fresh_database

TABLES = (
    "lead", "contact", "deal", "deal_contact", "deal_check", "stage_transition", "note", "task",
    "call", "visit", "message", "ticket", "inquiry", "alert",
)  # fmt: skip
_ROWS = """
SELECT CAST(to_jsonb(t) AS text) FROM {table} t WHERE {condition} ORDER BY to_jsonb(t)::text
"""
_OF_A_DEAL = "deal_id IN (SELECT id FROM crm.deal WHERE archived_at IS NULL)"
_STANDING = {
    "contact": "archived_at IS NULL", "deal": "archived_at IS NULL",
    "deal_contact": _OF_A_DEAL, "stage_transition": _OF_A_DEAL,
}  # fmt: skip


def rows_of_crm(world: World) -> dict[str, list[str]]:
    """Every row of the CRM, to the byte; contacts and deals that are archived are history."""
    return {
        table: [
            row[0]
            for row in world.rows(
                _ROWS.format(table=f"crm.{table}", condition=_STANDING.get(table, "true"))
            )
        ]
        for table in TABLES
    }


@prepared
def lea(world: World) -> World:
    """A lead."""
    world.add(
        "salesforce", "leads", salesforce_lead(1, LastName="Moreau", Email="lea@m.example.com")
    )
    assert flow.sync(world.hub, ["salesforce"]).holds
    return world


def there(world: World, **wish: Any) -> Converted:
    done: Converted = act(world, convert, WHO, sf(1), Wish(**wish))
    return done


def back(world: World) -> Reopened:
    done: Reopened = act(world, reopen, WHO, sf(1))
    return done


def test_a_conversion_nobody_touched_leaves_no_trace_but_history(lea: World) -> None:
    before = rows_of_crm(lea)
    done = there(lea)
    undone = back(lea)
    assert undone.removed == (f"deal/{done.deal_id}", f"contact/{done.person_id}")
    assert undone.kept == ()
    assert rows_of_crm(lea) == before
    assert lea.rows("SELECT 1 FROM crm.contact UNION ALL SELECT 1 FROM crm.deal") == []
    (kept,) = lea.rows("SELECT made -> 'was' AS was, reopened_by FROM crm.conversion")
    assert (kept.was["person"], kept.reopened_by) == (done.person_id, WHO)


def test_a_reopened_lead_is_converted_again(lea: World) -> None:
    there(lea)
    back(lea)
    again = there(lea)
    assert again.is_new
    assert (
        len(lea.rows("SELECT 1 FROM crm.contact")) == len(lea.rows("SELECT 1 FROM crm.deal")) == 1
    )


def test_a_deal_that_was_worked_on_stays_and_is_named(lea: World) -> None:
    done = there(lea)
    go(lea, str(done.deal_id), "Quote")
    undone = back(lea)
    assert undone.kept == (f"deal/{done.deal_id}", f"contact/{done.person_id}")
    (lead,) = lea.rows("SELECT converted_at, contact_id FROM crm.lead")
    assert (lead.converted_at, lead.contact_id) == (None, done.person_id)
    again = there(lea, has_deal=False)
    assert again.person_id == done.person_id


def test_a_deal_of_the_contacts_own_keeps_the_contact(lea: World) -> None:
    done = there(lea, has_deal=False)
    add_deal(lea, done.person_id)
    assert back(lea).kept == (f"contact/{done.person_id}",)


def test_what_was_typed_meanwhile_is_the_leads(lea: World) -> None:
    there(lea)
    act(lea, edit, WHO, sf(1), {"city": "Lyon"})
    lea.add("salesforce", "leads",
            salesforce_lead(1, at=500, LastName="Moreau-Roy", Email="lea@m.example.com"))  # fmt: skip
    flow.sync(lea.hub, ["salesforce"])
    back(lea)
    lead = lead_of(lea, sf(1))
    assert (lead.city, lead.last_name) == ("Lyon", "Moreau-Roy")


def test_a_contact_that_was_there_before_is_as_it_was(lea: World) -> None:
    customer = {"lastname": "Moreau", "email": "lea@m.example.com"}
    lea.add("hubspot", "contacts", hubspot_contact(1, lifecyclestage="customer", **customer))
    flow.sync(lea.hub, ["hubspot"])
    before = rows_of_crm(lea)
    assert len(before["contact"]) == 1
    there(lea)
    back(lea)
    assert rows_of_crm(lea) == before


def test_a_deal_to_which_something_refers_is_archived(lea: World) -> None:
    done = there(lea)
    with lea.db.engine.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO crm.alert (dedupe_key, user_id, deal_id, event, text) "
            f"SELECT 'd', min(id), {done.deal_id}, 'deal_assigned', 'x' FROM crm.user"
        )
    assert back(lea).kept == ()
    (deal,) = lea.rows("SELECT archived_at FROM crm.deal")
    assert deal.archived_at is not None
    (contact,) = lea.rows("SELECT archived_at FROM crm.contact")
    assert contact.archived_at is not None


def test_a_company_that_was_made_is_archived_and_one_that_was_there_is_as_it_was(
    world: World,
) -> None:
    for n in (1, 2):
        lead = salesforce_lead(n, LastName=f"Name{n}", Company="Nordwind Logistik",
                               Email=f"n{n}@nordwind.example.com")  # fmt: skip
        world.add("salesforce", "leads", lead)
    flow.sync(world.hub, ["salesforce"])
    before = rows_of_crm(world)
    act(world, convert, WHO, sf(1), Wish())
    between = rows_of_crm(world)
    act(world, convert, WHO, sf(2), Wish(owner="cid@owners.example.com"))
    act(world, reopen, WHO, sf(2))
    assert rows_of_crm(world) == between
    back(world)
    assert rows_of_crm(world) == before
    assert world.rows("SELECT 1 FROM crm.contact WHERE is_organization AND archived_at IS NOT NULL")
    again = there(world)
    assert len(world.rows("SELECT 1 FROM crm.contact WHERE is_organization")) == 1
    assert again.company_id is not None


def test_a_company_that_somebody_worked_on_stays(world: World) -> None:
    world.add("salesforce", "leads",
              salesforce_lead(1, LastName="Moreau", Company="Nordwind Logistik"))  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    done = there(world)
    act(world, activity.write, WHO, "note", f"contact/{done.company_id}", {"content": "Big one"})
    assert back(world).kept == (f"contact/{done.company_id}",)


def test_a_lead_that_was_not_converted_is_not_reopened(lea: World) -> None:
    with pytest.raises(ActionError) as caught:
        back(lea)
    assert (caught.value.resource, caught.value.code) == ("lead", "conflict")


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["note", "task", "call", "message", "visit", "edit"]),
        st.integers(1, 3),
    ),
    max_size=6,
)
NOW = "2026-01-05T10:00:00+00:00"
_GIVEN = {
    "note": {"content": "x"}, "call": {"made_at": NOW}, "visit": {"visited_at": NOW},
    "message": {"kind": "chat", "sent_at": NOW},
}  # fmt: skip


def _do(world: World, verb: str, number: int) -> None:
    if verb == "edit":
        act(world, edit, WHO, sf(number), {"title": f"Chair {number}", "tags": ["a", "b"]})
    elif verb == "task":
        act(world, task.add, WHO, {"content": "x", "due_at": NOW}, on=sf(number))
    else:
        act(world, activity.write, WHO, verb, sf(number), _GIVEN[verb])


@given(
    acts=_ACTS, chosen=st.integers(1, 3),
    wish=st.tuples(st.sampled_from([None, "Moreau SA", "Bakery"]), st.booleans(),
                   st.sampled_from([None, "cid@owners.example.com"])),
)  # fmt: skip
@settings(
    max_examples=12, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_conversion_then_reopening_restores_every_row(
    server: Any, settings: Settings, acts: Any, wish: Any, chosen: int
) -> None:  # fmt: skip
    company, has_deal, owner = wish
    with fresh_database(server) as db:
        world = new_world(db, settings)
        world.add("salesforce", "leads", *(
            salesforce_lead(n, LastName=name, Company=company, Email=f"{name}@{name}-{n}.example.com")
            for n, name in enumerate(("Moreau", "Brandt", "Roth"), 1)
        ))  # fmt: skip
        flow.sync(world.hub, ["salesforce"])
        for verb, number in acts:
            _do(world, verb, number)
        before = rows_of_crm(world)
        act(world, convert, WHO, sf(chosen), Wish(owner=owner, has_deal=has_deal))
        assert rows_of_crm(world) != before
        act(world, reopen, WHO, sf(chosen))
        assert rows_of_crm(world) == before
