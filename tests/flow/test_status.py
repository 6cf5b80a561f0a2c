"""Statuses of leads: set by people, with a reason where one is unqualified, reopened by an inquiry."""

import pytest

from hub.actions.batches.undo import undo_batch
from hub.actions.leads.status import add_reason, add_status, set_status
from hub.clock import SystemClock
from hub.errors import ConfigError
from hub.etl import flow
from hub.etl.assemble import assemble
from hub.settings import Settings
from hub.undo.report import Undone
from tests.acting import acting, by
from tests.flow.conftest import World, new_world, prepared, salesforce_lead, typeform_answer

WHO = "operator"
LEAD = "salesforce/leads/00Q000000000001AAA"
SOURCES = ["salesforce", "typeform"]


@prepared
def one_lead(world: World) -> World:
    return _with_lea(world)


def _with_lea(world: World) -> World:
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, FirstName="Lea", LastName="Moreau", Email="lea@m.example.com"),
    )  # fmt: skip
    flow.sync(world.hub, SOURCES)
    return world


def say(world: World, status: str, reason: str | None = None) -> int:
    with world.db.engine.begin() as conn:
        return set_status(by(conn, WHO), [LEAD], status, reason=reason)


def where(world: World) -> tuple[str, str | None]:
    (row,) = world.rows("SELECT status, unqualified_reason FROM crm.lead WHERE merged_into IS NULL")
    return row.status, row.unqualified_reason


def test_a_status_is_set_once_and_is_in_the_history(one_lead: World) -> None:
    assert where(one_lead) == ("New", None)
    assert say(one_lead, "working") == 1
    assert say(one_lead, "Working") == 0
    assert say(one_lead, "Unqualified", "no budget") == 1
    assert where(one_lead) == ("Unqualified", "No budget")
    assert say(one_lead, "Qualified") == 1
    assert where(one_lead) == ("Qualified", None)
    changes = one_lead.rows("SELECT fields FROM ops.change WHERE fields ? 'status' ORDER BY id")
    assert [c.fields["status"]["new"] for c in changes] == ["Working", "Unqualified", "Qualified"]
    assert changes[1].fields["unqualified_reason"] == {"old": None, "new": "No budget"}


def test_a_team_has_statuses_and_reasons_of_its_own(one_lead: World) -> None:
    with one_lead.db.engine.begin() as conn:
        add_status(by(conn, WHO), "Rotten", is_unqualified=True)
        add_reason(by(conn, WHO), "Spam")
    say(one_lead, "Rotten", "spam")
    assert where(one_lead) == ("Rotten", "Spam")


def test_a_status_outlasts_a_sync(one_lead: World) -> None:
    say(one_lead, "Working")
    one_lead.add(
        "salesforce", "leads",
        salesforce_lead(1, at=500, FirstName="Lea", LastName="Moreau", Email="lea@m.example.com",
                        Status="Qualified"),
    )  # fmt: skip
    flow.sync(one_lead.hub, SOURCES)
    assert where(one_lead) == ("Working", None)


def _ask_again(world: World, token: str = "c" * 12, at: int = 900) -> None:
    world.add(
        "typeform", "responses",
        typeform_answer(token, at=at, first_name="Lea", last_name="Moreau",
                        email="lea@m.example.com", message="Me again"),
    )  # fmt: skip
    flow.sync(world.hub, SOURCES)


def test_an_inquiry_opens_an_unqualified_lead_again(one_lead: World) -> None:
    say(one_lead, "Unqualified", "No need")
    _ask_again(one_lead)
    assert where(one_lead) == ("New", None)
    (change,) = one_lead.rows("SELECT * FROM ops.change WHERE who = 'inquiry'")
    assert change.fields["unqualified_reason"] == {"old": "No need", "new": None}


def _undo(world: World) -> Undone:
    (last,) = world.rows(
        "SELECT max(id) AS id FROM ops.batch WHERE source = 'typeform' AND kind = 'sync'"
    )
    return undo_batch(world.db.engine, acting(WHO), last.id)


def test_an_inquiry_that_is_taken_back_leaves_the_lead_unqualified(one_lead: World) -> None:
    say(one_lead, "Unqualified", "No need")
    _ask_again(one_lead)
    assert _undo(one_lead).reverted["statuses"] == 1
    assert where(one_lead) == ("Unqualified", "No need")
    *_, change = one_lead.rows("SELECT * FROM ops.change WHERE fields ? 'status' ORDER BY id")
    assert (change.who, change.fields["status"]) == (WHO, {"old": "New", "new": "Unqualified"})


def test_what_somebody_said_of_a_lead_since_outlasts_an_undo(one_lead: World) -> None:
    say(one_lead, "Unqualified", "No need")
    _ask_again(one_lead)
    say(one_lead, "Working")
    say(one_lead, "New")
    assert _undo(one_lead).reverted["statuses"] == 0
    assert where(one_lead) == ("New", None)


def test_a_lead_who_asked_twice_is_closed_again_when_both_inquiries_are_gone(
    one_lead: World,
) -> None:
    say(one_lead, "Unqualified", "No need")
    _ask_again(one_lead)
    (first,) = one_lead.rows("SELECT max(id) AS id FROM ops.batch WHERE source = 'typeform'")
    _ask_again(one_lead, "d" * 12, at=1800)
    assert undo_batch(one_lead.db.engine, acting(WHO), first.id).reverted["statuses"] == 0
    assert where(one_lead) == ("New", None)
    assert _undo(one_lead).reverted["statuses"] == 1
    assert where(one_lead) == ("Unqualified", "No need")


def test_an_inquiry_leaves_a_lead_that_is_worked_on(one_lead: World) -> None:
    say(one_lead, "Working")
    _ask_again(one_lead)
    assert where(one_lead) == ("Working", None)


def test_a_team_may_want_unqualified_leads_to_stay_so(one_lead: World, settings: Settings) -> None:
    say(one_lead, "Unqualified", "No need")
    crm = settings.crm.model_copy(update={"reopen_unqualified_to": None})
    house = new_world(one_lead.db, settings.model_copy(update={"crm": crm}))
    _ask_again(house)
    assert where(house) == ("Unqualified", "No need")


def test_a_status_that_is_not_there_is_told_before_anything_is_done(
    one_lead: World, settings: Settings
) -> None:
    crm = settings.crm.model_copy(update={"reopen_unqualified_to": "Asleep"})
    with pytest.raises(ConfigError, match="Asleep"):
        assemble(settings.model_copy(update={"crm": crm}), one_lead.db, SystemClock())
