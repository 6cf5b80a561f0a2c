"""Recorded answers of HubSpot pass the client and the mapping; errors get their class."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3
from urllib3.util.retry import Retry

from hub.clock import FixedClock
from hub.connectors.base import Window
from hub.connectors.governor import Usage
from hub.connectors.http import RetryPolicy
from hub.connectors.hubspot.client import HubspotClient, HubspotConfig, next_after
from hub.connectors.hubspot.joins import Joiner
from hub.connectors.hubspot.streams import STREAMS, HubspotConnector
from hub.errors import (
    BudgetError,
    ConfigError,
    CredentialError,
    ForbiddenError,
    ProtocolError,
    TransientError,
)
from hub.mappings.engine import NormalizeSettings, normalize
from hub.model.verdicts import Op
from tests.shipped import mappings

DATA = Path(__file__).parents[2] / "data" / "hubspot"
T0 = datetime(2026, 11, 24, tzinfo=UTC)
WINDOW = Window(None, T0)
OWNERS, *_, COMPANIES, CONTACTS = STREAMS
TOKEN = "pat-eu1-5ecret"
PROPERTIES = {"results": [{"name": "email"}]}


class Wire:
    """Stands in for the SDK's pool of connections: gives out prepared answers in turn."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def request(self, method, url, **rest):
        self.asked.append((method, url, rest))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = answer
        return urllib3.HTTPResponse(body=body, status=status, headers=headers, preload_content=True)


class Spy:
    """A budget that remembers."""

    def __init__(self):
        self.taken, self.usage, self.paused = [], None, []

    def take(self, n=1, *, kind=""):
        self.taken.append(kind)

    def observe(self, usage):
        self.usage = usage

    def pause(self, seconds):
        self.paused.append(seconds)

    def slot(self):
        import contextlib

        return contextlib.nullcontext()


def ok(body, **headers):
    return 200, {"Date": "Tue, 24 Nov 2026 00:00:00 GMT", **headers}, json.dumps(body).encode()


def refusal(status, body=None, **headers):
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return status, headers, raw


def client_on(*answers, attempts=1, budget=None, **config):
    one = HubspotClient(
        HubspotConfig(token=TOKEN, **config),
        FixedClock(T0),
        budget=budget or Spy(),
        retry_policy=RetryPolicy(attempts=attempts),
    )
    wire = Wire(*answers)
    one._api.rest_client.pool_manager = wire
    return one, wire


def connector_on(*answers):
    client, wire = client_on(*answers)
    one = HubspotConnector(HubspotConfig(token=TOKEN), FixedClock(T0))
    one._client = client
    one._joiner = Joiner(client, skip=("companies",))  # no association was recorded
    return one, wire


def bodies(name):
    """Return the bodies of a recording that are v3 pages."""
    held = json.loads((DATA / name).read_text())
    if "body" in held:
        return [held["body"]]
    return [
        one["response"]["body"]
        for one in held["interactions"]
        if one["response"]["status"] == 200 and "results" in one["response"]["body"]
    ]


CONTACT_PAGES = [
    body
    for name in ("contacts_v3_list_limit", "contacts_v3_list_pages", "v3_mock_contacts_data")
    for body in bodies(f"{name}.json")
]


@pytest.mark.parametrize("page", CONTACT_PAGES)
def test_recorded_contacts_are_read_and_mapped(page):
    found = {**page, "total": len(page["results"])}
    found.pop("paging", None)
    empty = {"results": []}
    one, _ = connector_on(ok(PROPERTIES), ok(found), ok(empty))
    pages = list(one.read(CONTACTS, WINDOW))
    records = [record for each in pages for record in each.records]
    assert [record.source_id for record in records] == [one["id"] for one in page["results"]]
    assert all(record.at is not None for record in records)
    assert [json.loads(record.payload) for record in records] == page["results"]
    got = normalize(mappings()["hubspot/contacts"], records, {}, NormalizeSettings())
    assert got.rejected == []
    assert {record.entity for record in got.records if record.primary} <= {"lead", "contact"}
    assert len([record for record in got.records if record.primary]) == len(records)
    assert all(record.values.get("last_name") for record in got.records if record.primary)
    assert not [one for one in got.unknowns if one.kind == "field"]


@pytest.mark.parametrize("name", ["contacts_v3_list_limit.json", "meetings_v3_paged.json"])
def test_the_recorded_cursor_is_read(name):
    page = bodies(name)[0]
    client, _ = client_on(ok(page))
    after = page.get("paging", {}).get("next", {}).get("after", "")
    assert next_after(client.list("contacts", {})) == after


@pytest.mark.parametrize("name", ["owners_v3.json", "owners_v3_by_emails.json"])
def test_recorded_owners_are_read_and_mapped(name):
    for page in bodies(name):
        one, _ = connector_on(ok(page), ok({"results": []}))
        records = [record for each in one.read(OWNERS, WINDOW) for record in each.records]
        assert [record.source_id for record in records] == [one["id"] for one in page["results"]]
        got = normalize(mappings()["hubspot/owners"], records, {}, NormalizeSettings())
        assert len(got.records) == len(records)
        assert all(record.values["name"] for record in got.records)


def test_recorded_companies_and_searches_are_read():
    for name in ("v3_mock_companies_data.json", "meetings_v3_search.json"):
        page = bodies(name)[0]
        found, empty = {**page, "total": len(page["results"])}, {"results": []}
        one, _ = connector_on(ok(PROPERTIES), ok(found), ok(empty))
        records = [record for each in one.read(COMPANIES, WINDOW) for record in each.records]
        assert [record.source_id for record in records] == [one["id"] for one in page["results"]]


def test_recorded_companies_are_mapped():
    page = bodies("v3_mock_companies_data.json")[0]
    found, empty = {**page, "total": len(page["results"])}, {"results": []}
    one, _ = connector_on(ok(PROPERTIES), ok(found), ok(empty))
    records = [record for each in one.read(COMPANIES, WINDOW) for record in each.records]
    got = normalize(mappings()["hubspot/companies"], records, {}, NormalizeSettings())
    assert [(r.values["organization_name"], r.values["domains"]) for r in got.records] == [
        ("Hubspot, Inc.", ["hubspot.com"]),
        ("U.S. Food and Drug Administration", ["fda.gov"]),
    ]
    assert not got.rejected + got.problems


def test_recorded_property_names_are_asked_for():
    page = bodies("v3_mock_contacts_properties.json")[0]
    one, wire = connector_on(ok(page), ok({"total": 0, "results": []}))
    list(one.read(COMPANIES, WINDOW))
    asked = json.loads(wire.asked[1][2]["body"])["properties"]
    assert {row["name"] for row in page["results"]} <= set(asked)


RECORDED_ERRORS = [
    interaction["response"]
    for name in ("error_404_contact", "error_400_invalid_email", "error_409_contact_exists",
                 "error_v3_meeting")
    for interaction in json.loads((DATA / f"{name}.json").read_text())["interactions"]
    if interaction["response"]["status"] >= 400
]  # fmt: skip


@pytest.mark.parametrize("response", RECORDED_ERRORS)
def test_recorded_errors_become_ours_and_show_no_message(response):
    client, _ = client_on(refusal(response["status"], response["body"], **response["headers"]))
    with pytest.raises((ProtocolError, ConfigError, TransientError)) as caught:
        client.list("contacts", {})
    assert str(response["status"]) in str(caught.value)
    assert response["body"]["message"] not in str(caught.value)


def test_a_recorded_answer_of_status_207_is_no_page():
    held = json.loads((DATA / "assoc_v4_invalid.json").read_text())["interactions"][0]["response"]
    client, _ = client_on((held["status"], {}, json.dumps(held["body"]).encode()))
    with pytest.raises(ProtocolError, match="207"):
        client.list("contacts", {})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(401, {"category": "INVALID_AUTHENTICATION"}), CredentialError),
        (refusal(403, {"category": "MISSING_SCOPES"}), ForbiddenError),
        (refusal(301, None, Location="http://elsewhere.example/"), ConfigError),
        (refusal(400, {"category": "VALIDATION_ERROR"}), ProtocolError),
        (refusal(429, {"policyName": "SECONDLY"}), TransientError),
        (refusal(429, {"policyName": "DAILY"}), BudgetError),
        (refusal(429), TransientError),
        (refusal(500, {"message": "internal error"}), TransientError),
        (refusal(502, b"<html>"), TransientError),
        (refusal(503, b"\xff\xfe"), TransientError),
        ((200, {}, b'{"results": ['), TransientError),
        ((200, {}, b"[]"), TransientError),
        ((204, {}, b""), ProtocolError),
        (urllib3.exceptions.ProtocolError("Connection aborted."), TransientError),
        (urllib3.exceptions.NewConnectionError(None, "refused"), TransientError),  # type: ignore[arg-type]
        (urllib3.exceptions.IncompleteRead(3, 5), TransientError),
        (urllib3.exceptions.ReadTimeoutError(None, None, "slow"), TransientError),  # type: ignore[arg-type]
        (urllib3.exceptions.SSLError("no"), ConfigError),
        (urllib3.exceptions.LocationParseError("x"), ConfigError),
    ],
)
def test_what_goes_wrong_on_the_wire_is_one_of_ours(answer, kind):
    client, _ = client_on(answer)
    with pytest.raises((ConfigError, ProtocolError, TransientError)) as caught:
        client.list("contacts", {})
    assert type(caught.value) is kind
    assert TOKEN not in f"{caught.value}{caught.value.hint}{caught.value.__cause__}"


def test_a_busy_answer_is_tried_again_and_pauses_everyone():
    budget = Spy()
    busy = refusal(429, {"policyName": "TEN_SECONDLY_ROLLING"})
    client, wire = client_on(busy, ok({"total": 3}), attempts=3, budget=budget)
    assert client.search("contacts", {"limit": 1}).number("total") == 3
    assert (budget.taken, budget.paused) == (["search", "search"], [5.0])
    assert len(wire.asked) == 2


def test_the_day_s_quota_is_learned_from_every_answer():
    budget = Spy()
    headers = {"X-Hubspot-Ratelimit-Daily": "250000", "X-Hubspot-Ratelimit-Daily-Remaining": "17"}
    client, _ = client_on(ok({"results": []}, **headers), budget=budget)
    client.list("contacts", {})
    assert budget.usage == Usage(249_983, 250_000)


def test_the_present_is_the_vendor_s():
    client, _ = client_on(ok({"results": []}))
    assert client.now("contacts") == T0
    client, _ = client_on((200, {}, b'{"results": []}'))
    with pytest.raises(ProtocolError, match="no Date"):
        client.now("contacts")


@pytest.mark.parametrize(
    ("version", "paths"),
    [
        (
            "v3",
            [
                "/crm/v3/objects/contacts",
                "/crm/v3/owners",
                "/crm/v3/properties/contacts",
                "/crm/v3/objects/contacts/search",
                "/account-info/v3/api-usage/daily/private-apps",
            ],
        ),
        (
            "2026-03",
            [
                "/crm/objects/2026-03/contacts",
                "/crm/owners/2026-03",
                "/crm/properties/2026-03/contacts",
                "/crm/objects/2026-03/contacts/search",
                "/account-info/2026-03/api-usage/daily/private-apps",
            ],
        ),
    ],
)
def test_both_families_of_paths(version, paths):
    client, wire = client_on(ok({"results": [], "total": 0}), api_version=version)
    client.list("contacts", {"properties": ["a", "b"], "limit": 1})
    client.owners({})
    client.properties("contacts")
    client.search("contacts", {"limit": 1})
    client.usage()
    host = "https://api.hubapi.com"
    assert [url.removeprefix(host) for _, url, _ in wire.asked] == paths
    assert wire.asked[0][2]["fields"] == [("properties", "a"), ("properties", "b"), ("limit", 1)]
    assert all(rest["headers"]["Authorization"] == f"Bearer {TOKEN}" for _, _, rest in wire.asked)
    assert all(rest["timeout"] is not None for _, _, rest in wire.asked)


def test_the_sdk_neither_repeats_nor_follows():
    one = HubspotClient(HubspotConfig(token=TOKEN), FixedClock(T0))
    retries = one._api.rest_client.pool_manager.connection_pool_kw["retries"]
    assert isinstance(retries, Retry)
    assert (retries.total, retries.redirect, retries.raise_on_redirect) == (False, 0, False)
    assert not retries.respect_retry_after_header


def test_without_a_token_nothing_is_asked():
    one = HubspotClient(HubspotConfig(), FixedClock(T0))
    with pytest.raises(CredentialError, match="no token"):
        one.now("contacts")


def test_merged_and_deleted_need_no_mapping():
    rows = [{"id": "5", "properties": {"hs_merged_object_ids": "4"}, "updatedAt": "2026-01-01"}]
    one, _ = connector_on(ok(PROPERTIES), ok({"total": 1, "results": rows}), ok({"results": []}))
    records = [
        r for page in one.read(CONTACTS, Window(None, T0 + timedelta(1))) for r in page.records
    ]
    assert [record.op for record in records] == [Op.UPSERT, Op.MERGE_INTO]
    got = normalize(mappings()["hubspot/contacts"], records, {}, NormalizeSettings())
    assert got.deleted == ["4"]
