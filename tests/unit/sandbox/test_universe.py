"""The universe's format and the shipped generator."""

import itertools
import json
import re
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from hub.errors import ConfigError
from hub.sandbox.clock import VendorClock
from hub.sandbox.faults import Faults
from hub.sandbox.fields import FIELDS, is_person, read
from hub.sandbox.generator import FIXED_NOW, generate, live_events
from hub.sandbox.rates import BAD_VALUES, MEMBER_STATUSES, RATES, SOURCES_OF_PEOPLE
from hub.sandbox.tickets import is_for_sales
from hub.sandbox.universe import (
    apply_event,
    build_world,
    check,
    check_universe,
    latest_at,
    load_universe,
    validator,
)
from hub.sandbox.world import World

ROOT = Path(__file__).parents[3]
ROLES = {"info", "contact", "sales", "office"}
VALUES = [
    "hubspot_contacts",
    "hubspot_companies",
    "mailchimp_members",
    "zendesk_users",
    "zendesk_organizations",
    "zendesk_tickets",
]


@pytest.fixture(
    scope="module", params=[(1, 60), (1, 300), (2, 300), (3, 200), (7, 300), (1, 2000), (5, 2000)]
)
def universe(request):
    return generate(*request.param)


def persons_of(universe):
    return [record for record in universe["records"] if is_person(record)]


def email_of(record):
    return read(record["values"], FIELDS[record["source"]].email)


def phone_of(record):
    return read(record["values"], FIELDS[record["source"]].phone)


def by_person(records, value):
    found = defaultdict(list)
    for record in records:
        found[record["person"]].append(value(record))
    return found


def records_of(universe, source, stream):
    return [
        one for one in universe["records"] if (one["source"], one["stream"]) == (source, stream)
    ]


def test_documented_schema_is_the_one_that_is_used():
    ours = (ROOT / "hub/sandbox/universe.schema.json").read_bytes()
    assert (ROOT / "docs/reference/universe.schema.json").read_bytes() == ours


def test_page_of_the_universe_says_what_is_so():
    page = (ROOT / "docs/reference/universe.md").read_text(encoding="utf-8")
    check_universe(json.loads(page.partition("```json")[2].partition("```")[0]))
    titles = {"hubspot": "HubSpot"}
    for share, sources in SOURCES_OF_PEOPLE:
        names = ", ".join(titles.get(one, one.capitalize()) for one in sources)
        assert f"| {names}{' alone' if len(sources) == 1 else ''} | {share} |" in page


def test_generated_universe_is_valid_and_deterministic(universe):
    check_universe(json.loads(json.dumps(universe)))
    assert generate(universe["seed"], len(universe["people"])) == universe


def test_other_seeds_give_other_universes():
    assert generate(1, 20)["records"] != generate(2, 20)["records"]


def test_small_universes_work():
    for people in (1, 2, 3):
        check_universe(generate(1, people))


def test_other_times_change_nothing_but_times():
    def without_times(value):
        if isinstance(value, dict):
            return {
                key: without_times(one)
                for key, one in value.items()
                if key not in {"at", "modified_at", "ConvertedDate", "timestamp_opt"}
            }
        return [without_times(one) for one in value] if isinstance(value, list) else value

    later = generate(1, 300, now=FIXED_NOW + timedelta(days=40, seconds=7, microseconds=654_321))
    assert without_times(later) == without_times(generate(1, 300))


def test_shares_of_places_are_a_whole():
    assert sum(share for share, _ in SOURCES_OF_PEOPLE) == 100
    several = sum(share for share, sources in SOURCES_OF_PEOPLE if len(sources) > 1)
    assert several == round(RATES["in_several_sources"] * 100)


def test_people_are_in_several_sources(universe):
    people_n = len(universe["people"])
    sources = by_person(persons_of(universe), lambda record: record["source"])
    assert len(sources) == people_n
    several = sum(len(set(found)) > 1 for found in sources.values())
    assert 0.45 * people_n <= several <= 0.45 * people_n + 1
    live = [record for record in persons_of(universe) if not record.get("deleted")]
    still = by_person(live, lambda record: record["source"])
    assert sum(len(set(found)) > 1 for found in still.values()) >= 0.35 * people_n
    assert {source for found in sources.values() for source in found} == set(FIELDS)


def test_emails_differ(universe):
    emails = by_person(persons_of(universe), email_of)
    differing = sum(len({*found} - {None}) > 1 for found in emails.values())
    assert 0.15 * len(universe["people"]) <= differing <= 0.17 * len(universe["people"]) + 1


def test_some_lack_a_phone_or_an_email(universe):
    persons = persons_of(universe)
    lacking = [one for one in persons if not email_of(one) or not phone_of(one)]
    assert 0.10 * len(persons) <= len(lacking) <= 0.10 * len(persons) + 1
    neither = [one for one in lacking if not email_of(one) and not phone_of(one)]
    assert neither
    assert all(email_of(one) for one in records_of(universe, "mailchimp", "members"))


def test_names_have_slips(universe):
    people = {person["id"]: person for person in universe["people"]}
    persons = persons_of(universe)

    def is_wrong(record):
        person, fields = people[record["person"]], FIELDS[record["source"]]
        told = [
            read(record["values"], path).removesuffix(" 🚀") for path in (fields.first, fields.last)
        ]
        right = [person["first_name"], person["last_name"]]
        return told != (right if fields.first != fields.last else [" ".join(right)] * 2)

    wrong = sum(map(is_wrong, persons))
    assert 0.08 * len(persons) <= wrong <= 0.08 * len(persons) + 1


def share_of_records(universe, ids):
    persons = persons_of(universe)
    return sum(record["person"] in ids for record in persons) / len(persons)


def test_phones_are_shared(universe):
    people = universe["people"]
    phones = Counter(one["phone"] for one in people)
    sharing = {one["id"] for one in people if phones[one["phone"]] > 1}
    few = 4 / len(people)
    assert 0.05 <= len(sharing) / len(people) <= 0.06 + few
    assert 0.05 <= share_of_records(universe, sharing) <= 0.06 + few


def test_people_are_namesakes(universe):
    people = universe["people"]
    companies = defaultdict(list)
    for one in people:
        companies[one["first_name"], one["last_name"]].append(one["company"])
    spare = sum(len(found) - 1 for found in companies.values())
    few = 4 / len(people)
    assert 0.03 <= spare / len(people) <= 0.04 + few
    both = {one["id"] for one in people if len(companies[one["first_name"], one["last_name"]]) > 1}
    assert share_of_records(universe, both) >= 0.03


def test_people_have_role_addresses(universe):
    people = universe["people"]
    with_role = {one["id"] for one in people if one["email"].split("@")[0] in ROLES}
    few = 4 / len(people)
    assert 0.05 <= len(with_role) / len(people) <= 0.06 + few
    records = [one for one in persons_of(universe) if (email_of(one) or "").split("@")[0] in ROLES]
    one_planted = 1 / len(persons_of(universe))
    assert 0.05 - one_planted <= len(records) / len(persons_of(universe)) <= 0.06 + few


def test_ids_and_addresses_are_unique(universe):
    ids = Counter((one["source"], one["stream"], one["id"]) for one in universe["records"])
    assert max(ids.values()) == 1
    for source, fields in FIELDS.items():
        if fields.one_email:
            emails = Counter(
                email_of(one).lower()
                for one in records_of(universe, source, fields.stream)
                if email_of(one)
            )
            assert max(emails.values()) == 1
    for user in universe["users"]:
        assert set(user["ids"]) >= {"salesforce"}
        if user["id"].startswith("u"):
            assert set(user["ids"]) == {"salesforce", "hubspot", "zendesk"}


def test_ids_have_the_vendors_form(universe):
    for record in universe["records"]:
        if record["source"] in {"hubspot", "zendesk"}:
            assert record["id"].isdigit()
        if record["source"] == "hubspot":
            assert int(record["id"]) > 2**31
    for record in records_of(universe, "mailchimp", "members"):
        assert re.fullmatch("[0-9a-f]{32}", record["id"])
    made = World(seed=3).create("mailchimp", "members", {}).id
    assert re.fullmatch("[0-9a-f]{32}", made)


@pytest.mark.parametrize("definition", VALUES)
def test_values_are_as_documented(universe, definition):
    source, _, stream = definition.partition("_")
    records = records_of(universe, source, stream)
    assert records
    documented = set(validator().schema["$defs"][definition]["properties"])
    for record in records:
        check(record["values"], definition, name=definition)
        assert set(record["values"]) <= documented
        if stream in {"companies", "organizations"}:
            assert record["person"] is None
            assert record["company"]


def test_records_point_to_records(universe):
    keys = {(one["source"], one["stream"], one["id"]): one for one in universe["records"]}
    for source, stream, field, target in (
        ("hubspot", "contacts", "associatedcompanyid", "companies"),
        ("zendesk", "users", "organization_id", "organizations"),
        ("zendesk", "tickets", "requester_id", "users"),
    ):
        for record in records_of(universe, source, stream):
            pointed = keys[source, target, record["values"][field]]
            assert pointed["company"] == record["company"]
            assert pointed["person"] in {None, record["person"]}
            assert pointed["at"] <= record["at"]
    owners = {user["ids"].get("hubspot") for user in universe["users"]}
    owned = [
        one["values"].get("hubspot_owner_id") for one in records_of(universe, "hubspot", "contacts")
    ]
    assert set(owned) <= owners


def test_salesforce_has_all_its_sorts(universe):
    leads = records_of(universe, "salesforce", "leads")
    assert any(one["values"]["IsConverted"] and one["values"]["ConvertedDate"] for one in leads)
    assert any(one.get("deleted") for one in leads)
    assert sum("merged_into" in one for one in leads) == 1
    opted_out = sum(one["values"]["HasOptedOutOfEmail"] for one in leads)
    assert 0.1 * len(leads) <= opted_out <= 0.1 * len(leads) + 1
    assert sum(not user["active"] for user in universe["users"]) == 1


def test_the_others_have_all_their_sorts(universe):
    contacts = records_of(universe, "hubspot", "contacts")
    assert any(one.get("deleted") for one in contacts)
    assert sum("merged_into" in one for one in contacts) == 1
    assert any(one["values"]["hs_email_optout"] == "true" for one in contacts)
    statuses = {one["values"]["status"] for one in records_of(universe, "mailchimp", "members")}
    assert statuses == {"subscribed", *MEMBER_STATUSES}
    tickets = records_of(universe, "zendesk", "tickets")
    for_sales = sum(is_for_sales(one["values"]) for one in tickets)
    assert 0.2 * len(tickets) <= for_sales <= 0.2 * len(tickets) + 1


def test_bad_values_are_planted_and_listed(universe):
    keys = {(one["source"], one["stream"], one["id"]): one for one in universe["records"]}
    assert [(one["source"], one["field"]) for one in universe["planted"]] == [
        (source, field) for source, field, _ in BAD_VALUES
    ]
    for one, (_, field, value) in zip(universe["planted"], BAD_VALUES, strict=True):
        record = keys[one["source"], one["stream"], one["id"]]
        assert read(record["values"], field).endswith(value.removeprefix("{}"))
        assert not record.get("deleted")


def test_live_events_are_valid_and_repeatable(universe):
    first = list(itertools.islice(live_events(1, universe), 200))
    assert first == list(itertools.islice(live_events(1, universe), 200))
    for event in first:
        check(event, "event", name="event")
        definition = f"{event['source']}_{event['stream']}"
        if definition in VALUES:
            check(event["values"], definition, name=definition)
    counts = Counter((event["source"], event["stream"]) for event in first)
    assert set(counts) == {
        ("typeform", "responses"),
        ("hubspot", "contacts"),
        ("zendesk", "tickets"),
        ("mailchimp", "members"),
        ("salesforce", "leads"),
    }
    assert counts.most_common(1)[0][0] == ("typeform", "responses")
    known = sum(event["person"].startswith("p") for event in first)
    assert known == 0.3 * len(first)


def test_live_events_enter_no_address_twice(universe):
    taken = {
        source: {
            email_of(one).lower()
            for one in records_of(universe, source, FIELDS[source].stream)
            if email_of(one)
        }
        for source in ("hubspot", "mailchimp")
    }
    for event in itertools.islice(live_events(2, universe), 300):
        if event["source"] in taken:
            email = email_of(event).lower()
            assert email not in taken[event["source"]]
            taken[event["source"]].add(email)


def test_live_events_happen_in_a_world(universe):
    world = build_world(universe, VendorClock())
    before = len(world.truth())
    assert before == len(universe["records"])
    for event in itertools.islice(live_events(3, universe), 50):
        apply_event(world, event)
    assert len(world.truth()) == before + 50


def test_live_events_need_no_universe():
    events = list(itertools.islice(live_events(1), 60))
    assert {event["source"] for event in events} == {"typeform", "hubspot", "zendesk", "mailchimp"}
    tickets = [event for event in events if event["source"] == "zendesk"]
    assert all(set(one["values"]["requester"]) == {"name", "email", "phone"} for one in tickets)


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
