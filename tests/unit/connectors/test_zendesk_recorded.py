"""Recorded answers of Zendesk pass the client and the mapping."""

import json
from pathlib import Path

import pytest
import requests

from hub.clock import FixedClock
from hub.connectors.session import VendorSession
from hub.connectors.zendesk.client import ZendeskClient, ZendeskConfig
from hub.connectors.zendesk.streams import ZendeskConnector, to_record
from hub.errors import ConfigError, CredentialError, HubError, ProtocolError, TransientError
from hub.mappings.engine import NormalizeSettings, normalize
from tests.shipped import mappings
from tests.unit.connectors.test_zendesk_walk import T0

DATA = Path(__file__).parents[2] / "data" / "zendesk"
TICKETS = [
    "go_GET_tickets", "go_GET_ticket", "go_GET_ticket_show_many", "go_GET_search_ticket",
    "go_POST_ticket", "go_PUT_ticket", "go_ticket_result",
]  # fmt: skip
USERS = ["go_GET_user", "go_PUT_user"]
CONFIG = ZendeskConfig(subdomain="acme", email="me@acme.example", api_token="s3cret")


def objects(name, *keys):
    body = json.loads((DATA / f"{name}.json").read_bytes())
    if isinstance(body, list):
        return body
    found = next(body[key] for key in keys if key in body)
    return found if isinstance(found, list) else [found]


def mapped(stream, found):
    records = [to_record(json.dumps(one).encode()) for one in found]
    assert all(one.source_id and one.at for one in records)
    return records, normalize(mappings()[f"zendesk/{stream}"], records, {}, NormalizeSettings())


@pytest.mark.parametrize("name", TICKETS)
def test_recorded_tickets(name):
    found = objects(name, "tickets", "ticket", "results")
    records, result = mapped("tickets", found)
    tickets = [one for one in result.records if one.entity == "ticket"]
    assert [one.source_id for one in tickets] == [one.source_id for one in records]
    assert not result.problems
    assert not result.unknowns
    for ticket, raw in zip(tickets, found, strict=True):
        assert ticket.values["status"] == raw["status"]
        assert ticket.values["channel"] == raw["via"]["channel"]
        assert ticket.refs["requester"] == str(raw["requester_id"])


@pytest.mark.parametrize("name", USERS)
def test_recorded_users(name):
    found = objects(name, "users", "user")
    _, result = mapped("users", found)
    (person,) = result.records
    assert (person.entity, person.primary) == ("person", True)
    assert person.values["email"] == found[0]["email"]
    assert not result.unknowns


@pytest.mark.parametrize("name", ["go_GET_organization", "go_GET_organizations"])
def test_recorded_organizations(name):
    found = objects(name, "organizations", "organization")
    _, result = mapped("organizations", found)
    names = [(one.entity, one.values["organization_name"]) for one in result.records]
    assert names == [("organisation", raw["name"]) for raw in found]
    domains = [one.values.get("domains", []) for one in result.records]
    assert domains == [raw["domain_names"] for raw in found]
    assert not result.problems
    assert not result.unknowns


class Recording:
    """Answers a session with what was recorded, one answer a request."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def send(self, _session, request, **_kwargs):
        self.asked.append(request)
        status, body, headers = self.answers.pop(0)
        response = requests.Response()
        response.status_code = status
        response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
        response.headers.update(headers)
        response.url = request.url
        return response


def play(monkeypatch, *answers):
    recording = Recording(*answers)

    def send(session, request, **kwargs):
        return recording.send(session, request, **kwargs)

    monkeypatch.setattr(VendorSession, "send", send)
    return recording


def recorded_pages(name):
    exchanges = json.loads((DATA / f"{name}.json").read_bytes())["interactions"]
    return [
        (one["response"]["status"], one["response"]["body"], one["response"]["headers"])
        for one in exchanges
    ]


def test_recorded_pages_of_a_list_end_where_there_is_no_more(monkeypatch):
    end = recorded_pages("offset_or_cursor_list")[0]
    assert end[1]["meta"]["has_more"] is False
    assert end[1]["meta"]["after_cursor"], "a cursor is there all the same"
    answers = [*recorded_pages("cursor_pages")[:2], end]
    now = (200, {"user": {}}, {"Date": "Sun, 08 Oct 2023 17:17:59 GMT"})
    recording = play(monkeypatch, now, *answers)
    one = ZendeskConnector(CONFIG, FixedClock(T0))
    stream = one.streams()[0]
    pages = list(one.read(stream, one.window(stream, None)))
    assert [r.source_id for page in pages for r in page.records] == [
        str(org["id"]) for answer in answers for org in answer[1]["organizations"]
    ]
    assert len(recording.asked) == 4


@pytest.mark.parametrize(
    ("name", "status", "kind", "said"),
    [
        ("error_401", 401, CredentialError, "answered 401"),
        ("error_404", 404, ConfigError, "RecordNotFound"),
        ("error_422_record_invalid", 422, ProtocolError, "RecordInvalid"),
        ("error_429_incremental", 429, TransientError, "APIRateLimitExceeded"),
    ],
)
def test_recorded_errors(monkeypatch, name, status, kind, said):
    body = json.loads((DATA / f"{name}.json").read_bytes())
    body = body["interactions"][0]["response"]["body"] if "interactions" in body else body
    play(monkeypatch, *[(status, body, {"Retry-After": "3"})] * 9)
    with pytest.raises(HubError, match=said) as caught:
        ZendeskClient(CONFIG, FixedClock(T0)).get("/incremental/tickets/cursor.json")
    assert isinstance(caught.value, kind)
    assert "s3cret" not in str(caught.value)


def test_a_plain_text_refusal_is_waited_for(monkeypatch):
    recording = play(
        monkeypatch,
        (429, b"Number of allowed API requests per minute exceeded", {"Retry-After": "93"}),
        (200, {"user": {}}, {"Date": "Sun, 08 Oct 2023 17:17:59 GMT"}),
    )
    clock = FixedClock(T0)
    ZendeskClient(CONFIG, clock).now()
    assert len(recording.asked) == 2
    assert (clock.now() - T0).total_seconds() >= 93


@pytest.mark.parametrize(
    ("email", "header"),
    [("me@acme.example", "Basic bWVAYWNtZS5leGFtcGxlL3Rva2VuOnMzY3JldA=="), ("", "Bearer s3cret")],
)
def test_an_api_token_and_an_oauth_token(monkeypatch, email, header):
    recording = play(monkeypatch, (200, {}, {"Date": "Sun, 08 Oct 2023 17:17:59 GMT"}))
    config = ZendeskConfig(subdomain="acme", email=email, api_token="s3cret")
    ZendeskClient(config, FixedClock(T0)).now()
    assert recording.asked[0].headers["Authorization"] == header
    assert recording.asked[0].url == "https://acme.zendesk.com/api/v2/users/me.json"
