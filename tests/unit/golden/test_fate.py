"""The rules that decide which rows a person has, each alone, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.golden.fate import Fate, Past, Person, Rows, fate, needs_past
from hub.golden.rules import DEFAULT_RULES
from hub.golden.status import status_of
from hub.golden.survive import SourceVersion
from hub.model.folding import (
    ContactRow,
    EarlierVersion,
    FoldRecord,
    GoldenRecord,
    LeadRow,
    LeftRecord,
)
from hub.model.verdicts import Trust

NOW = datetime(2026, 5, 5, tzinfo=UTC)
WAS = NOW - timedelta(days=3)
GOLDEN = GoldenRecord(1, {"last_name": "Moreau"}, 7, None, "New", None, None, None, "live", 1)
LEAD = LeadRow(17, 1, 5, "New", None, None, None, None, None)
CONTACT = ContactRow(23, 1, None, False, None, None)


def record(role: str, **more: Any) -> FoldRecord:
    given: dict[str, Any] = {
        "id": 1, "entity_id": 1, "source": "hubspot", "stream": "contacts", "source_id": "1",
        "trust": "trusted", "values": {}, "refs": {}, "source_at": NOW, "is_gone": False,
        "gone_at": None, "gone_why": None, "batch_id": 1, "joined_batch_id": 1,
        "open_verdict": False, "role": role, "lane": "live",
    }  # fmt: skip
    return FoldRecord(**{**given, **more})


def said(role: str, *, number: int = 5) -> EarlierVersion:
    return EarlierVersion(1, 1, number - 1, number, role, False, WAS)


def decided(records: list[FoldRecord], rows: Rows, **past: Any) -> Fate:
    person = Person(GOLDEN, records, rows)
    return fate(replace(person, past=Past(NOW, **past)) if needs_past(person) else person)


def test_a_person_without_rows_needs_no_past() -> None:
    assert not needs_past(Person(GOLDEN, [record("lead")], Rows()))


@pytest.mark.parametrize("role", ["lead", "contact"])
def test_a_new_row_of_a_gone_record_stands_if_somebody_decided_on_it(role: str) -> None:
    gone = record(role, is_gone=True, gone_at=WAS, gone_why="deleted")
    for is_parted in (True, False):
        found = decided([gone], Rows(), is_parted=is_parted)
        row = found.lead if role == "lead" else found.contact
        assert row is not None
        assert row.unasked_since == WAS
        assert row.archived_at == (None if is_parted else WAS)


def test_a_row_that_the_vendor_no_longer_asks_for_stays() -> None:
    found = decided([record("person")], Rows(lead=LEAD), versions=[said("lead")])
    assert found.lead is not None
    assert (found.lead.unasked_since, found.lead.archived_at, found.taken_back) == (WAS, None, ())


def test_a_row_that_no_version_asks_for_is_taken_back() -> None:
    assert decided([record("person")], Rows(lead=LEAD)).taken_back == (("lead", 17),)


def test_a_row_that_was_kept_before_is_not_taken_back_later() -> None:
    found = decided([record("person")], Rows(lead=replace(LEAD, unasked_since=WAS)))
    assert found.lead is not None
    assert found.lead.unasked_since == WAS


@pytest.mark.parametrize(
    ("is_arriving", "is_parted", "stays"),
    [(True, False, True), (True, True, False), (False, False, False)],
)
def test_a_record_that_left_keeps_the_row_if_its_vendor_moved_it(
    is_arriving: bool, is_parted: bool, stays: bool
) -> None:
    left = [LeftRecord(1, "lead", is_arriving, is_parted)]
    found = decided([record("person")], Rows(lead=LEAD), left=left, is_parted=is_parted)
    assert (found.lead is not None) is stays


def test_what_somebody_has_worked_on_is_neither_taken_back_nor_archived() -> None:
    gone = record("lead", is_gone=True, gone_at=WAS, gone_why="excluded")
    found = decided([gone], Rows(lead=LEAD), is_worked_on=True)
    assert found.lead is not None
    assert (found.lead.archived_at, found.lead.unasked_since) == (None, NOW)
    deleted = replace(gone, gone_why="deleted")
    untouched = decided([deleted], Rows(lead=LEAD))
    assert untouched.lead is not None
    assert untouched.lead.archived_at == WAS


def test_an_untouched_lead_that_became_a_contact_is_converted() -> None:
    found = decided([record("contact")], Rows(lead=LEAD), versions=[said("lead")])
    assert found.lead is not None
    assert found.contact is not None
    assert (found.is_converted, found.is_marked) == (True, False)
    assert found.lead.converted_at == WAS.isoformat()
    assert found.contact.owner_id == LEAD.owner_id


def test_a_touched_lead_that_became_a_contact_is_marked_once() -> None:
    versions = [said("lead")]
    found = decided([record("contact")], Rows(lead=LEAD), versions=versions, is_worked_on=True)
    assert found.lead is not None
    assert (found.is_converted, found.is_marked) == (False, True)
    marked = replace(LEAD, source_converted_at=WAS)
    again = decided([record("contact")], Rows(lead=marked), versions=versions, is_worked_on=True)
    assert not again.is_marked


def test_a_contact_of_another_source_only_links() -> None:
    found = decided([record("lead"), record("contact", id=2)], Rows(lead=LEAD))
    assert found.lead is not None
    assert found.contact is not None
    assert (found.lead.converted_at, found.contact.owner_id) == (None, GOLDEN.owner_id)


def test_a_conversion_that_was_undone_opens_the_lead_again() -> None:
    converted = replace(LEAD, converted_at=WAS)
    stands = decided([record("contact")], Rows(lead=converted), versions=[said("lead")])
    assert stands.lead is None
    undone = decided([record("lead")], Rows(lead=converted))
    assert undone.lead is not None
    assert undone.lead.converted_at is None
    by_people = decided([record("lead")], Rows(lead=converted), is_converted_here=True)
    assert by_people.lead is None


def test_a_survivor_takes_the_place_of_the_lead_it_absorbed() -> None:
    held = replace(LEAD, entity_id=2, status="Working", status_set_by="person")
    found = decided([record("person")], Rows(absorbed_leads=(held,)), versions=[said("lead")])
    assert found.lead is not None
    assert (found.lead.status, found.lead.status_set_by) == ("Working", "person")


def test_a_contact_that_people_keep_is_not_unasked() -> None:
    kept = replace(CONTACT, is_kept=True)
    found = decided([record("person")], Rows(contact=kept))
    assert found.contact is not None
    assert found.contact.unasked_since is None


def version(key: str, source: str, status: str | None, at: int) -> SourceVersion:
    moment = (NOW + timedelta(hours=at)).isoformat()
    return SourceVersion(1, key, source, "s", Trust.TRUSTED, {"status": status}, moment)


def test_the_status_is_the_best_sources_and_of_equals_the_later_open_one() -> None:
    over = frozenset({"unqualified"})
    better = version("a", "salesforce", "Working", 0)
    one, other = version("b", "hubspot", "New", 1), version("c", "hubspot", "Contacted", 2)
    lost = version("d", "hubspot", "Unqualified", 3)
    for order in ([better, one, other, lost], [lost, other, one, better]):
        assert status_of(order, DEFAULT_RULES, over) == ("Working", None)
        assert (
            status_of([r for r in order if r is not better], DEFAULT_RULES, over)[0] == "Contacted"
        )
    assert status_of([lost], DEFAULT_RULES, over)[0] == "Unqualified"
    assert status_of([version("e", "hubspot", None, 0)], DEFAULT_RULES, over) == ("New", None)
