"""Values from a record's present version are replaced with it, kept as history, notified once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hub.etl import flow, reprocess
from hub.etl.context import Hub
from hub.mappings.rule_document import Predicate
from tests.flow.conftest import World
from tests.plays.stage import Stage, Step

LEA = {"first": "Lea", "last": "Moreau", "email": "lea@moreau.example.com", "phone": "+33145670001"}
NOAH = {"first": "Noah", "last": "Brandt", "email": "noah@brandt.example.com"}
"""A test syncs the source that it changes: a sync of all five takes three times as long."""
SUPPORT: Step = ["sync", ["zendesk"]]
SALES: Step = ["sync", ["salesforce"]]
NEWS: Step = ["sync", ["mailchimp"]]
MARKETING: Step = ["sync", ["hubspot"]]
ASKED: list[Step] = [
    ["put", "zu1", LEA],
    ["put", "zt1", {"subject": "A demo", "requester": "zu1"}],
]


def without(world: World, name: str, entity: str) -> Hub:
    """A hub whose mapping no longer gives one of its targets."""
    document = world.hub.mappings[name]
    never = Predicate.model_validate({"equals": {"const": "a", "value": "b"}})
    emit = [
        target.model_copy(update={"when": never}) if target.entity == entity else target
        for target in document.emit
    ]
    mappings = {**world.hub.mappings, name: document.model_copy(update={"emit": emit})}
    return replace(world.hub, mappings=mappings)


def only(world: World, query: str) -> Mapping[str, Any]:
    (row,) = world.rows(query)
    return dict(row._mapping)


def gone(world: World, target: str) -> str | None:
    query = "SELECT gone_why FROM ops.source_record WHERE target = :t"
    (row,) = world.rows(query, t=target)
    found: str | None = row.gone_why
    return found


def test_a_new_subject_is_no_news(stage: Stage) -> None:
    stage.play([*ASKED, SUPPORT, ["put", "zt1", {"subject": "A demo, on Monday"}]])
    world = stage.world
    assert only(world, "SELECT subject FROM crm.inquiry")["subject"] == "A demo, on Monday"
    assert world.rows("SELECT 1 FROM ops.outbox WHERE event = 'inquiry_received'") == []


def test_an_inquiry_that_its_ticket_no_longer_makes_is_history(stage: Stage) -> None:
    stage.play([*ASKED, SUPPORT, ["put", "zt1", {"subject": "It broke"}]])
    assert only(stage.world, "SELECT subject FROM crm.inquiry")["subject"] == "A demo"
    assert gone(stage.world, "inquiry") == "unsaid"


def test_an_inquiry_that_a_changed_mapping_no_longer_makes_is_removed(stage: Stage) -> None:
    stage.play(ASKED)
    hub = without(stage.world, "zendesk/tickets", "inquiry")
    reprocess.remap(hub, "zendesk", "tickets")
    assert stage.world.rows("SELECT 1 FROM crm.inquiry") == []
    reprocess.remap(stage.world.hub, "zendesk", "tickets")
    assert only(stage.world, "SELECT subject FROM crm.inquiry")["subject"] == "A demo"
    told = "SELECT 1 FROM crm.alert WHERE event = 'inquiry_received'"
    assert stage.world.rows(told) == []


def test_a_note_has_the_newest_words_and_goes_with_its_mapping(stage: Stage) -> None:
    stage.play([["put", "mc1", {**LEA, "note": "Met"}], NEWS, ["put", "mc1", {"note": "Called"}]])
    world = stage.world
    assert only(world, "SELECT content FROM crm.note")["content"] == "Called"
    stage.play([["put", "mc1", {"note": None}]])
    assert only(world, "SELECT content FROM crm.note")["content"] == "Called"
    hub = without(world, "mailchimp/members", "note")
    reprocess.remap(hub, "mailchimp", "members")
    assert only(world, "SELECT content FROM crm.note")["content"] == "Called"  # of an older version
    stage.play([["put", "mc1", {"note": "Met again"}]])
    reprocess.remap(hub, "mailchimp", "members")
    assert world.rows("SELECT 1 FROM crm.note") == []


def test_two_requesters_are_parted_and_joined_again(stage: Stage) -> None:
    stage.play([["put", "zu2", NOAH], *ASKED])
    one_person = "SELECT DISTINCT entity_id FROM ops.source_record WHERE target = 'person'"
    for requester in ("zu2", "zu1", "zu2"):
        assert stage.play([["put", "zt1", {"requester": requester}]]) is None
        assert len(stage.world.rows(one_person)) == len(("zu1", "zu2"))


def test_a_merge_that_the_vendor_takes_back_and_states_again(stage: Stage) -> None:
    stage.play([["put", "sf1", LEA], ["put", "sf2", NOAH]])
    people = "SELECT DISTINCT entity_id FROM ops.source_record WHERE target = 'person'"
    for _ in range(2):
        stage.play([["delete", "sf1", "sf2"]])
        assert len(stage.world.rows(people)) == 1
        stage.play([["put", "sf1", {}]])
        assert len(stage.world.rows(people)) == len(("sf1", "sf2"))
    stated = "SELECT 1 FROM ops.edge WHERE made_by = 'vendor' AND revoked_at IS NULL"
    assert stage.world.rows(stated) == []


def test_a_merge_stays_when_the_merged_record_is_deleted_too(stage: Stage) -> None:
    stage.play([["put", "sf1", LEA], ["put", "sf2", NOAH], SALES, ["delete", "sf1", "sf2"]])
    stage.vendors.gone.discard("sf1")
    stage.vendors.end("sf1")
    flow.sync(stage.world.hub, ["salesforce"])
    people = "SELECT DISTINCT entity_id FROM ops.source_record WHERE target = 'person'"
    assert len(stage.world.rows(people)) == 1


FIRMS: list[Step] = [
    ["put", "hc1", {"name": "Acme"}],
    ["put", "hc2", {"name": "Bolt"}],
    ["put", "hc3", {"name": "Cobalt"}],
]


@pytest.mark.parametrize("stage_of_life", ["lead", "customer"])
def test_the_company_of_a_person_is_the_one_that_the_source_names_now(
    stage: Stage, stage_of_life: str
) -> None:
    lea = {**LEA, "stage": stage_of_life, "firm": "hc1", "company": "Acme"}
    steps: list[Step] = [
        *FIRMS, ["put", "hs1", lea], MARKETING,
        ["put", "hs1", {"firm": "hc2"}], MARKETING,
        ["delete", "hc2"], MARKETING, ["put", "hc2", {}], MARKETING,
        ["put", "hs1", {"firm": None}],
    ]  # fmt: skip
    assert stage.play(steps) is None


@pytest.mark.parametrize("stage_of_life", ["lead", "customer"])
def test_a_company_that_was_merged_twice_stands_for_the_last(
    stage: Stage, stage_of_life: str
) -> None:
    lea = {**LEA, "stage": stage_of_life, "firm": "hc1", "company": "Acme"}
    steps: list[Step] = [
        *FIRMS, ["put", "hs1", lea], MARKETING,
        ["delete", "hc1", "hc2"], MARKETING, ["delete", "hc2", "hc3"], MARKETING,
        ["put", "hc2", {}], MARKETING, ["put", "hc1", {}],
    ]  # fmt: skip
    assert stage.play(steps) is None


def test_a_later_time_alone_changes_whose_value_counts(stage: Stage) -> None:
    lea = {"first": "Lea", "last": "Moreau", "email": "lea@moreau.example.com"}
    steps: list[Step] = [
        ["put", "mc1", lea],
        ["put", "mc2", {**lea, "phone": "+33145670001", "rating": 2}],
        NEWS,
        ["put", "mc1", {"email": "lea@moreau.example.com"}],
    ]
    assert stage.play(steps) is None
