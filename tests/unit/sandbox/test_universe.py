"""The universe's format and the shipped generator."""

import itertools
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from hub.errors import ConfigError
from hub.sandbox.clock import VendorClock
from hub.sandbox.faults import Faults
from hub.sandbox.generator import SHARES, generate, live_events
from hub.sandbox.universe import build_world, check, check_universe, latest_at, load_universe

ROOT = Path(__file__).parents[3]
EMAIL = {"salesforce": "Email", "typeform": "email"}
PHONE = {"salesforce": "Phone", "typeform": "phone"}
LAST = {"salesforce": "LastName", "typeform": "last_name"}
FIRST = {"salesforce": "FirstName", "typeform": "first_name"}


@pytest.fixture(scope="module", params=[(1, 200), (2, 200), (3, 60)])
def universe(request):
    return generate(*request.param)


def test_documented_schema_is_the_one_that_is_used():
    ours = (ROOT / "hub/sandbox/universe.schema.json").read_bytes()
    assert (ROOT / "docs/reference/universe.schema.json").read_bytes() == ours


def test_generated_universe_is_valid_and_deterministic(universe):
    check_universe(json.loads(json.dumps(universe)))
    assert generate(universe["seed"], len(universe["people"])) == universe


def test_other_seeds_give_other_universes():
    assert generate(1, 20)["records"] != generate(2, 20)["records"]


def test_small_universes_work():
    for people in (1, 2, 3):
        check_universe(generate(1, people))


def test_rates_hold(universe):
    people_n, records = len(universe["people"]), universe["records"]
    sources, emails = defaultdict(set), defaultdict(list)
    for record in records:
        sources[record["person"]].add(record["source"])
        emails[record["person"]].append(record["values"].get(EMAIL[record["source"]]))
    assert sum(len(found) > 1 for found in sources.values()) >= 0.35 * people_n
    assert len(sources) == people_n
    several = [found for found in emails.values() if len(found) > 1]
    differing = [found for found in several if len({*found} - {None}) > 1]
    assert len(differing) >= 0.15 * len(several)
    lacking = [
        record
        for record in records
        if not record["values"].get(EMAIL[record["source"]])
        or not record["values"].get(PHONE[record["source"]])
    ]
    assert 0.09 * len(records) <= len(lacking) <= 0.13 * len(records) + 1


def test_names_phones_and_roles(universe):
    people = universe["people"]
    by_id = {person["id"]: person for person in people}
    names = Counter((one["first_name"], one["last_name"]) for one in people)
    assert sum(n - 1 for n in names.values()) >= 1
    phones = Counter(one["phone"] for one in people)
    assert sum(n for n in phones.values() if n > 1) >= 2
    roles = [one for one in people if one["email"].split("@")[0] in {"info", "contact", "sales", "office"}]  # fmt: skip
    assert len(roles) >= SHARES["role_address"] * len(people)
    slips = sum(
        (
            record["values"][FIRST[record["source"]]].removesuffix(" 🚀"),
            record["values"][LAST[record["source"]]],
        )
        != (by_id[record["person"]]["first_name"], by_id[record["person"]]["last_name"])
        for record in universe["records"]
    )
    assert slips >= SHARES["mistyped"] * len(universe["records"])


def test_salesforce_has_all_its_sorts(universe):
    leads = [one for one in universe["records"] if one["source"] == "salesforce"]
    assert any(one["values"]["IsConverted"] and one["values"]["ConvertedDate"] for one in leads)
    assert any(one.get("deleted") for one in leads)
    assert sum("merged_into" in one for one in leads) == 1
    assert [one["field"] for one in universe["planted"]] == ["Email", "Status", "first_name"]
    assert sum(not user["active"] for user in universe["users"]) == 1


def test_live_events_are_valid_and_repeatable(universe):
    first = list(itertools.islice(live_events(1, universe), 20))
    assert first == list(itertools.islice(live_events(1, universe), 20))
    for event in first:
        check(event, "event", name="event")
    assert {event["source"] for event in first} == {"salesforce", "typeform"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"version": 2}, "$.version"),
        ({"records": [{"source": "x", "stream": "y"}]}, "$.records[0]"),
        ({"events": [{"op": "burn", "source": "x", "stream": "y"}]}, "$.events[0].op"),
        ({"events": [{"op": "merge", "source": "x", "stream": "y", "id": "1"}]}, "$.events[0]"),
        ({"users": [{"id": "a"}, {"id": "a"}]}, "$.users[1].id"),
        (
            {"people": [{"id": "a"}], "records": [{"source": "x", "stream": "y", "id": "1", "person": "b"}]},
            "$.records[0].person",
        ),
        ({"records": [{"source": "x", "stream": "y", "id": "1", "at": "2026-02-31"}]}, "$.records[0].at"),
        ({"records": [{"source": "x", "stream": "y", "id": "1", "at": "soon"}]}, "$.records[0].at"),
    ],
)  # fmt: skip
def test_invalid_universe_names_the_path(tmp_path, change, path):
    file = tmp_path / "universe.json"
    file.write_text(json.dumps({"version": 1, "seed": 1, **change}))
    with pytest.raises(ConfigError) as caught:
        load_universe(file)
    assert f": {path}: " in caught.value.message


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_no_universe_at_all_is_a_config_error(tmp_path, text):
    file = tmp_path / "universe.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError):
        load_universe(file)


def foreign():
    return {
        "version": 1,
        "users": [
            {"id": "ana", "name": "Ana Silva", "email": "ana@x.example"},
            {"id": "bo", "name": "Bo", "active": False, "ids": {"salesforce": "0055g000000ABCD"}},
            {"id": 7, "source": "hubspot", "name": "Hub"},
        ],
        "people": [],
        "records": [
            {"source": "hubspot", "stream": "contacts", "id": 501, "person": "p", "values": {}},
            {"source": "salesforce", "stream": "leads", "id": "L1", "values": {"OwnerId": "ana"}},
            {"source": "zendesk", "stream": "tickets", "id": "9", "at": "2026-01-01T00:00:00Z"},
        ],
        "events": [
            {"op": "update", "source": "salesforce", "stream": "leads", "id": "L1",
             "values": {"City": "Rennes"}},
            {"after_s": 5, "op": "delete", "source": "salesforce", "stream": "leads", "id": "L1"},
        ],
    }  # fmt: skip


def test_foreign_universe_is_kept_as_it_is():
    check_universe(foreign())
    world = build_world(foreign(), VendorClock())
    assert [row.id for row in world.rows("salesforce", "users")] == ["ana", "0055g000000ABCD"]
    (lead,) = world.rows("salesforce", "leads")
    assert lead.values == {"OwnerId": "ana", "City": "Rennes"}
    assert {(one["source"], one["id"]) for one in world.truth()} == {
        ("hubspot", "501"),
        ("salesforce", "L1"),
        ("zendesk", "9"),
    }
    assert [user["id"] for user in world.users] == ["ana", "bo", "7"]


def test_ties_fault_gives_many_rows_one_second():
    world = build_world(generate(1, 100), VendorClock(), Faults("ties"))
    stamps = Counter(row.modified_at for row in world.rows("salesforce", "leads"))
    assert max(stamps.values()) >= 5


def test_latest_time_is_found():
    latest = latest_at(generate(1, 30))
    assert latest is not None
    assert latest.tzinfo is not None
    assert latest_at({"version": 1}) is None
