"""Mailchimp as a client meets it, over HTTP."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import mailchimp_marketing
import pytest
import requests
from mailchimp_marketing.api_client import ApiClientError

from tests.unit.sandbox.running import running

pytestmark = pytest.mark.timeout(60)


class Account:
    def __init__(self, client):
        self.client = client
        self.url = client.sandbox.url("mailchimp") + "/3.0"
        self.key = client.sandbox.announcement["vendors"]["mailchimp"]["credentials"]["api_key"]
        self.sdk = mailchimp_marketing.Client({"api_key": self.key})
        self.sdk.api_client.host = self.url
        self.list_id = self.sdk.lists.get_all_lists()["lists"][0]["id"]

    def call(self, path, method="GET", **options):
        return requests.request(
            method, self.url + path, timeout=5, **{"auth": ("any", self.key), **options}
        )

    def members(self, **params):
        return self.call(f"/lists/{self.list_id}/members", params=params).json()

    def add(self, email, **values):
        body = {"email_address": email, "status": "subscribed", **values}
        return self.call(f"/lists/{self.list_id}/members", "POST", json=body)


@pytest.fixture
def account():
    with running(people=1) as client:
        yield Account(client)


def emails(page):
    return [one["email_address"] for one in page["members"]]


def hash_of(email):
    return hashlib.md5(email.lower().encode()).hexdigest()


def test_the_sdk_is_content(account):
    assert account.sdk.ping.get() == {"health_status": "Everything's Chimpy!"}
    assert account.sdk.root.get_root()["account_name"] == "Acme"
    added = account.sdk.lists.add_list_member(
        account.list_id,
        {
            "email_address": "Ann@x.example",
            "status": "subscribed",
            "merge_fields": {"FNAME": "Ann"},
        },
    )
    assert added["id"] == hash_of("ann@x.example")
    assert added["merge_fields"]["LNAME"] == ""
    with pytest.raises(ApiClientError) as caught:
        account.sdk.lists.add_list_member(
            account.list_id, {"email_address": "ann@x.example", "status": "subscribed"}
        )
    assert "Member Exists" in caught.value.text
    tags = {"tags": [{"name": "hot", "status": "active"}]}
    account.sdk.lists.update_list_member_tags(account.list_id, added["id"], tags)
    listed = account.sdk.lists.get_list_members_info(account.list_id)
    assert [tag["name"] for tag in listed["members"][0]["tags"]] == ["hot"]
    assert listed["members"][0]["last_changed"] == added["last_changed"]
    fields = account.sdk.lists.get_list_merge_fields(account.list_id)["merge_fields"]
    assert {"FNAME", "LNAME", "ADDRESS", "PHONE"} <= {one["tag"] for one in fields}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "OAuth"])
def test_tokens_of_any_spelling(account, scheme):
    headers = {"Authorization": f"{scheme} {account.key}"}
    assert account.call("/ping", auth=None, headers=headers).status_code == 200


def test_a_wrong_key_is_a_problem(account):
    for auth in (None, ("any", "wrong")):
        answer = account.call("/ping", auth=auth)
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["title"].startswith("API Key")


def test_an_unknown_path_is_a_problem(account):
    assert account.call("/odd").json()["title"] == "Resource Not Found"
    assert account.call("/ping", "POST").status_code == 405
    assert account.call("/lists/odd/members").status_code == 404


def test_ten_members_unless_more_are_asked_for(account):
    body = {
        "members": [{"email_address": f"p{n}@x.example", "status": "subscribed"} for n in range(12)]
    }
    done = account.call(f"/lists/{account.list_id}", "POST", json=body).json()
    assert (done["total_created"], done["error_count"]) == (12, 0)
    again = account.call(f"/lists/{account.list_id}", "POST", json=body).json()
    assert (again["total_created"], again["error_count"]) == (0, 12)
    page = account.members()
    assert (len(page["members"]), page["total_items"]) == (10, 12)
    assert len(account.members(count=5000)["members"]) == 12
    assert len(account.members(count=10, offset=10)["members"]) == 2


def test_archived_members_come_only_on_request(account):
    account.add("a@x.example")
    gone = account.add("b@x.example").json()
    path = f"/lists/{account.list_id}/members/{gone['id']}"
    assert account.call(path, "DELETE").status_code == 204
    assert emails(account.members()) == ["a@x.example"]
    assert emails(account.members(status="archived")) == ["b@x.example"]
    assert account.call(path + "/actions/delete-permanent", "POST").status_code == 204
    assert account.members(status="archived")["members"] == []
    assert account.call(path).status_code == 404


def test_bounds_are_exclusive_and_an_unreadable_one_filters_nothing(account):
    at = account.add("a@x.example").json()["last_changed"]
    assert account.members(since_last_changed=at)["total_items"] == 0
    assert account.members(before_last_changed=at)["total_items"] == 0
    assert account.members(since_last_changed="2020-01-01T00:00:00+00:00")["total_items"] == 1
    assert account.members(since_last_changed="odd")["total_items"] == 1


def test_another_address_changes_id_and_keeps_contact_id(account):
    before = account.add("a@x.example").json()
    path = f"/lists/{account.list_id}/members/{before['id']}"
    after = account.call(path, "PATCH", json={"email_address": "B@x.example"}).json()
    assert after["id"] == hash_of("b@x.example") != before["id"]
    assert after["contact_id"] == before["contact_id"]
    assert after["unique_email_id"] == before["unique_email_id"]
    assert account.call(path).status_code == 404


def test_put_adds_and_changes(account):
    path = f"/lists/{account.list_id}/members/{hash_of('a@x.example')}"
    body = {"email_address": "a@x.example", "status_if_new": "pending"}
    assert account.call(path, "PUT", json=body).json()["status"] == "pending"
    body |= {"merge_fields": {"FNAME": "Ann"}, "status": "unsubscribed"}
    changed = account.call(path, "PUT", json=body).json()
    assert (changed["status"], changed["full_name"]) == ("unsubscribed", "Ann")
    assert changed["unsubscribe_reason"]


def test_fields_in_dot_notation(account):
    account.add("a@x.example")
    page = account.members(fields="members.email_address,members.merge_fields.FNAME,total_items")
    only = {"email_address": "a@x.example", "merge_fields": {"FNAME": ""}}
    assert page == {"members": [only], "total_items": 1}
    page = account.members(exclude_fields="members._links,_links,members.stats")
    assert "_links" not in page
    assert not {"_links", "stats"} & set(page["members"][0])


def test_sorted_by_last_change(account):
    for name in "abc":
        account.add(f"{name}@x.example")
    first = hash_of("a@x.example")
    account.call(f"/lists/{account.list_id}/members/{first}", "PATCH", json={"vip": True})
    assert emails(account.members(sort_field="last_changed", sort_dir="ASC"))[-1] == "a@x.example"
    assert emails(account.members(sort_field="last_changed", sort_dir="DESC"))[0] == "a@x.example"
    assert account.call(f"/lists/{account.list_id}/members?sort_field=odd").status_code == 400


def test_rows_name_more_lists(account):
    values = {"email_address": "z@x.example", "list_id": "abc", "merge_fields": {"SIZE": 3}}
    account.client.event(op="create", source="mailchimp", stream="members", values=values)
    lists = account.sdk.lists.get_all_lists()["lists"]
    assert [one["name"] for one in lists] == ["Newsletter", "abc"]
    member = account.call("/lists/abc/members").json()["members"][0]
    assert (member["list_id"], member["merge_fields"]["SIZE"]) == ("abc", 3)
    assert account.members()["total_items"] == 0


def test_a_hidden_member_is_counted(account):
    account.add("a@x.example")
    account.add("b@x.example")
    account.client.set_faults("hide_one:mailchimp/members")
    page = account.members()
    assert (len(page["members"]), page["total_items"]) == (1, 2)


def test_the_eleventh_connection_is_refused():
    with running(people=1, time_scale=1.0) as client:
        account = Account(client)
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda _: account.call("/ping"), range(80)))
    refused = [one for one in answers if one.status_code == 429]
    assert len(refused) >= 2
    assert {bool(one.content) for one in refused} == {True, False}
    assert all("retry-after" not in one.headers for one in refused)
    assert {one.status_code for one in answers} == {200, 429}


def test_a_list_says_whether_it_asks_for_a_confirmation(tmp_path):
    row = {"source": "mailchimp", "stream": "lists", "id": "l2", "person": None, "company": None}
    universe = {
        "version": 1, "seed": 1, "users": [], "companies": [], "people": [], "events": [],
        "records": [{**row, "at": "2026-01-01T00:00:00Z", "values": {"name": "Club", "double_optin": True}}],
    }  # fmt: skip
    file = tmp_path / "universe.json"
    file.write_text(json.dumps(universe))
    with running(universe=file) as client:
        account = Account(client)
        lists = {one["id"]: one["double_optin"] for one in account.call("/lists").json()["lists"]}
    assert lists.pop("l2") is True
    assert not any(lists.values())


def test_who_subscribes_again_has_a_new_time_of_opting_in():
    with running(people=40) as client:
        _subscribe_again(Account(client))


def _subscribe_again(account):
    now = account.members(count=50)["members"]
    old = next(one for one in now if one["status"] == "subscribed")
    path = f"/lists/{account.list_id}/members/{old['id']}"
    gone = account.call(path, "PATCH", json={"status": "unsubscribed"}).json()
    assert gone["timestamp_opt"] == old["timestamp_opt"]
    back = account.call(path, "PATCH", json={"status": "subscribed"}).json()
    assert back["timestamp_opt"] > old["timestamp_opt"]
