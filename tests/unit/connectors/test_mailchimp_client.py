"""The client's reading of recorded answers and of silence; some calls of the SDK are prevented."""

import json
from pathlib import Path

import pytest
import requests

from hub.clock import FixedClock
from hub.connectors.http import RetryPolicy
from hub.connectors.mailchimp.client import MailchimpClient, MailchimpConfig, judge
from hub.connectors.mailchimp.streams import MailchimpConnector
from hub.connectors.session import VendorSession
from hub.errors import ConfigError, CredentialError, ForbiddenError, ProtocolError, TransientError
from hub.mappings.engine import NormalizeSettings, normalize
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.shipped import mappings
from tests.unit.connectors.test_mailchimp_walk import T0

DATA = Path(__file__).parents[2] / "data" / "mailchimp"
PROBLEM = "application/problem+json; charset=utf-8"


def answered(status, body=b"", content_type="application/json", **headers):
    response = requests.Response()
    response.status_code = status
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response.headers.update({"Content-Type": content_type, **headers})
    return response


def recordings():
    return [
        pytest.param(one, id=f"{path.stem}-{n}")
        for path in sorted(DATA.glob("*.json"))
        for n, one in enumerate(json.loads(path.read_text()).get("interactions", []))
        if one["response"]["status"] != 204  # what we never ask for
    ]


def all_members():
    found = []
    for param in recordings():
        body = param.values[0]["response"]["body"]
        if isinstance(body, dict):
            found += body.get("members") or ([body] if "email_address" in body else [])
    return found


@pytest.mark.parametrize("one", recordings())
def test_recorded_answers_are_judged(one):
    said = one["response"]
    body = said["body"] if isinstance(said["body"], dict) else said["body"].encode()
    response = answered(said["status"], body, **said["headers"])
    if said["status"] == 200:
        answer = judge(response, where="GET x")
        assert json.loads(answer.body) == body
        assert answer.at is not None
    elif said["status"] == 404:
        assert judge(response, where="GET x") is None
    else:
        kind = {301: ConfigError, 401: CredentialError}.get(said["status"], ProtocolError)
        with pytest.raises(kind):
            judge(response, where="GET x")


def test_recorded_members_go_through_the_mapping():
    members = all_members()
    assert len(members) > 30
    raws = [
        RawRecord(f"r{n}", Op.UPSERT, None, "", json.dumps(one).encode())
        for n, one in enumerate(members)
    ]
    got = normalize(mappings()["mailchimp/members"], raws, {}, NormalizeSettings("GB", T0))
    assert not got.rejected
    assert not got.unknowns
    primaries = {record.source_id for record in got.records if record.primary}
    assert primaries | set(got.excluded) == {raw.source_id for raw in raws}
    assert {one.entity for one in got.records} == {"person", "consent"}


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (answered(429), TransientError),
        (answered(403), TransientError),
        (answered(403, b"<html>Access Denied</html>", "text/html"), TransientError),
        (answered(403, {"title": "WrongDatacenter"}, PROBLEM), ForbiddenError),
        (answered(429, {"title": "Too Many Requests"}, PROBLEM), TransientError),
        (answered(200), TransientError),
        (answered(200, b"{}"), TransientError),
        (answered(200, b"[1]"), TransientError),
        (answered(200, b'{"members": ['), TransientError),
        (answered(502), TransientError),
        (answered(401), CredentialError),
        (answered(400, {"title": "Invalid Resource"}, PROBLEM), ProtocolError),
        (answered(426, {"title": "Upgrade Required"}, PROBLEM), ConfigError),
    ],
)
def test_answers_and_silence(response, kind):
    with pytest.raises(kind) as caught:
        judge(response, where="GET x")
    assert type(caught.value) is kind


class Wire:
    """Answers instead of the network, by the requests that would have gone out."""

    def __init__(self, monkeypatch, *answers):
        self.sent, self.answers = [], list(answers)
        monkeypatch.setattr(VendorSession, "send", self.send)

    def send(self, request, **_options):
        self.sent.append(request)
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def client(self, key="k-us7", **values):
        config = MailchimpConfig(api_key=key, **values)
        one = MailchimpClient(
            config, FixedClock(T0), retry_policy=RetryPolicy(attempts=len(self.answers))
        )
        wire, honest = one._session, self.send

        def send(request, **options):
            wire.last = honest(request, **options)
            return wire.last

        wire.send = send
        return one


PAGE = {"members": [], "total_items": 0}


def test_the_key_names_the_data_centre_and_stays_out_of_the_url(monkeypatch):
    wire = Wire(monkeypatch, answered(200, PAGE))
    wire.client().members("server1", {"since_last_changed": "2026-11-24T00:00:00+00:00"})
    url = wire.sent[0].url
    assert url.startswith("https://us7.api.mailchimp.com/3.0/lists/server1/members?")
    assert "since_last_changed=2026-11-24T00%3A00%3A00%2B00%3A00" in url
    assert "k-us7" not in url
    assert wire.sent[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("slow", [answered(504), requests.ReadTimeout()])
def test_pages_shrink_while_mailchimp_is_too_slow(monkeypatch, slow):
    wire = Wire(monkeypatch, slow, slow, answered(200, PAGE), answered(200, PAGE))
    client = wire.client(page_size=1000)
    assert client.members("l", {}).asked_n == 250
    assert client.members("l", {}).asked_n == 250
    assert [one.url.partition("count=")[2].partition("&")[0] for one in wire.sent] == [
        "1000", "500", "250", "250",
    ]  # fmt: skip


def test_an_error_of_the_wire_is_ours(monkeypatch):
    for error, kind in (
        (requests.ConnectionError("x"), TransientError),
        (requests.exceptions.SSLError("x"), ConfigError),
        (TransientError("ours"), TransientError),
    ):
        client = Wire(monkeypatch, error).client()
        with pytest.raises(kind):
            client.now()


def test_a_key_without_a_data_centre_is_named():
    with pytest.raises(ConfigError, match="data centre"):
        MailchimpConnector(MailchimpConfig(api_key="abc"), FixedClock(T0))


def test_no_key_is_told():
    findings = MailchimpConnector(MailchimpConfig(), FixedClock(T0)).check()
    assert [one.ok for one in findings] == [False]
    assert "api_key" in findings[0].hint
