"""A refusal names a record as it can be typed: lead/1, contact/1, deal/1; however it was named."""

from typing import Any

import pytest

from hub.actions import reading, targets
from hub.actions.deals import deal, deal_parts
from hub.actions.deals.move_deal import move
from hub.actions.identity.merge import merge, unmerge
from hub.actions.leads.convert import convert
from hub.actions.leads.reopen import reopen
from hub.actions.leads.status import set_status
from hub.actions.leads.ticket_lead import make_lead, tickets
from hub.actions.lookup import find
from hub.actions.people.assign import assign
from hub.actions.setup import criteria
from hub.errors import ActionError
from hub.etl import flow
from tests.flow.conftest import World, prepared, salesforce_lead
from tests.flow.selling import WHO, act, add_customers, add_deal, go

REFUSED: list[tuple[Any, tuple[Any, ...], str]] = [
    (move, (WHO, "1", "Won"), "deal/1 cannot leave Quote: Budget is missing"),
    (move, (WHO, "9", "Won"), "there is no deal/9"),
    (deal.edit, (WHO, "deal/9", {}), "there is no deal/9"),
    (deal.edit, (WHO, "1", {"contact": "lead/1"}), "lead/1 is a lead, not a contact"),
    (deal.edit, (WHO, "1", {"contact": "9"}), "there is no contact/9"),
    (deal_parts.associate, (WHO, "1", "1"), "contact/1 is the primary contact already"),
    (deal_parts.dissociate, (WHO, "1", "1"), "contact/1 is not a contact of deal/1"),
    (merge, (WHO, "1", "lead/1"), "lead/1 and lead/1 are one person already"),
    (merge, (WHO, "1", "9"), "there is no lead/9"),
    (unmerge, (WHO, "1"), "lead/1 was not merged into another"),
    (reopen, (WHO, "1"), "lead/1 was not converted"),
    (convert, (WHO, "contact/1"), "contact/1 is not a lead"),
    (assign, (WHO, "lead", ["1", "9"], WHO), "there is no lead/9"),
    (assign, (WHO, "lead", ["contact/1"], WHO), "contact/1 is a contact, not a lead"),
    (set_status, (WHO, ["contact/1"], "New"), "contact/1 is a contact; only a lead has a status"),
    (make_lead, (WHO, "9"), "there is no ticket/9"),
]  # fmt: skip
NOBODY = [
    ("9", "there is no lead/9", "lead"),
    ("lead/" + "9" * 40, f"there is no lead/{'9' * 40}", "lead"),
    ("contact/x", "there is no contact/x", "contact"),
    ("nobody", "there is no person named 'nobody'", "person"),
    ("zendesk/users/9", "there is no person named 'zendesk/users/9'", "person"),
    ("song/1", "there is no person named 'song/1'", "person"),
]


@prepared
def selling(world: World) -> World:
    """Two leads, a contact, and a deal that may not leave its stage."""
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, LastName="Roth", Email="ann@roth.example.com"),
        salesforce_lead(2, LastName="Olsen", Email="max@olsen.example.com"),
    )  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    (contact,) = add_customers(world, "Moreau")
    add_deal(world, contact)
    act(world, criteria.add_criterion, WHO, ("Sales", "Quote"), "check", "Budget", refuse=True)
    go(world, "1", "Quote")
    return world


def refused(world: World, verb: Any, *arguments: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        act(world, verb, *arguments)
    return caught.value


def test_a_refusal_names_its_record_as_people_type_it(selling: World) -> None:
    for verb, arguments, message in REFUSED:
        assert refused(selling, verb, *arguments).message == message


def test_whoever_reads_a_name_refuses_it_the_same_way(selling: World) -> None:
    for said, message, resource in NOBODY:
        for verb in (find, targets.resolve, tickets):
            who = (WHO,) if verb is tickets else ()
            error = refused(selling, verb, *who, said)
            assert (error.message, error.resource, error.code) == (message, resource, "not_found")


def test_a_number_alone_is_the_lead_that_its_full_name_is(selling: World) -> None:
    act(selling, convert, WHO, "1")
    named = [act(selling, targets.resolve, said) for said in ("1", "lead/1")]
    assert named[0] == named[1]
    assert act(selling, find, "1") == act(selling, find, "lead/1")


def test_a_deal_of_a_number_that_no_deal_has_is_not_there(selling: World) -> None:
    assert refused(selling, reading.show, WHO, "deal", "9" * 40).code == "not_found"
