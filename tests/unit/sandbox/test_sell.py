"""Zendesk Sell as a client meets it, over HTTP."""

import json
from pathlib import Path

import pytest
import requests

from tests.unit.sandbox.running import FAST, running

pytestmark = pytest.mark.timeout(60)
UNIVERSE = {
    "version": 1,
    "seed": 3,
    "users": [{"id": "u1", "name": "Ada Agent", "email": "ada@acme.example"}],
    "people": [{"id": "p1"}],
    "records": [
        {"source": "sell", "stream": "custom_fields", "id": "1", "values": {
            "resource_type": "lead", "name": "Budget", "type": "number", "filterable": True}},
        {"source": "sell", "stream": "custom_fields", "id": "2", "values": {
            "resource_type": "lead", "name": "Secret", "type": "string"}},
        *(
            {"source": "sell", "stream": "leads", "id": str(n), "at": "2025-01-01T00:00:00Z",
             "person": "p1" if n == 1 else None,
             "values": {"last_name": f"L{n:03}", "status": "New", "email": f"l{n}@x.example",
                        "address": {"city": "Brest" if n % 2 else "Lyon"},
                        "custom_fields": {"Budget": str(n), "Secret": "s"}}}
            for n in range(1, 231)
        ),
        {"source": "sell", "stream": "contacts", "id": "900", "at": "2025-01-02T00:00:00Z",
         "values": {"name": "Acme", "is_organization": True}},
        {"source": "sell", "stream": "contacts", "id": "901", "at": "2025-01-03T00:00:00Z",
         "values": {"first_name": "Ann", "last_name": "Lee", "contact_id": 900}},
        {"source": "sell", "stream": "deals", "id": "950", "at": "2025-01-04T00:00:00Z",
         "values": {"name": "Big", "contact_id": 901, "value": "12.50", "currency": "EUR"}},
        {"source": "sell", "stream": "associated_contacts", "id": "1",
         "values": {"deal_id": 950, "contact_id": 900, "role": "involved"}},
        {"source": "sell", "stream": "stage_changes", "id": "1",
         "values": {"deal_id": 950, "previous_stage_id": 11, "stage_id": 12}},
        {"source": "sell", "stream": "notes", "id": "970", "at": "2025-01-04T00:00:00Z",
         "values": {"content": "Met at the fair", "resource_type": "lead", "resource_id": 1}},
        {"source": "sell", "stream": "documents", "id": "980", "at": "2025-01-04T00:00:00Z",
         "values": {"resource_type": "lead", "resource_id": 1, "name": "offer.pdf",
                    "content_type": "application/pdf", "size": 300}},
    ],
}  # fmt: skip


class Sell:
    def __init__(self, client):
        said = client.sandbox.announcement["vendors"]["sell"]
        self.world, self.control, self.client = client.sandbox.world, client.control, client
        self.base, self.app = said["url"], said["app"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {said['credentials']['token']}"
        self.token = said["credentials"]["token"]

    def call(self, path, method="GET", **options):
        return self.session.request(method, self.base + path, timeout=5, **options)

    def items(self, path, **asked):
        answer = self.call(path, params=asked)
        assert answer.status_code == 200, answer.text
        return [one["data"] for one in answer.json()["items"]]

    def write(self, path, method="POST", **data):
        return self.call(path, method, json={"data": data})


@pytest.fixture(scope="module")
def sell(tmp_path_factory):
    path = tmp_path_factory.mktemp("sell") / "universe.json"
    path.write_text(json.dumps(UNIVERSE))
    with running(universe=path, time_scale=FAST) as client:
        one = Sell(client)
        yield one
        one.session.close()


def code_of(answer):
    return answer.json()["errors"][0]["error"]["code"]


def test_the_firehose_has_moves_of_deals_from_before_the_start(sell):
    items = sell.call("/v3/deals/stream", params={"position": "tail"}).json()["items"]
    assert [(one["meta"]["event_type"], one["meta"].get("previous")) for one in items] == [
        ("updated", {"stage_id": 11}),
    ]  # fmt: skip
    assert items[0]["data"]["stage_id"] == 12


def test_pages_come_in_the_envelope_of_a_collection_with_links(sell):
    first = sell.call("/v2/leads", params={"sort_by": "id", "per_page": 100}).json()
    assert [one["data"]["id"] for one in first["items"]] == list(range(1, 101))
    assert {one["meta"]["type"] for one in first["items"]} == {"lead"}
    assert (first["meta"]["type"], first["meta"]["count"]) == ("collection", 100)
    assert "prev_page" not in first["meta"]["links"]
    second = sell.call(first["meta"]["links"]["next_page"].removeprefix(sell.base)).json()
    assert [one["data"]["id"] for one in second["items"]] == list(range(101, 201))
    last = sell.call(second["meta"]["links"]["next_page"].removeprefix(sell.base)).json()
    assert last["meta"]["count"] == 30
    assert "next_page" not in last["meta"]["links"]
    after = sell.call("/v2/leads", params={"page": 99}).json()
    assert (after["items"], after["meta"]["count"]) == ([], 0)
    assert len(sell.items("/v2/leads")) == 25


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"ids": "3,1,999"}, [1, 3]),
        ({"email": "L7@x.example"}, [7]),
        ({"address[city]": "Brest", "ids": "1,2,3"}, [1, 3]),
        ({"custom_fields[Budget]": "12"}, [12]),
        ({"custom_fields[Secret]": "other", "ids": "1,2"}, [1, 2]),
        ({"nonsense": "x", "ids": "5"}, [5]),
        ({"sort_by": "id:desc", "per_page": "2"}, [230, 229]),
        ({"sort_by": "last_name:desc", "per_page": "1"}, [230]),
    ],
    ids=str,
)
def test_lists_are_filtered_and_ordered_and_an_unknown_filter_is_ignored(sell, asked, found):
    assert [one["id"] for one in sell.items("/v2/leads", **{"sort_by": "id", **asked})] == found


@pytest.mark.parametrize(
    "asked", [{"per_page": "101"}, {"page": "0"}, {"page": "x"}, {"sort_by": "nonsense"}], ids=str
)
def test_wrong_parameters_are_told(sell, asked):
    answer = sell.call("/v2/leads", params=asked)
    assert (answer.status_code, code_of(answer)) == (400, "invalid_param")


def test_a_request_needs_a_token_and_a_user_agent(sell):
    refused = sell.call("/v2/leads", headers={"Authorization": "Bearer nonsense"})
    assert (refused.status_code, code_of(refused)) == (401, "unauthorized")
    silent = sell.call("/v2/leads", headers={"User-Agent": ""})
    assert (silent.status_code, code_of(silent)) == (400, "invalid_user_agent")
    meta = silent.json()["meta"]
    assert meta["logref"] == silent.headers["x-request-id"]
    assert (meta["type"], meta["http_status"]) == ("errors", "400 Bad Request")
    assert sell.call("/v2/nonsense").status_code == 404
    assert sell.call("/v2/leads/999999").status_code == 404


def test_an_app_gets_a_token_for_an_hour_and_the_personal_one_stays(sell):
    form = {"grant_type": "refresh_token", **sell.app}
    said = sell.call("/oauth2/token", "POST", data=form).json()
    assert (said["token_type"], said["expires_in"]) == ("bearer", 3600)
    head = {"Authorization": f"Bearer {said['access_token']}"}
    assert sell.call("/v2/users/self", headers=head).status_code == 200
    sell.world.clock.advance(3_601)
    assert sell.call("/v2/users/self", headers=head).status_code == 401
    assert sell.call("/v2/users/self").json()["data"]["name"] == "Integration"


def test_a_record_has_every_field_and_a_deal_derives_its_organization(sell):
    deal = sell.call("/v2/deals/950").json()
    assert deal["meta"] == {"type": "deal"}
    data = deal["data"]
    assert (data["value"], data["organization_id"], data["tags"]) == ("12.50", 900, [])
    person = sell.call("/v2/contacts/901").json()["data"]
    assert (person["name"], person["is_organization"], person["contact_id"]) == (
        "Ann Lee",
        False,
        900,
    )
    within = sell.items("/v2/deals", includes="associated_contacts")[0]["associated_contacts"]
    assert [(one["data"]["contact_id"], one["data"]["role"]) for one in within["items"]] == [
        (901, "primary"), (900, "involved"),
    ]  # fmt: skip
    assert len(sell.items("/v2/deals/950/associated_contacts")) == 2
    assert [one["name"] for one in sell.items("/v2/lead/custom_fields")] == ["Budget", "Secret"]
    assert sell.items("/v2/contact/custom_fields") == []


def test_an_account_without_a_setup_gets_the_usual_one(sell):
    stages = sell.items("/v2/stages", sort_by="position")
    assert [one["name"] for one in stages][:4] == ["Incoming", "Qualified", "Quote", "Closure"]
    assert [one["active"] for one in stages] == [True] * 4 + [False] * 3
    assert {one["name"] for one in sell.items("/v2/users")} == {"Integration", "Ada Agent"}
    assert sell.items("/v2/lead_statuses")
    both = {one["resource_type"] for one in sell.items("/v2/sources")}
    assert both == {"lead", "deal"}


def test_writes_are_checked_and_tags_replace_the_ones_before(sell):
    refused = sell.write("/v2/leads", first_name="A", invalid_field=1)
    assert refused.status_code == 422
    error = refused.json()["errors"][0]["error"]
    assert (error["code"], error["resource"], error["field"]) == (
        "unknown",
        "lead",
        "/invalid_field",
    )
    empty = sell.write("/v2/leads", first_name="A")
    assert (empty.status_code, code_of(empty)) == (422, "blank")
    assert code_of(sell.write("/v2/leads", last_name="A", tags="x")) == "invalid_type"
    made = sell.write("/v2/leads", last_name="Nu", tags=["a", "b"]).json()["data"]
    assert (made["status"], made["tags"]) == ("New", ["a", "b"])
    changed = sell.write(f"/v2/leads/{made['id']}", "PUT", tags=["c"]).json()["data"]
    assert (changed["tags"], changed["last_name"]) == (["c"], "Nu")
    assert {one["name"] for one in sell.items("/v2/tags", resource_type="lead")} >= {"a", "b", "c"}
    again = sell.call("/v2/leads/upsert?custom_fields[Budget]=5000", "POST",
                      json={"data": {"last_name": "Up", "custom_fields": {"Budget": "5000"}}})  # fmt: skip
    twice = sell.call("/v2/leads/upsert?custom_fields[Budget]=5000", "POST",
                      json={"data": {"last_name": "Down"}})  # fmt: skip
    assert again.json()["data"]["id"] == twice.json()["data"]["id"]
    assert twice.json()["data"]["last_name"] == "Down"
    assert sell.call(f"/v2/leads/{made['id']}", "DELETE").status_code == 204
    assert sell.call(f"/v2/leads/{made['id']}").status_code == 404
    assert sell.items("/v2/leads", ids=str(made["id"])) == []
    assert sell.call("/v2/stages", "POST", json={"data": {"name": "x"}}).status_code == 404


def test_a_conversion_makes_a_second_set_when_it_is_called_again(sell):
    lead = sell.write("/v2/leads", last_name="Roe", organization_name="Roe Ltd", tags=["t"])
    id_ = lead.json()["data"]["id"]
    note = sell.write("/v2/notes", resource_type="lead", resource_id=id_, content="hi").json()[
        "data"
    ]
    one = sell.write("/v2/lead_conversions", lead_id=id_).json()["data"]
    two = sell.write("/v2/lead_conversions", lead_id=id_, create_deal=False).json()["data"]
    assert one["individual_id"] != two["individual_id"]
    assert two["deal_id"] is None
    person = sell.call(f"/v2/contacts/{one['individual_id']}").json()["data"]
    assert (person["contact_id"], person["tags"]) == (one["organization_id"], ["t"])
    deal = sell.call(f"/v2/deals/{one['deal_id']}").json()["data"]
    assert deal["contact_id"] == one["individual_id"]
    moved = sell.call(f"/v2/notes/{note['id']}").json()["data"]
    assert (moved["resource_type"], moved["resource_id"]) == ("contact", one["individual_id"])


def test_a_document_is_downloaded_from_its_address_without_a_token(sell):
    document = sell.items("/v2/documents")[0]
    got = requests.get(document["download_url"], timeout=5)
    assert (got.status_code, len(got.content)) == (200, document["size"])
    assert got.content.startswith(b"%PDF")
    assert got.content == requests.get(document["download_url"], timeout=5).content
    assert requests.get(document["download_url"] + "x", timeout=5).status_code == 404


def test_the_sync_api_gives_each_device_what_it_has_not_acknowledged(sell):
    head = {"X-Basecrm-Device-UUID": "d1"}
    assert sell.call("/v2/sync/start", "POST").status_code == 400

    def drain():
        started = sell.call("/v2/sync/start", "POST", headers=head)
        if started.status_code == 204:
            return []
        found, session = [], started.json()["data"]["id"]
        while (
            page := sell.call(f"/v2/sync/{session}/queues/main", headers=head)
        ).status_code == 200:
            found += page.json()["items"]
        keys = [one["meta"]["sync"]["ack_key"] for one in found]
        acked = sell.call("/v2/sync/ack", "POST", headers=head, json={"data": {"ack_keys": keys}})
        assert acked.status_code == 202
        return found

    first = drain()
    assert {one["meta"]["type"] for one in first} >= {"lead", "contact", "deal", "user", "note"}
    assert {one["meta"]["sync"]["event_type"] for one in first} == {"created"}
    assert drain() == []
    sell.write("/v2/leads/8", "PUT", title="Boss")
    sell.call("/v2/leads/9", "DELETE")
    kinds = {one["data"]["id"]: one["meta"]["sync"]["event_type"] for one in drain()}
    assert kinds == {8: "updated", 9: "deleted"}


def test_the_firehose_has_the_values_before_a_change_for_72_hours(sell):
    top = sell.call("/v3/deals/stream", params={"position": "top"}).json()["meta"]["position"]
    stages = [one["id"] for one in sell.items("/v2/stages", sort_by="position")]
    sell.write("/v2/deals/950", "PUT", stage_id=stages[2])
    sell.write("/v2/deals/950", "PUT", stage_id=stages[3])
    said = sell.call("/v3/deals/stream", params={"position": top}).json()
    assert [one["meta"]["event_type"] for one in said["items"]] == ["updated", "updated"]
    last = said["items"][-1]
    assert last["data"]["stage_id"] == stages[3]
    assert last["meta"]["previous"]["stage_id"] == stages[2]
    assert last["meta"]["sequence"] == said["items"][0]["meta"]["sequence"] + 1
    assert said["meta"]["top"] is True
    assert sell.call("/v3/deals/stream").status_code == 400
    sell.world.clock.advance(73 * 3_600)
    late = sell.call("/v3/deals/stream", params={"position": top})
    assert late.status_code == 410
    assert sell.call("/v3/deals/stream", params={"position": "tail"}).json()["items"] == []


def test_ten_requests_a_second_then_a_bare_429(tmp_path):
    path = Path(tmp_path / "u.json")
    path.write_text(json.dumps(UNIVERSE))
    with running(universe=path, time_scale=0.01) as client:
        one = Sell(client)
        answers = [one.call("/v2/accounts/self") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        assert code_of(answers[-1]) == "rate_limit_exceeded"
        names = {name.lower() for name in answers[-1].headers}
        assert not [name for name in names if "rate" in name or "retry" in name]
        client.sandbox.world.clock.advance(1)
        assert one.call("/v2/accounts/self").status_code == 200
        one.session.close()


def test_the_faults_of_the_sandbox_work_here_too(sell):
    try:
        sell.client.set_faults("rate_limit")
        statuses = [sell.call("/v2/pipelines").status_code for _ in range(3)]
        assert 429 in statuses
        sell.client.set_faults("revoked:sell")
        assert sell.call("/v2/pipelines").status_code == 401
        sell.client.set_faults("forbidden:sell/leads")
        assert code_of(sell.call("/v2/leads")) == "insufficient_scope"
        assert sell.call("/v2/deals").status_code == 200
        sell.client.set_faults("hide_one:sell/contacts")
        shown = {one["id"] for one in sell.items("/v2/contacts", ids="900,901")}
        assert len(shown) <= 2
        form = {"grant_type": "refresh_token", **sell.app}
        sell.client.set_faults("")
        token = sell.call("/oauth2/token", "POST", data=form).json()["access_token"]
        sell.client.set_faults("token_expiry")
        head = {"Authorization": f"Bearer {token}"}
        assert 401 in [sell.call("/v2/pipelines", headers=head).status_code for _ in range(6)]
        assert sell.call("/v2/pipelines").status_code == 200
    finally:
        sell.client.set_faults("")


def test_the_whole_truth_has_every_value_and_the_setup_is_nobody(sell):
    whole = requests.get(sell.control + "/truth", params={"source": "sell"}, timeout=5).json()
    lead = next(one for one in whole["records"] if (one["stream"], one["id"]) == ("leads", "1"))
    assert lead["values"]["custom_fields"] == {"Budget": "1", "Secret": "s"}
    assert (lead["person"], lead["at"]) == ("p1", "2025-01-01T00:00:00Z")
    plain = requests.get(sell.control + "/truth", timeout=5).json()["records"]
    streams = {one["stream"] for one in plain if one["source"] == "sell"}
    assert "leads" in streams
    assert not streams & {"stages", "users"}
