"""Conversion and `contact add` offer the companies that may be meant, and take one."""

from typing import Any

import pytest

from hub.actions import reading
from hub.actions.companies.choice import Choice, Unsure
from hub.actions.companies.questions import answer
from hub.actions.deals import deal as deal_actions
from hub.actions.leads.convert import Converted, Wish, convert
from hub.actions.leads.reopen import reopen
from hub.actions.people.add_person import Added, add
from hub.actions.people.edit import edit
from hub.errors import ActionError
from hub.etl import flow
from hub.model.verdicts import Judgement
from hub.views.card_forms import CompanyCard
from hub.views.parts import CompanyDuplicate
from tests.acting import by
from tests.flow.conftest import World, salesforce_lead
from tests.flow.selling import WHO, act, deal_row, go
from tests.flow.test_actions import lead_of, sf
from tests.flow.test_companies import COMPANIES, EMPLOYEES
from tests.flow.test_company_identity import asked


def bring(world: World, *leads: dict[str, Any]) -> None:
    """Let Salesforce bring leads, numbered from 1; one without an e-mail has none."""
    world.add(
        "salesforce", "leads",
        *(salesforce_lead(n, **{"Email": None, "Company": None, **values})
          for n, values in enumerate(leads, 1)),
    )  # fmt: skip
    assert flow.sync(world.hub, ["salesforce"]).holds


def taken(world: World, number: int, **choice: Any) -> Converted:
    done: Converted = act(world, convert, WHO, sf(number), Wish(company=Choice(**choice)))
    return done


def firms(world: World) -> list[str]:
    return [row.organization_name for row in world.rows(COMPANIES)]


def alike_on_card(world: World, company: int | None) -> tuple[CompanyDuplicate, ...]:
    with world.db.engine.begin() as conn:
        found = reading.show(by(conn), "company", f"contact/{company}")
    assert isinstance(found, CompanyCard)
    return found.duplicates


LEE, RAY = (
    {"LastName": name, "Company": company}
    for name, company in (("Lee", "Nordwind"), ("Ray", "Nordwind GmbH"))
)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_two_leads_of_one_firm_without_e_mail_end_in_one_company(
    world: World, order: tuple[int, int]
) -> None:
    bring(world, LEE, RAY)
    first = taken(world, order[0])
    with pytest.raises(ActionError) as caught:
        taken(world, order[1])
    assert (caught.value.code, caught.value.others) == (
        "duplicate",
        (f"contact/{first.company_id}",),
    )
    assert "--new-company" in str(caught.value.hint)
    other = taken(world, order[1], named=f"contact/{first.company_id}")
    assert other.company_id == first.company_id
    assert len(firms(world)) == 1
    assert {row.company for row in world.rows(EMPLOYEES)} == set(firms(world))
    assert asked(world) == {}


def test_left_to_review_the_two_are_one_question_and_its_answer_joins_them(world: World) -> None:
    bring(world, LEE, RAY)
    done = [taken(world, n, unsure=Unsure.REVIEW) for n in (1, 2)]
    assert len(firms(world)) == 2
    assert asked(world) == {"company/nordwind": 2}
    first, second = (one.company_id for one in done)
    (alike,) = alike_on_card(world, first)
    assert (alike.record, alike.judgement, alike.question, alike.people, alike.deals) == (
        f"contact/{second}", "in review", "company/nordwind", 1, 1)  # fmt: skip
    act(world, answer, WHO, "company/nordwind", Judgement.SAME)
    assert len(firms(world)) == 1
    assert {row.company for row in world.rows(EMPLOYEES)} == set(firms(world))
    deal_row(world, str(done[1].deal_id))
    assert asked(world) == {}


def test_a_new_company_of_the_name_is_none_of_those_that_are_there(world: World) -> None:
    bring(
        world, LEE, RAY, {"LastName": "Poe", "Company": "Northgate Robotics"},
        {"LastName": "May", "Company": "Northgate Robotics"},
        {"LastName": "Kay", "Company": "Northgate Robotics Leeds"},
    )  # fmt: skip
    one, other = taken(world, 1), taken(world, 2, unsure=Unsure.NEW)
    assert one.company_id != other.company_id
    assert asked(world) == {}, "the person has answered"
    assert alike_on_card(world, one.company_id) == (), "and is not asked on the card either"
    # of a long name too, by the person's word alone
    one, other = taken(world, 3), taken(world, 4, unsure=Unsure.NEW)
    assert one.company_id != other.company_id
    assert asked(world) == {}
    assert alike_on_card(world, one.company_id) == ()
    # a like name is offered
    with pytest.raises(ActionError) as caught:
        taken(world, 5)
    assert caught.value.others == (f"contact/{one.company_id}", f"contact/{other.company_id}")
    with pytest.raises(ActionError) as caught:
        taken(world, 5, named="contact/99999")
    assert caught.value.code == "not_found"
    assert taken(world, 5, named=f"company/{one.company_id}").company_id == one.company_id


def test_a_contact_that_is_added_works_for_its_company(world: World) -> None:
    def added(last_name: str, *, kind: str = "contact", **more: Any) -> Added:
        choice = more.pop("company", Choice())
        done: Added = act(world, add, WHO, kind, {"last_name": last_name, **more},
                          region="FR", company=choice)  # fmt: skip
        return done

    lea = added("Moreau", organization_name="Nordwind", email="lea@nordwind.fr")
    assert lea.company_id is not None
    assert (
        added("Petit", organization_name="Nordwind", email="p@nordwind.fr").company_id
        == lea.company_id
    )
    with pytest.raises(ActionError) as caught:
        added("Roux", organization_name="Nordwind")
    assert caught.value.others == (f"contact/{lea.company_id}",)
    roux = added("Roux", company=Choice(f"contact/{lea.company_id}"))
    assert roux.company_id == lea.company_id
    zola = added("Zola", organization_name="Nordwind", company=Choice(unsure=Unsure.NEW))
    assert zola.company_id not in (None, lea.company_id)
    assert added("Hugo").company_id is None
    # a lead goes to the company that it names by number, and else by the rule alone
    sand = added("Sand", kind="lead", company=Choice(f"contact/{lea.company_id}"))
    dumas = added("Dumas", kind="lead", organization_name="Nordwind")
    accounts = world.rows("SELECT last_name, account_id FROM crm.lead ORDER BY id")
    assert [tuple(row) for row in accounts] == [("Sand", lea.company_id), ("Dumas", None)]
    assert (sand.company_id, dumas.company_id) == (lea.company_id, None)
    assert flow.waiting(world.hub)["load"] == 0


def test_a_lead_that_names_a_company_and_no_person_becomes_the_company(world: World) -> None:
    bring(
        world,
        {"LastName": "[not provided]", "Company": "Nordwind Logistik", "Email": "info@nordwind.fr", "Phone": "+33145670001"},
    )  # fmt: skip
    act(world, edit, WHO, sf(1), {"last_name": None})
    done = taken(world, 1)
    assert done.person_id is None
    (firm,) = world.rows("SELECT * FROM crm.contact")
    assert (firm.id, firm.is_organization, firm.organization_name, firm.email, firm.phone) == (
        done.company_id, True, "Nordwind Logistik", "info@nordwind.fr", "+33145670001")  # fmt: skip
    deal = deal_row(world, str(done.deal_id))
    assert deal.company_id == done.company_id
    lead = lead_of(world, sf(1))
    assert (lead.contact_id, lead.converted_at is None) == (done.company_id, False)
    again = taken(world, 1)
    assert (again.person_id, again.company_id, again.is_new) == (None, done.company_id, False)
    undone = act(world, reopen, WHO, sf(1))
    assert undone.removed == (f"deal/{done.deal_id}", f"contact/{done.company_id}")
    assert firms(world) == []
    assert not any(flow.waiting(world.hub).values())


def test_the_name_of_a_company_that_is_edited_links_the_lead_anew(world: World) -> None:
    bring(world, {"LastName": "Lee", "Company": "Northgate Robotics"},
          {"LastName": "Ray", "Company": "Ridgeway Ceramics"},
          {"LastName": "Poe", "Company": "Southgate"})  # fmt: skip
    north, ridge = taken(world, 1), taken(world, 2)
    for name, company in (
        ("Northgate Robotics", north.company_id), ("Ridgeway Ceramics Ltd", ridge.company_id),
        ("Somebody Else Entirely", None),
    ):  # fmt: skip
        act(world, edit, WHO, sf(3), {"organization_name": name})
        assert lead_of(world, sf(3)).account_id == company


def test_a_second_conversion_takes_up_the_deal_that_the_first_has_made(world: World) -> None:
    bring(world, LEE)
    first = taken(world, 1)
    go(world, str(first.deal_id), "Qualified")
    assert f"deal/{first.deal_id}" in act(world, reopen, WHO, sf(1)).kept
    with pytest.raises(ActionError) as caught:
        act(world, convert, WHO, sf(1), Wish(values={"value": "5"}))
    assert caught.value.others == (f"deal/{first.deal_id}",)
    again = taken(world, 1)
    assert (again.deal_id, again.is_same_deal) == (first.deal_id, True)
    assert f"deal/{first.deal_id}" in act(world, reopen, WHO, sf(1)).kept, "it made none itself"
    act(world, deal_actions.archive, WHO, str(first.deal_id))
    another = taken(world, 1)
    assert (another.deal_id != first.deal_id, another.is_same_deal) == (True, False)


def test_a_customer_stays_one_when_the_deal_that_was_won_is_archived(world: World) -> None:
    """A lead is reopened: the contact of a won deal stays, though the deal is off every list."""
    bring(world, LEE)
    done = taken(world, 1)
    go(world, str(done.deal_id), "Won")
    act(world, deal_actions.archive, WHO, str(done.deal_id))
    kept = act(world, reopen, WHO, sf(1)).kept
    assert set(kept) == {
        f"deal/{done.deal_id}",
        f"contact/{done.person_id}",
        f"contact/{done.company_id}",
    }
