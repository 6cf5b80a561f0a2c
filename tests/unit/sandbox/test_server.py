"""The sandbox as a whole: ports, faults, control, mail."""

import json
import signal
import smtplib
import socket
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
import requests

from hub.errors import ConfigError
from hub.sandbox.server import Sandbox, SandboxOptions
from tests.unit.sandbox.running import running, wait_for

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def client():
    with running(people=60) as started:
        yield started


def test_announcement_says_where_everything_is(client):
    said = client.sandbox.announcement
    assert {*said} == {"ready", "vendors", "smtp", "control", "time_scale", "env"}
    assert said["ready"] is True
    secrets = {value["credentials"].get("token") for value in said["vendors"].values()}
    assert said["env"]["HUB_SOURCES__TYPEFORM__TOKEN"] in secrets
    if "salesforce" in said["vendors"]:
        credentials = said["vendors"]["salesforce"]["credentials"]
        assert credentials["domain"] == "acme.my"
        form = {"grant_type": "refresh_token", **said["vendors"]["salesforce"]["app"]}
        url = f"{said['vendors']['salesforce']['url']}/services/oauth2/token"
        assert requests.post(url, data=form, timeout=5).json()["access_token"]
        assert said["env"]["HUB_SOURCES__SALESFORCE__CLIENT_SECRET"] == credentials["client_secret"]


def test_links_lead_to_the_address_that_was_asked(client):
    """A client that asked by the vendor's name came through TLS, and is sent back there."""
    token = client.sandbox.announcement["vendors"]["zendesk"]["credentials"]["api_token"]
    url = client.sandbox.url("zendesk")
    for host, base in (("acme.zendesk.com", "https://acme.zendesk.com"), (None, url)):
        headers = {"Authorization": f"Bearer {token}"} | ({"Host": host} if host else {})
        params = {"page[size]": "1"}
        found = requests.get(f"{url}/api/v2/users", params=params, headers=headers, timeout=5)
        assert found.json()["links"]["next"].startswith(f"{base}/api/v2/users")


def test_truth_lists_every_record_and_grows_with_events(client):
    before = client.read("/truth")["records"]
    assert len(before) == len(client.sandbox.universe["records"])
    made = client.event(
        op="create", source="hubspot", stream="contacts", id="77", person="p1", values={}
    )
    assert made.status_code == 201
    last = client.read("/truth")["records"][-1]
    assert last == {
        "source": "hubspot", "stream": "contacts", "id": "77", "person": "p1", "company": None,
    }  # fmt: skip
    assert client.read("/events")["events"][-1]["id"] == "77"


def test_wrong_events_are_refused(client):
    unknown = client.event(op="delete", source="salesforce", stream="leads", id="no")
    assert unknown.status_code == 400
    assert "no record no" in unknown.json()["error"]
    assert "$.op" in client.event(op="x", source="a", stream="b").json()["error"]
    assert requests.post(f"{client.control}/events", data="{", timeout=5).status_code == 400


def test_planned_event_happens_later(client):
    planned = client.event(after_s=500, op="create", source="s", stream="x", id="1", values={})
    assert planned.status_code == 202
    wait_for(lambda: any(one["source"] == "s" for one in client.read("/truth")["records"]))


def test_mail_is_kept(client):
    smtp = client.sandbox.announcement["smtp"]
    with smtplib.SMTP(smtp["host"], smtp["port"], timeout=5) as server:
        text = "Message-ID: <a@b>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nBonjour\r\n"
        server.sendmail("hub@acme.example.com", ["x@acme.example.com"], text)
    (mail,) = client.read("/mail")["mail"]
    assert (mail["message_id"], mail["subject"], mail["text"].strip()) == (
        "<a@b>", "café", "Bonjour",
    )  # fmt: skip
    assert mail["to"] == ["x@acme.example.com"]


def test_requests_are_counted(client):
    client.call("/forms")
    client.call("/forms/nope")
    assert client.read("/requests")["typeform"] == {"total": 2, "status": {"200": 1, "404": 1}}


def test_the_clock_moves_ahead_and_never_back(client):
    before = datetime.fromisoformat(client.read("/")["now"])
    for body in ({}, {"ahead_s": -1}, {"ahead_s": "soon"}, {"ahead_s": 1e300}):
        answer = requests.post(f"{client.control}/clock", json=body, timeout=5)
        assert answer.status_code == 400, body
        assert "ahead_s" in answer.json()["hint"]
    moved = requests.post(f"{client.control}/clock", json={"ahead_s": 10**6}, timeout=5).json()
    assert datetime.fromisoformat(moved["now"]) - before >= timedelta(seconds=10**6)


def test_users_and_universe_are_shown(client):
    assert len(client.read("/users")["users"]) == 7
    assert client.read("/universe") == client.sandbox.universe


@pytest.mark.parametrize(("profile", "status"), [("rate_limit", 429), ("server_errors", 500)])
def test_second_request_fails_and_its_repetition_does_not(client, profile, status):
    client.set_faults(profile)
    assert [client.call("/forms").status_code for _ in range(3)] == [200, status, 200]
    client.set_faults("")
    assert client.read("/faults")["faults"] == ""


def test_cut_ends_inside_the_body(client):
    client.set_faults("cut")
    assert client.call("/forms").ok
    with pytest.raises(requests.exceptions.RequestException):
        client.call("/forms")
    assert client.call("/forms").json()["total_items"] == 2


def test_truncated_is_no_json_but_200(client):
    client.set_faults("truncated")
    client.call("/forms")
    answer = client.call("/forms")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert client.call("/forms").json()["total_items"] == 2


def test_duplicate_pages_repeat_the_page_before(client):
    client.set_faults("duplicate_pages")
    first = client.page(page_size=3)["items"]
    second = client.page(page_size=3, before=first[-1]["token"])["items"]
    assert second[:3] == first
    assert len(second) == 6


def test_hide_one_counts_what_it_does_not_show(client):
    total = client.page(page_size=1000)["total_items"] + client.page("demo")["total_items"]
    client.set_faults("hide_one:typeform/responses")
    pages = [client.page(form, page_size=1000) for form in ("contact", "demo")]
    assert sum(page["total_items"] for page in pages) == total
    assert sum(len(page["items"]) for page in pages) == total - 1


def test_everything_arrives_under_mixed_faults_for_who_repeats(client):
    whole = {item["token"] for item in client.page(page_size=1000)["items"]}
    client.set_faults("mixed")
    seen, params = set(), {"page_size": 2}
    for _ in range(100):
        try:
            page = client.call("/forms/contact/responses", params=params)
            items = page.json()["items"] if page.ok else None
        except (requests.RequestException, ValueError):
            items = None
        if items is None:
            continue
        if not items:
            break
        seen |= {item["token"] for item in items}
        params["before"] = items[-1]["token"]
    assert seen == whole


def test_unknown_fault_is_refused(client):
    answer = requests.put(f"{client.control}/faults", json={"faults": ["nope"]}, timeout=5)
    assert answer.status_code == 400
    with pytest.raises(ConfigError):
        Sandbox(SandboxOptions(faults="nope"))


def test_ties_at_run_time_touch_all_rows(client):
    requests.put(f"{client.control}/faults", data="ties", timeout=5)
    rows = client.sandbox.world.rows("salesforce", "leads")
    assert len({row.modified_at for row in rows}) == 1


def test_live_lets_new_leads_arrive():
    with running(people=5, live=True, live_every_s=0.1) as live:
        wait_for(lambda: len(live.read("/events")["events"]) >= 2)


def test_events_of_a_universe_happen_only_when_live(tmp_path):
    file = tmp_path / "universe.json"
    event = {"after_s": 60, "op": "create", "source": "s", "stream": "x", "id": "1", "values": {}}
    file.write_text(json.dumps({"version": 1, "seed": 4, "events": [event]}))
    with running(universe=file) as still:
        assert still.read("/truth")["records"] == []
        assert still.read("/events")["events"] == []
    with running(universe=file, live=True) as live:
        wait_for(lambda: live.read("/truth")["records"])


def test_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=str(port)):
            Sandbox(SandboxOptions(port=port, people=2)).__enter__()


@pytest.mark.parametrize(
    "wrong", [{"time_scale": 0}, {"people": 0}, {"seed": -1}, {"port": 70_000}]
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ConfigError):
        Sandbox(SandboxOptions(**wrong))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_one_line_and_ends_on_signal(number):
    command = [sys.executable, "-m", "hub.sandbox", "--json", "--people", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert requests.get(f"{said['control']}/truth", timeout=5).ok
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""
