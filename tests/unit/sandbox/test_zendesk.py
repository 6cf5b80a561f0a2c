"""Zendesk as a client meets it, over HTTP."""

import base64
import json
import time

import pytest
import requests

from tests.unit.sandbox.running import FAST, running, wait_for

pytestmark = pytest.mark.timeout(60)
UNIVERSE = {
    "version": 1,
    "seed": 3,
    "users": [
        {"id": "u1", "name": "Ada Agent", "email": "ada@acme.example", "ids": {"zendesk": "501"}}
    ],
    "people": [{"id": "p1"}, {"id": "p2"}, {"id": "p3"}],
    "companies": [{"id": "c1", "name": "Corp"}],
    "records": [
        {"source": "zendesk", "stream": "organizations", "id": "42", "company": "c1",
         "values": {"name": "Corp", "domain_names": ["corp.example"]}},
        {"source": "zendesk", "stream": "users", "id": "7", "person": "p1", "company": "c1",
         "at": "2025-01-01T00:00:00Z", "values": {"name": "Ann Lee", "email": "ann@corp.example"}},
        {"source": "zendesk", "stream": "users", "id": "8", "person": "p1",
         "at": "2025-01-01T00:00:00Z", "values": {"name": "Ann L.", "email": "al@home.example"}},
        {"source": "zendesk", "stream": "tickets", "id": "1", "person": "p1",
         "at": "2025-01-01T00:00:00Z",
         "values": {"subject": "By person", "via": {"channel": "email"},
                    "custom_fields": [{"id": 5, "value": "x"}]}},
        {"source": "zendesk", "stream": "tickets", "id": "2", "person": "p1",
         "at": "2025-01-01T00:00:00Z",
         "values": {"subject": "By address", "requester": {"email": "ANN@corp.example"}}},
        {"source": "zendesk", "stream": "tickets", "id": "3", "person": "p2",
         "at": "2025-01-01T00:00:00Z",
         "values": {"subject": "New", "requester": {"name": "Bo Ek", "email": "bo@x.example"}}},
        {"source": "zendesk", "stream": "tickets", "id": "T-4", "person": "p3",
         "at": "2025-01-02T00:00:00Z", "values": {"subject": "By id", "requester_id": 8}},
        {"source": "zendesk", "stream": "tickets", "id": "5", "deleted": True,
         "at": "2025-01-03T00:00:00Z", "values": {"subject": "Gone"}},
    ],
}  # fmt: skip


class Zendesk:
    def __init__(self, client):
        said = client.sandbox.announcement["vendors"]["zendesk"]
        self.world, self.control = client.sandbox.world, client.control
        self.base = said["url"]
        self.credentials = said["credentials"]
        self.auth = (f"{self.credentials['email']}/token", self.credentials["api_token"])
        self.session = client.session
        self.session.headers.pop("Authorization", None)

    def call(self, path, method="GET", auth=True, **options):
        return self.session.request(
            method, f"{self.base}/api/v2{path}", auth=self.auth if auth else None, timeout=5,
            **options,
        )  # fmt: skip

    def get(self, path, **params):
        answer = self.call(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def export(self, stream="tickets", size=100, cursor=None):
        rows = []
        params = {"cursor": cursor} if cursor else {"start_time": 0}
        while True:
            page = self.get(f"/incremental/{stream}/cursor.json", per_page=size, **params)
            rows += page[stream]
            params = {"cursor": page["after_cursor"]}
            if page["end_of_stream"]:
                return rows, page["after_cursor"]


@pytest.fixture
def account(tmp_path):
    path = tmp_path / "universe.json"
    path.write_text(json.dumps(UNIVERSE))
    with running(universe=path) as client:
        yield Zendesk(client)


@pytest.fixture
def slow(tmp_path):
    path = tmp_path / "universe.json"
    path.write_text(json.dumps(UNIVERSE))
    with running(universe=path, time_scale=1.0) as client:
        yield Zendesk(client)


def minute_passes():
    time.sleep(70 / FAST + 0.02)


def test_a_ticket_has_the_recorded_keys_and_numbers_for_ids(account):
    tickets = {row["id"]: row for row in account.export()[0]}
    assert set(tickets) == {1, 2, 3, "T-4", 5}
    ticket = tickets[1]
    assert {"generated_timestamp", "fields", "custom_fields", "via", "raw_subject"} <= set(ticket)
    assert ticket["url"].startswith(account.base)
    assert ticket["fields"] == ticket["custom_fields"] == [{"id": 5, "value": "x"}]
    assert ticket["via"]["source"]["from"] == {"address": "ann@corp.example", "name": "Ann Lee"}
    assert ticket["organization_id"] == 42
    assert tickets[5]["status"] == "deleted"


def test_requesters_are_found_by_person_address_and_id_or_made(account):
    tickets = {row["id"]: row["requester_id"] for row in account.export()[0]}
    assert (tickets[1], tickets[2], tickets["T-4"]) == (7, 7, 8)
    made = account.get(f"/users/{tickets[3]}.json")["user"]
    assert (made["name"], made["email"], made["role"]) == ("Bo Ek", "bo@x.example", "end-user")
    truth = requests.get(account.control + "/truth", timeout=5).json()["records"]
    assert [one["person"] for one in truth if one["id"] == str(made["id"])] == ["p2"]
    assert "501" not in {one["id"] for one in truth}, "an agent is no record of a person"


def test_users_of_the_universe_are_agents(account):
    users = {row["id"]: row for row in account.export("users")[0]}
    assert users[501]["role"] == "agent"
    assert users[7]["role"] == "end-user"
    assert users[7]["organization_id"] == 42
    assert account.get("/users/me.json")["user"]["role"] == "admin"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_the_cursor_walks_through_all_without_repeating(account, size):
    ids = [row["id"] for row in account.export(size=size)[0]]
    assert len(ids) == len(set(ids)) == 5


def test_a_start_time_may_be_a_float_and_paths_need_no_json(account):
    page = account.get("/incremental/tickets/cursor", start_time="1735776000.0")
    assert [row["id"] for row in page["tickets"]] == ["T-4", 5]
    assert page["after_url"].startswith(f"{account.base}/api/v2/incremental/tickets/cursor?")
    assert account.get("/incremental/tickets/cursor/", start_time=0)["end_of_stream"] is True
    page = account.get("/incremental/tickets/cursor.json", start_time=0, exclude_deleted="true")
    assert 5 not in [row["id"] for row in page["tickets"]]


def test_the_link_leads_on(account):
    page = account.get("/incremental/users/cursor.json", start_time=0, per_page=1)
    second = account.session.get(page["after_url"], auth=account.auth, timeout=5).json()
    assert len(second["users"]) == 1
    assert second["users"] != page["users"]


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf"])
def test_a_start_time_that_is_none_is_refused(account, text):
    answer = account.call("/incremental/tickets/cursor.json", params={"start_time": text})
    assert answer.status_code == 400


def test_a_start_time_within_the_last_minute_is_refused(slow):
    recent = slow.world.clock.now().timestamp() - 30
    answer = slow.call("/incremental/tickets/cursor.json", params={"start_time": recent})
    assert (answer.status_code, answer.json()["error"]) == (400, "StartTimeTooRecent")


def test_a_broken_cursor_is_refused(account):
    for cursor in ("x", base64.b64encode(b"nothing").decode()):
        answer = account.call("/incremental/tickets/cursor.json", params={"cursor": cursor})
        assert answer.status_code == 400


def test_what_changed_within_the_last_minute_is_left_out(slow):
    made = slow.call("/tickets.json", "POST", json={"ticket": {"comment": {"body": "now"}}})
    assert made.status_code == 201
    id_ = made.json()["ticket"]["id"]
    assert id_ not in [row["id"] for row in slow.export()[0]]
    assert slow.get(f"/tickets/{id_}.json")["ticket"]["description"] == "now"


def test_a_change_comes_again_behind_the_cursor(account):
    _, cursor = account.export()
    account.call("/tickets/1.json", "PUT", json={"ticket": {"status": "solved"}})
    account.call("/tickets/2", "DELETE")
    minute_passes()
    rows, _ = account.export(cursor=cursor)
    assert {row["id"]: row["status"] for row in rows} == {1: "solved", 2: "deleted"}


def test_ten_exports_a_minute(slow):
    path, params = "/incremental/tickets/cursor.json", {"start_time": 0}
    answers = [slow.call(path, params=params) for _ in range(11)]
    assert [one.status_code for one in answers] == [200] * 10 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json()["error"] == "APIRateLimitExceeded"
    said = answers[0].headers["zendesk-ratelimit-incremental-exports-cursor"]
    assert said.startswith("total=10; remaining=9; resets=")
    assert slow.call("/users/me.json").headers["x-rate-limit"] == "200"


def test_two_hundred_requests_a_minute(slow):
    statuses = [slow.call("/tickets/count.json").status_code for _ in range(201)]
    assert statuses == [200] * 200 + [429]


def test_lists_by_cursor_and_by_number(account):
    first = account.get("/users.json", **{"page[size]": 2})
    assert first["meta"]["has_more"] is True
    rows, page = list(first["users"]), first
    while page["meta"]["has_more"]:
        url = page["links"]["next"]
        page = account.session.get(url, auth=account.auth, timeout=5).json()
        rows += page["users"]
    whole = account.get("/users")
    assert [row["id"] for row in rows] == [row["id"] for row in whole["users"]]
    assert whole["count"] == len(rows) == account.get("/users/count")["count"]["value"]
    second = account.get("/users.json", per_page=2, page=2)
    assert second["users"] == rows[2:4]
    assert second["previous_page"] is not None
    answer = account.call("/users.json", params={"per_page": 100, "page": 101})
    assert answer.status_code == 400


def test_sideloads(account):
    page = account.get(
        "/incremental/tickets/cursor.json", start_time=0, include="users,organizations"
    )
    assert {7, 8} <= {user["id"] for user in page["users"]}
    assert [one["name"] for one in page["organizations"]] == ["Corp"]


def test_organizations_by_time(account):
    page = account.get("/incremental/organizations.json", start_time=0)
    assert [one["id"] for one in page["organizations"]] == [42]
    assert page["end_of_stream"] is True
    assert page["next_page"].endswith(f"start_time={page['end_time']}")


def test_users_are_made_changed_merged_and_deleted(account):
    made = account.call("/users", "POST", json={"user": {"name": "Cy", "email": "cy@x.example"}})
    assert made.status_code == 201
    id_ = made.json()["user"]["id"]
    again = account.call("/users", "POST", json={"user": {"name": "Cy", "email": "CY@x.example"}})
    assert (again.status_code, again.json()["error"]) == (422, "RecordInvalid")
    account.call(f"/users/{id_}", "PUT", json={"user": {"phone": "+33123456789"}})
    assert account.get(f"/users/{id_}")["user"]["phone"] == "+33123456789"
    winner = account.call("/users/8/merge.json", "PUT", json={"user": {"id": 7}})
    assert winner.json()["user"]["id"] == 7
    assert account.call(f"/users/{id_}", "DELETE").json()["user"]["active"] is False
    minute_passes()
    users = {row["id"]: row["active"] for row in account.export("users")[0]}
    assert (users[8], users[7], users[id_]) == (False, True, False)
    assert not {8, id_} & {row["id"] for row in account.get("/users")["users"]}
    assert account.get("/tickets/T-4")["ticket"]["requester_id"] == 7


def test_a_merged_ticket_is_closed(account):
    event = {"op": "merge", "source": "zendesk", "stream": "tickets", "id": "1", "into": "2"}
    assert requests.post(account.control + "/events", json=event, timeout=5).status_code == 201
    ticket = account.get("/tickets/1")["ticket"]
    assert (ticket["status"], ticket["tags"]) == ("closed", ["closed_by_merge"])
    answer = account.call("/tickets/1", "PUT", json={"ticket": {"status": "open"}})
    assert answer.json()["details"]["status"][0]["description"].startswith("Status: closed")


def test_a_new_ticket_brings_its_requester(account):
    event = {"op": "create", "source": "zendesk", "stream": "tickets", "person": "p3",
             "values": {"subject": "Hi", "requester": {"name": "Di", "email": "di@x.example"}}}  # fmt: skip
    requests.post(account.control + "/events", json=event, timeout=5)

    def known():
        return [row for row in account.export("users")[0] if row["email"] == "di@x.example"]

    (user,) = wait_for(known)
    assert user["name"] == "Di"


@pytest.mark.parametrize(
    ("path", "method", "status", "error"),
    [
        ("/tickets/999.json", "GET", 404, "RecordNotFound"),
        ("/tickets/5.json", "GET", 404, "RecordNotFound"),
        ("/nothing.json", "GET", 404, "InvalidEndpoint"),
        ("/incremental/groups/cursor.json", "GET", 404, "InvalidEndpoint"),
        ("/tickets.json", "POST", 400, "Unparseable JSON"),
    ],
)
def test_errors(account, path, method, status, error):
    answer = account.call(path, method)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_credentials(account):
    email, token = account.credentials["email"], account.credentials["api_token"]
    url = f"{account.base}/api/v2/users/me.json"
    for auth, status in [
        ((f"{email.upper()}/token", token), 200),
        ((f"{email}/token", "wrong"), 401),
        ((email, token), 401),
        (None, 401),
    ]:
        answer = requests.get(url, auth=auth, timeout=5)
        assert answer.status_code == status
    assert answer.json() == {"error": "Couldn't authenticate you"}
    answer = requests.get(url, headers={"Authorization": f"bearer {token}"}, timeout=5)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "user_fields", "organization_fields", "ticket_fields", "ticket_forms", "groups", "macros",
        "group_memberships", "tags", "satisfaction_ratings", "brands", "slas/policies",
        "channels/voice/phone_numbers",
    ],
)  # fmt: skip
def test_what_this_account_has_none_of_is_an_empty_list(account, path):
    """Taps look at all of these, and an address that is not there ends them."""
    name = {"slas/policies": "sla_policies"}.get(path, path.rpartition("/")[2])
    page = account.get(f"/{path}.json")
    assert (page[name], page["next_page"], page["count"]) == ([], None, 0)
    assert account.get(f"/{path}", **{"page[size]": 5})["meta"]["has_more"] is False


def test_events_of_tickets_may_be_asked_for_up_to_this_second(account):
    now = int(account.world.clock.now().timestamp())
    page = account.get("/incremental/ticket_metric_events.json", start_time=now)
    assert page["ticket_metric_events"] == []


def test_a_start_time_is_its_leading_digits(account):
    page = account.get("/incremental/users/cursor.json", start_time="2020-01-01T00:00:00Z")
    assert {"7", "8"} <= {str(user["id"]) for user in page["users"]}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("type:ticket", {"1", "2", "3", "T-4"}),
        ("type:user ann@corp.example", {"7"}),
        ("type:user created<2001-01-01", set()),
        ("type:ticket created>=2025-01-02", {"T-4"}),
        ("type:user role:nobody", set()),
        ("corp type:organization", {"42"}),
    ],
)
def test_a_search_finds_by_type_time_and_word(account, query, ids):
    page = account.get("/search.json", query=query)
    found = {str(one["id"]) for one in page["results"]}
    assert found == ids
    assert page["count"] == len(page["results"])
    assert account.get("/search/count.json", query=query)["count"] == page["count"]


def test_a_search_has_pages_and_an_end(account):
    first = account.get("/search.json", query="type:ticket", per_page=3)
    second = account.session.get(first["next_page"], auth=account.auth, timeout=5).json()
    assert [len(first["results"]), len(second["results"])] == [3, 1]
    assert second["next_page"] is None
    assert account.call("/search.json", params={"query": "", "page": 11}).status_code == 422
