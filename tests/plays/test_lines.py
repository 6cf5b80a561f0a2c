"""The smallest play for each rule of rows, links and consents.

A test marked `broken` fails today with the sentence that stands in it. Whoever mends its line takes
the mark off, and the flags of the line's moves in `moves.py`.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import NoResultFound

from hub.actions.identity import merge
from hub.errors import ActionError
from hub.etl import flow
from hub.mappings.document import Rejection
from hub.mappings.loader import load_all
from hub.mappings.rule_document import Predicate
from hub.matching.bulk import resolve
from hub.matching.keys import view
from hub.model.consent import resolve as resolve_consents
from hub.model.verdicts import Trust
from hub.records import consent_events
from tests.acting import acting
from tests.flow.conftest import World, salesforce_lead
from tests.plays import home
from tests.plays.stage import WHO, Stage, Step
from tests.plays.vendors import SOURCES, key_of

LEA = {"first": "Lea", "last": "Moreau", "email": "lea@moreau.example.com", "phone": "+33145670001"}
NOAH = {"first": "Noah", "last": "Brandt", "email": "noah@brandt.example.com"}
LENA_AT_HOME = {
    "first": "Lena",
    "last": "Moreau",
    "email": "lena.private@moreau.example.com",
    "phone": "+33145670001",
}
SYNC: Step = ["sync", list(SOURCES)]


class OtherwiseBrokenError(Exception):
    """The play fails, and not as it is known to."""


def broken(line: str, what: str) -> pytest.MarkDecorator:
    """Mark a test that fails today: which line of the issue, and what is seen."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"{line}: {what}")


def judged(stage: Stage, steps: Sequence[Step], seen_today: str) -> None:
    """Play; a play that fails in another way than is known is no expected failure."""
    found = stage.play(steps)
    if found is None:
        return
    if not any(seen_today in difference for difference in found[1]):
        raise OtherwiseBrokenError(f"after step {found[0] + 1}: {found[1]}")
    raise AssertionError("\n".join(found[1]))


# --- A1: a row that exists is folded, whatever its sources are today


def test_a_lead_whose_member_unsubscribed_is_still_folded(stage: Stage) -> None:
    judged(
        stage,
        [["put", "mc1", LEA], SYNC, ["put", "mc1", {"status": "unsubscribed"}], SYNC,
         ["edit", "mc1", "city", "Oslo"]],
        "unasked_since is not set",
    )  # fmt: skip


def test_a_lead_whose_rating_dropped_keeps_its_edits(stage: Stage) -> None:
    judged(
        stage,
        [["put", "mc1", LEA], SYNC, ["edit", "mc1", "title", "CEO"],
         ["put", "mc1", {"rating": 2, "city": "Oslo"}]],
        'city is null instead of "Oslo"',
    )  # fmt: skip


def test_a_lead_that_its_source_deleted_goes_on_with_the_help_desk(stage: Stage) -> None:
    judged(
        stage,
        [["put", "sf1", LEA], ["put", "zu1", LEA], SYNC, ["delete", "sf1"], SYNC,
         ["edit", "zu1", "city", "Oslo"]],
        "unasked_since is not set",
    )  # fmt: skip


def test_an_untouched_lead_that_became_a_customer_is_converted(stage: Stage) -> None:
    judged(
        stage,
        [["put", "hs1", LEA], SYNC, ["put", "hs1", {"stage": "customer"}]],
        "is open, and its source has converted it",
    )


def test_a_touched_lead_that_became_a_customer_stays_and_gives_its_owner(stage: Stage) -> None:
    judged(
        stage,
        [["put", "hs1", LEA], SYNC, ["write", "hs1", "note", "Called"],
         ["put", "hs1", {"stage": "customer"}]],
        "has no owner, and the lead that it was has one",
    )  # fmt: skip


def test_a_contact_that_is_a_lead_again_stays(stage: Stage) -> None:
    judged(
        stage,
        [["put", "hs1", {**LEA, "stage": "customer"}], SYNC, ["put", "hs1", {"stage": "lead"}]],
        "is archived",
    )


def test_an_untouched_lead_that_salesforce_converts_is_converted(stage: Stage) -> None:
    judged(
        stage,
        [["put", "sf1", LEA], SYNC, ["put", "sf1", {"converted": True}]],
        "is open, and its source has converted it",
    )


def test_a_touched_lead_is_not_archived_with_its_source(stage: Stage) -> None:
    judged(
        stage,
        [["put", "sf1", LEA], SYNC, ["status", "sf1", "Working", None], ["delete", "sf1"]],
        "is archived",
    )


def test_an_untouched_lead_is_archived_with_its_last_source(stage: Stage) -> None:
    judged(stage, [["put", "sf1", LEA], SYNC, ["delete", "sf1"], SYNC], "")


# --- A2: held columns do not depend on who was read first


def test_the_status_follows_its_source_until_a_person_sets_it(stage: Stage) -> None:
    judged(
        stage,
        [["put", "sf1", LEA], SYNC, ["put", "sf1", {"status": "Working - Contacted"}]],
        "status is",
    )


def test_the_status_is_the_best_sources_in_any_order(stage: Stage) -> None:
    judged(
        stage,
        [["put", "hs1", LEA], SYNC, ["put", "sf1", {**LEA, "status": "Working - Contacted"}]],
        "status is",
    )


def test_a_status_set_by_a_person_is_held(stage: Stage) -> None:
    judged(
        stage,
        [["put", "sf1", LEA], SYNC, ["status", "sf1", "Working", None],
         ["put", "sf1", {"status": "Closed - Not Converted"}]],
        "",
    )  # fmt: skip


# --- A3: what is derived from a record's present version is recomputed, never only added


def test_a_ticket_with_another_requester_joins_nobody(stage: Stage) -> None:
    judged(
        stage,
        [["put", "zu1", LEA], ["put", "zu2", NOAH],
         ["put", "zt1", {"subject": "A demo", "requester": "zu1"}], SYNC,
         ["put", "zt1", {"requester": "zu2"}]],
        "people: one person is",
    )  # fmt: skip


def test_an_undeleted_merge_loser_is_a_person_again(stage: Stage) -> None:
    judged(
        stage,
        [["put", "sf1", LEA], ["put", "sf2", NOAH], SYNC, ["delete", "sf1", "sf2"], SYNC,
         ["put", "sf1", {}]],
        "people: one person is",
    )  # fmt: skip


def test_an_inquiry_says_what_its_ticket_says(stage: Stage) -> None:
    judged(
        stage,
        [["put", "zu1", LEA], ["put", "zt1", {"subject": "A demo", "requester": "zu1"}], SYNC,
         ["put", "zt1", {"subject": "A demo, on Monday"}]],
        '"A demo" instead of "A demo, on Monday"',
    )  # fmt: skip


def test_a_ticket_that_is_no_sales_question_any_more_asks_for_no_lead(stage: Stage) -> None:
    judged(
        stage,
        [["put", "zu1", LEA], ["put", "zt1", {"subject": "A demo", "requester": "zu1"}], SYNC,
         ["put", "zt1", {"subject": "It broke"}]],
        "lead of [zendesk/tickets/1, zendesk/users/101]: unasked_since is not set",
    )  # fmt: skip


# --- A4: consent is a state of an address


def test_a_no_survives_a_crash_before_load(stage: Stage) -> None:
    landed = 12
    judged(
        stage,
        [["put", "mc1", {**LEA, "status": "unsubscribed"}], ["sync", ["mailchimp"], landed],
         ["put", "mc1", {"status": "subscribed"}]],
        "yes instead of no",
    )  # fmt: skip


def test_a_no_stays_with_its_address(stage: Stage) -> None:
    judged(
        stage,
        [["put", "mc1", {**LEA, "status": "unsubscribed"}], SYNC,
         ["put", "mc1", {"email": "new@moreau.example.com", "status": "subscribed"}]],
        "nothing instead of no",
    )  # fmt: skip


def test_a_yes_counts_only_while_its_record_says_it(stage: Stage) -> None:
    judged(
        stage,
        [["put", "mc1", LEA], SYNC, ["put", "mc1", {"status": "pending"}]],
        "yes instead of nothing",
    )


def test_a_rejected_record_still_says_no(world: World) -> None:
    document = world.hub.mappings["salesforce/leads"]
    nowhere = Predicate.model_validate({"equals": {"path": "City", "value": "Nowhere"}})
    lead = document.emit[0].model_copy(
        update={"reject_if": [Rejection(when=nowhere, reason="no such city")]}
    )
    stricter = document.model_copy(update={"emit": [lead, *document.emit[1:]]})
    hub = replace(world.hub, mappings={**world.hub.mappings, "salesforce/leads": stricter})
    person = {"LastName": "Moreau", "Email": "lea@moreau.example.com"}
    world.add("salesforce", "leads", salesforce_lead(1, **person))
    flow.sync(hub, ["salesforce"])
    refused = salesforce_lead(1, at=9, **person, City="Nowhere", HasOptedOutOfEmail=True)
    world.add("salesforce", "leads", refused)
    flow.sync(hub, ["salesforce"])
    with world.db.engine.begin() as conn:
        said = home.read(conn).consents
    assert said == {("lea@moreau.example.com", "email", "marketing"): "no"}


def test_a_no_survives_the_undo_of_its_batch(stage: Stage) -> None:
    steps: list[Step] = [
        ["put", "mc1", {**LEA, "status": "unsubscribed"}],
        SYNC,
        ["undo", "mailchimp"],
        ["put", "mc2", LEA],
    ]
    assert stage.play(steps) is None
    assert card(stage.world, "mc2") == "opt_out"


def test_a_no_of_an_address_holds_for_both_when_two_are_parted(stage: Stage) -> None:
    steps: list[Step] = [
        ["put", "mc1", LEA],
        SYNC,
        ["put", "mc1", {"status": "unsubscribed"}],
        ["put", "mc2", LEA],
        SYNC,
        ["unmerge", "mc2"],
    ]
    assert stage.play(steps) is None
    assert card(stage.world, "mc2") == "opt_out"


def card(world: World, slot: str) -> str:
    """Return the consent of the e-mail address on a person's card."""
    source, stream, source_id = key_of(slot).split("/")
    (row,) = world.rows(
        "SELECT entity_id FROM ops.source_record WHERE source = :s AND stream = :t "
        "AND source_id = :i AND target = 'person'", s=source, t=stream, i=source_id,
    )  # fmt: skip
    with world.db.engine.begin() as conn:
        said = consent_events.consent_events_of(conn, row.entity_id)
    return resolve_consents(said)["email", "marketing"].value


# --- A5: history follows merges and unmerges whole


def test_the_history_of_a_gone_record_follows_a_merge(stage: Stage) -> None:
    judged(
        stage,
        [["put", "sf1", NOAH], SYNC, ["put", "sf2", LEA], ["put", "zu1", LEA],
         ["put", "zt1", {"subject": "A demo", "requester": "zu1"}], SYNC, ["delete", "zt1"], SYNC,
         ["merge", "sf1", "sf2"]],
        "inquiry of zendesk/tickets/1: hangs on another person than its record",
    )  # fmt: skip


def test_an_unmerge_after_an_undo_is_an_answer(stage: Stage) -> None:
    steps: list[Step] = [
        ["put", "sf1", LEA], ["sync", ["salesforce"]],
        ["put", "hs1", {**LEA, "email": "l@roth.example.com", "phone": None}], ["sync", ["hubspot"]],
        ["put", "hs1", LEA], ["sync", ["hubspot"]],
        ["undo", "salesforce"],
    ]  # fmt: skip
    assert stage.play(steps) is None
    absorbed = "SELECT public_id FROM ops.entity WHERE merged_into IS NOT NULL"
    (row,) = stage.world.rows(absorbed)
    with stage.world.db.engine.begin() as conn:
        try:
            merge.unmerge(acting(WHO)(conn), row.public_id)
        except ActionError:
            pass
        except NoResultFound as exc:
            raise AssertionError from exc


# --- A6: what an older program derived is derived again


@broken("A6", "a changed mapping changes nothing until somebody remaps")
def test_a_sync_maps_again_what_an_older_mapping_made(world: World, tmp_path: Path) -> None:
    world.add("salesforce", "leads", salesforce_lead(1, LastName="Moreau", City="Oslo"))
    flow.sync(world.hub, ["salesforce"])
    own = tmp_path / "salesforce" / "leads.yaml"
    own.parent.mkdir()
    shipped = (files("hub.mappings") / "salesforce" / "leads.yaml").read_text()
    own.write_text(shipped.replace("title: Title", "title: City"))
    flow.sync(replace(world.hub, mappings=load_all(tmp_path)), ["salesforce"])
    assert world.rows("SELECT title FROM crm.lead")[0].title == "Oslo"


# --- A7: an edit is an input like any other


def test_an_address_that_was_typed_is_found_by_the_next_record(stage: Stage) -> None:
    steps: list[Step] = [
        ["put", "sf1", {**LEA, "email": None}],
        SYNC,
        ["edit", "sf1", "email", "lea@moreau.example.com"],
        ["put", "hs1", {"last": "Moreau-Roth", "email": "lea@moreau.example.com"}],
        SYNC,
    ]
    assert stage.play(steps) is None
    assert len(stage.world.rows("SELECT 1 FROM ops.review")) == 1


def test_a_phone_that_was_typed_is_refused_or_kept_in_its_normal_form(stage: Stage) -> None:
    steps: list[Step] = [["put", "sf1", LEA], SYNC, ["edit", "sf1", "phone", "01 45 67 89 01"]]
    assert stage.play(steps) is None
    assert stage.world.rows("SELECT phone FROM crm.lead")[0].phone in {"+33145678901", LEA["phone"]}


# --- A9: small tables


@pytest.mark.parametrize("rows", [3, 10, 22, 42, 400])
def test_two_identical_rows_are_one_in_a_table_of_any_size(rows: int) -> None:
    people = [person(0), *(person(n) for n in range(rows - 1))]
    views = [view(n, f"file/rows/{n}", Trust.TRUSTED, one) for n, one in enumerate(people)]
    assert len(resolve(views).clusters) == rows - 1


def person(number: int) -> dict[str, Any]:
    """A person known by name, number and address."""
    first = ("Lea", "Noah", "Eva", "Ida", "Ola", "Pia", "Max", "Tom", "Zoe", "Ben")[number % 10]
    last = ("Moreau", "Brandt", "Roth", "Lund", "Nord")[number // 10 % 5]
    return {
        "first_name": first,
        "last_name": f"{last}{'abcdefghij'[number // 100]}{'klmno'[number % 5]}",
        "phone": f"+3314567{number:04d}",
        "street": f"{number + 3} rue Haute",
        "postal_code": f"{69000 + number}",
        "city": "Lyon",
    }


# --- A10: a date in the future is no date


def test_a_last_activity_in_the_future_is_not_taken_over(world: World) -> None:
    lead = salesforce_lead(1, LastName="Moreau", LastActivityDate="2199-01-01")
    world.add("salesforce", "leads", lead)
    flow.sync(world.hub, ["salesforce"])
    with world.db.engine.begin() as conn:
        late = conn.execute(text("SELECT count(*) FROM crm.lead WHERE last_activity_at > now()"))
        assert late.scalar_one() == 0


# --- found by 3,000 random plays


def test_a_lead_stays_when_the_record_that_asked_leaves_with_anothers_news(stage: Stage) -> None:
    # the member changes its address, and the form's record, which did not, goes: the vendor's doing
    judged(
        stage,
        [["put", "tf1", LENA_AT_HOME], ["put", "mc1", {**LENA_AT_HOME, "rating": 2}], SYNC,
         ["put", "mc1", {"email": "lena@moreau.example.com"}], SYNC],
        "is not there",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["task", "call", "note"])
def test_a_lead_on_which_somebody_works_after_its_source_deleted_it_stands(
    stage: Stage, kind: str
) -> None:
    judged(
        stage,
        [["put", "mc1", LEA], SYNC, ["delete", "mc1"], SYNC, ["write", "mc1", kind, "Call"]],
        "is archived",
    )


def test_a_status_set_after_its_source_deleted_the_lead_lets_it_stand(stage: Stage) -> None:
    judged(
        stage,
        [["put", "mc1", LEA], SYNC, ["delete", "mc1"], SYNC, ["status", "mc1", "Working", None]],
        "is archived",
    )


def test_a_lead_that_a_decision_parts_from_the_living_one_stands(stage: Stage) -> None:
    noah = {**NOAH, "phone": "+33145670002"}
    judged(
        stage,
        [["put", "sf2", {**noah, "email": "noah.private@brandt.example.com"}], ["put", "mc1", noah],
         SYNC, ["delete", "sf2"], SYNC, ["unmerge", "mc1"]],
        "is archived",
    )  # fmt: skip
