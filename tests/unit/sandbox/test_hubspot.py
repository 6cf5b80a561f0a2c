"""HubSpot as a client meets it, over HTTP: by hand, and through the vendor's own Python client."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from hubspot import HubSpot
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.contacts import PublicObjectSearchRequest

from hub.clock import FixedClock
from hub.sandbox.hubspot.app import create_app
from hub.sandbox.hubspot.limits import Quota
from hub.sandbox.hubspot.vendor import is_later, is_read
from hub.sandbox.server import Sandbox, SandboxOptions
from hub.sandbox.world import World
from tests.unit.sandbox.running import empty

pytestmark = pytest.mark.timeout(60)
CONTACTS = "/crm/v3/objects/contacts"


class Client:
    def __init__(self, sandbox):
        self.world = sandbox.world
        self.base = sandbox.url("hubspot")
        said = sandbox.announcement["vendors"]["hubspot"]
        self.token = said["credentials"]["token"]
        self.app = said["app"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"bearer {self.token}"

    def call(self, path, method="GET", **options):
        return self.session.request(method, self.base + path, timeout=5, **options)

    def find(self, *filters, path=CONTACTS, **body):
        groups = [{"filters": list(filters)}] if filters else []
        answer = self.call(f"{path}/search", "POST", json={"filterGroups": groups, **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sdk(self):
        return HubSpot(access_token=self.token, host=self.base, base_url=self.base)


@pytest.fixture
def client():
    with Sandbox(SandboxOptions(people=5, time_scale=5_000.0)) as sandbox:
        empty(sandbox, "hubspot")
        one = Client(sandbox)
        company = one.world.create("hubspot", "companies", {"name": "Acme", "domain": "a.example"})
        for n in range(12):
            values = {"firstname": "Person", "lastname": str(n), "email": f"p{n}@b.example"}
            if n < 2:
                values["associatedcompanyid"] = company.id
            one.world.create("hubspot", "contacts", {**values, "score": n, "vip": n == 3})
        one.ids = [row.id for row in one.world.rows("hubspot", "contacts")]
        one.company = company.id
        yield one
        one.session.close()


def filter_(name, operator, value=None, **more):
    return {"propertyName": name, "operator": operator, "value": value, **more}


@pytest.mark.parametrize(
    "path", [CONTACTS, "/crm/objects/2026-03/contacts", "/crm/v3/objects/0-1/"]
)
def test_a_list_is_walked_by_its_own_links(client, path):
    link, seen, pages = client.base + path + "?limit=5&archived=False", [], 0
    while link:
        body = client.session.get(link, timeout=5).json()
        seen += [one["id"] for one in body["results"]]
        link = body.get("paging", {}).get("next", {}).get("link")
        assert link is None or link.startswith(client.base)
        pages += 1
    assert (seen, pages) == (client.ids, 3)
    assert all(int(one) > 2**31 for one in seen)


@pytest.mark.parametrize(
    "query", ["properties=score,vip&properties=phone", "properties=score&properties=vip,phone"]
)
def test_every_value_is_a_text_or_null(client, query):
    record = client.call(f"{CONTACTS}/{client.ids[3]}?{query}").json()
    shown = record["properties"]
    assert (shown["score"], shown["vip"], shown["phone"]) == ("3", "true", None)
    assert shown["hs_object_id"] == record["id"]
    assert {*record} == {
        "id", "properties", "createdAt", "updatedAt", "archived", "url",
    }  # fmt: skip
    usual = client.call(f"{CONTACTS}?limit=1").json()["results"][0]["properties"]
    assert {*usual} == {
        "createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (filter_("email", "EQ", "P3@b.example"), [3]),
        (filter_("email", "NEQ", "p3@b.example"), [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]),
        (filter_("email", "IN", values=["p1@b.example", "p2@b.example"]), [1, 2]),
        (filter_("email", "NOT_IN", values=[f"p{n}@b.example" for n in range(10)]), [10, 11]),
        (filter_("associatedcompanyid", "HAS_PROPERTY"), [0, 1]),
        (filter_("phone", "HAS_PROPERTY"), []),
        (filter_("associatedcompanyid", "NOT_HAS_PROPERTY"), [*range(2, 12)]),
        (filter_("lastname", "CONTAINS_TOKEN", "1*"), [1, 10, 11]),
        (filter_("email", "NOT_CONTAINS_TOKEN", "*b.example"), []),
        (filter_("createdate", "GT", "1000"), [*range(12)]),
        (filter_("createdate", "LT", "2001-01-01T00:00:00Z"), []),
        (filter_("createdate", "BETWEEN", "1000", highValue="9999999999999"), [*range(12)]),
    ],
)
def test_operators(client, one, found):
    sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    body = client.find(one, limit=200, sorts=sorts)
    assert [one["id"] for one in body["results"]] == [client.ids[n] for n in found]
    assert body["total"] == len(found)
    assert "paging" not in body


def test_groups_are_alternatives_and_query_looks_into_names(client):
    groups = [{"filters": [filter_("lastname", "EQ", str(n))]} for n in (1, 4)]
    body = client.call(f"{CONTACTS}/search", "POST", json={"filterGroups": groups}).json()
    assert body["total"] == 2
    assert client.find(query="person 7")["total"] == 1


def test_a_search_pages_by_offset(client):
    body = client.find(limit=5, sorts=["-hs_object_id"])
    assert body["paging"] == {"next": {"after": "5"}}
    assert body["results"][0]["id"] == client.ids[-1]
    last = client.find(limit=5, after="10", sorts=["-hs_object_id"])
    assert (len(last["results"]), last["total"], "paging" in last) == (2, 12, False)


def test_ids_are_compared_as_numbers(client):
    rest = client.find(filter_("hs_object_id", "GT", "9"), limit=200)
    assert rest["total"] == 12
    after = client.find(filter_("hs_object_id", "GT", client.ids[9]), limit=200)
    assert [one["id"] for one in after["results"]] == client.ids[10:]


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": "9801"},
        {"limit": 1, "after": "10000"},
        {"limit": "x"},
        {"query": "x" * 3001},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [filter_("email", "EQ", "x")] * 11}]},
        {"filterGroups": [{"filters": [filter_("email", "EQ", "x")] * 6}] * 5},
        {"filterGroups": [{"filters": [filter_("nothing", "EQ", "x")]}]},
        {"filterGroups": [{"filters": [filter_("email", "LIKE", "x")]}]},
        {"filterGroups": [{"filters": [filter_("email", "EQ")]}]},
        {"filterGroups": [{"filters": [filter_("email", "IN", values=[])]}]},
        {"filterGroups": [{"filters": [filter_("createdate", "GT", "yesterday")]}]},
        {"filterGroups": [{}]},
        {"sorts": ["email", "lastname"]},
        {"sorts": ["nothing"]},
        {"properties": "email"},
        [],
    ],
)
def test_a_search_beyond_its_limits_is_refused(client, body):
    answer = client.call(f"{CONTACTS}/search", "POST", json=body)
    assert answer.status_code == 400
    said = answer.json()
    assert (said["status"], said["category"]) == ("error", "VALIDATION_ERROR")
    assert {"message", "correlationId"} <= {*said}


def test_what_is_deleted_is_in_the_archive_alone(client):
    assert client.call(f"{CONTACTS}/{client.ids[0]}", "DELETE").status_code == 204
    assert client.call(f"{CONTACTS}/{client.ids[0]}", "DELETE").status_code == 204
    assert client.call(f"{CONTACTS}/{client.ids[0]}").status_code == 404
    assert client.find(limit=100)["total"] == 11
    gone = client.call(f"{CONTACTS}?archived=true").json()["results"]
    assert [(one["id"], one["archived"]) for one in gone] == [(client.ids[0], True)]
    assert gone[0]["archivedAt"]
    assert client.call(f"{CONTACTS}/{client.ids[0]}?archived=True").status_code == 200
    purge = client.call(f"{CONTACTS}/gdpr-delete", "POST", json={"objectId": client.ids[1]})
    assert purge.status_code == 204
    assert len(client.call(f"{CONTACTS}?archived=true").json()["results"]) == 1


def test_a_merge_leaves_the_losers_ids_with_the_winner(client):
    first, second, third = client.ids[:3]
    for winner, loser in ((second, first), (third, second)):
        body = {"primaryObjectId": winner, "objectIdToMerge": loser}
        assert client.call(f"{CONTACTS}/merge", "POST", json=body).status_code == 200
    kept = client.call(f"{CONTACTS}/{third}?properties=hs_merged_object_ids").json()
    assert kept["properties"]["hs_merged_object_ids"] == f"{first};{second}"
    assert client.call(f"{CONTACTS}/{first}").status_code == 404
    assert client.call(f"{CONTACTS}?archived=true").json()["results"] == []
    again = client.call(
        f"{CONTACTS}/merge", "POST", json={"primaryObjectId": third, "objectIdToMerge": first}
    )
    assert again.status_code == 404


def test_writes_are_checked(client):
    def create(**properties):
        return client.call(CONTACTS, "POST", json={"properties": properties})

    created = create(email="new@b.example", lastname="New")
    assert created.status_code == 201
    name = created.json()["id"]
    assert create(email="NEW@b.example").json()["category"] == "CONFLICT"
    assert f"Existing ID: {name}" in create(email="new@b.example").json()["message"]
    for wrong, code in (
        ({"nothing": "x"}, "PROPERTY_DOESNT_EXIST"),
        ({"createdate": "1"}, "READ_ONLY_VALUE"),
        ({"email": "nobody"}, "INVALID_EMAIL"),
    ):
        answer = create(**wrong)
        assert answer.status_code == 400
        assert code in answer.json()["message"]
    body = {"properties": {"city": "Bourg", "lastname": ""}}
    changed = client.call(f"{CONTACTS}/new@b.example?idProperty=email", "PATCH", json=body).json()
    assert (changed["properties"]["city"], changed["properties"]["lastname"]) == ("Bourg", None)


def test_batches_answer_207_for_what_fails(client):
    def batch(verb, *inputs, **body):
        return client.call(f"{CONTACTS}/batch/{verb}", "POST", json={"inputs": [*inputs], **body})

    read = batch("read", {"id": client.ids[0]}, properties=["score"])
    assert read.status_code == 200
    assert read.json()["results"][0]["properties"]["score"] == "0"
    some = batch("read", {"id": client.ids[0]}, {"id": "1"})
    assert (some.status_code, some.json()["numErrors"]) == (207, 1)
    assert batch("create", {"properties": {"lastname": "x"}}).status_code == 201
    assert batch("update", {"id": client.ids[0], "properties": {"city": "x"}}).status_code == 200
    assert batch("read", *[{"id": "1"}] * 101).status_code == 400
    assert batch("archive", {"id": client.ids[0]}).status_code == 204


@pytest.mark.parametrize("family", ["/crm/v4/associations", "/crm/associations/2026-03"])
def test_associations_of_many(client, family):
    inputs = {"inputs": [{"id": one} for one in client.ids[:2]]}
    whole = client.call(f"{family}/contacts/companies/batch/read", "POST", json=inputs)
    assert whole.status_code == 200
    link = whole.json()["results"][0]
    assert link["from"] == {"id": client.ids[0]}
    assert link["to"][0]["toObjectId"] == int(client.company)
    inputs["inputs"].append({"id": client.ids[5]})
    partly = client.call(f"{family}/contact/company/batch/read", "POST", json=inputs)
    assert (partly.status_code, partly.json()["status"]) == (207, "COMPLETE")
    error = partly.json()["errors"][0]
    assert error["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert error["context"]["fromObjectId"] == [client.ids[5]]


def test_owners_are_the_users_and_who_left_is_archived(client):
    client.world.users.append(
        {"id": "gone", "name": "Jo Left", "email": "jo@b.example", "active": False,
         "ids": {"hubspot": "4711"}}
    )  # fmt: skip
    here = client.call("/crm/v3/owners/").json()["results"]
    assert here
    assert not any(one["archived"] for one in here)
    assert client.call("/crm/owners/2026-03?archived=True").json()["results"][-1]["id"] == "4711"
    page = client.call("/crm/v3/owners/?limit=1").json()
    assert page["paging"]["next"]["after"] == "1"
    mine = client.call(f"/crm/v3/owners/?email={here[0]['email']}").json()["results"]
    assert mine == here[:1]
    assert client.call(f"/crm/v3/owners/{here[0]['id']}").json() == here[0]


@pytest.mark.parametrize(
    ("header", "status", "category"),
    [
        ("", 401, "INVALID_AUTHENTICATION"),
        ("Bearer wrong", 401, "INVALID_AUTHENTICATION"),
        ("Bearer {token}.noscope", 403, "MISSING_SCOPES"),
    ],
)
def test_refused_tokens(client, header, status, category):
    headers = {"Authorization": header.format(token=client.token)}
    answer = requests.get(client.base + CONTACTS, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["category"]) == (status, category)


def test_unknown_paths_and_types_have_the_envelope(client):
    assert client.call("/crm/v3/nothing").json()["status"] == "error"
    assert client.call("/crm/v3/objects/unicorns").status_code == 400
    assert client.call("/crm/objects/latest/contacts").status_code == 404
    assert client.call("/crm/v3/properties/contacts/nothing").status_code == 404
    assert client.call(CONTACTS, "PUT").status_code == 405


def test_the_day_s_usage(client):
    answer = client.call("/account-info/v3/api-usage/daily/private-apps")
    one = answer.json()["results"][0]
    assert one["currentUsage"] == 1
    assert answer.headers["X-HubSpot-RateLimit-Daily-Remaining"] == str(one["usageLimit"] - 1)
    search = client.call(f"{CONTACTS}/search", "POST", json={})
    assert "X-HubSpot-RateLimit-Max" not in search.headers


def test_limits_by_the_vendor_s_clock():
    clock = FixedClock(datetime(2026, 11, 24, tzinfo=UTC))
    quota = Quota(clock)  # type: ignore[arg-type]

    def take(n, *, is_search=False):
        for _ in range(n):
            quota.take(is_search=is_search)

    take(5, is_search=True)
    with pytest.raises(Exception, match="secondly"):
        take(1, is_search=True)
    take(95)
    with pytest.raises(Exception, match="ten_secondly"):
        take(1)
    assert quota.headers()["X-HubSpot-RateLimit-Remaining"] == "0"
    clock.sleep(10)
    take(100)


def test_a_new_record_is_found_a_little_later():
    world = World()
    world.create("hubspot", "contacts", {"lastname": "x"})
    crm = create_app(world).state.account.crm
    from hub.sandbox.hubspot.objects import CONTACTS as KIND
    from hub.sandbox.hubspot.search import search

    assert search(crm, KIND, {})["total"] == 0
    early = world.clock.now() - timedelta(minutes=1)
    world.create("hubspot", "contacts", {"lastname": "y"}, at=early)
    assert search(crm, KIND, {})["total"] == 1


def test_what_reads_and_what_goes_on():
    assert is_read("POST", f"{CONTACTS}/search")
    assert is_read("POST", "/crm/v4/associations/contacts/companies/batch/read")
    assert not is_read("POST", f"{CONTACTS}/batch/update")
    assert not is_read("POST", CONTACTS)
    assert is_later(b'{"after": "10"}')
    assert is_later(
        b'{"filterGroups":[{"filters":[{"propertyName":"hs_object_id","operator":"GT"}]}]}'
    )
    assert not any(map(is_later, (b"", b"[]", b"{", b"{}")))


def test_the_vendor_s_own_client_is_content(client):
    sdk = client.sdk()
    everyone = sdk.crm.contacts.get_all(properties=["score", "vip"], archived=False)
    assert [one.id for one in everyone] == client.ids
    assert everyone[3].properties["vip"] == "true"
    found = sdk.crm.contacts.search_api.do_search(
        PublicObjectSearchRequest(
            filter_groups=[{"filters": [filter_("email", "EQ", "p3@b.example")]}], limit=1
        )
    )
    assert (found.total, found.results[0].id) == (1, client.ids[3])
    assert sdk.crm.owners.owners_api.get_page(archived=False).results
    names = {one.name for one in sdk.crm.properties.core_api.get_all("contacts").results}
    assert {"email", "hs_object_id", "score"} <= names
    links = sdk.crm.associations.v4.batch_api.get_page(
        "contacts",
        "companies",
        BatchInputPublicFetchAssociationsBatchRequest(
            inputs=[{"id": client.ids[0]}, {"id": client.ids[5]}]
        ),
    )
    assert (links.num_errors, len(links.results)) == (1, 1)
    created = sdk.crm.contacts.basic_api.create({"properties": {"email": "sdk@b.example"}})
    sdk.crm.contacts.basic_api.archive(created.id)
    assert [one.id for one in sdk.crm.contacts.get_all(archived=True)] == [created.id]


@pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token"])
def test_an_installed_app_gets_a_token_for_its_refresh_token(client, path):
    said = client.app
    form = {"grant_type": "refresh_token", **said}
    answer = requests.post(client.base + path, data=form, timeout=5)
    assert answer.json() == {
        "token_type": "bearer", "refresh_token": said["refresh_token"],
        "access_token": client.token, "expires_in": 1800,
    }  # fmt: skip
    for key in form:
        refused = requests.post(client.base + path, data={**form, key: "x"}, timeout=5)
        assert refused.status_code == 400
        assert refused.json()["status"].startswith("BAD_")


def test_old_paths_that_programs_ask_before_they_begin(client):
    assert client.call("/crm/v3/schemas").json() == {"results": []}
    listed = client.call("/properties/v2/company/properties").json()
    assert "domain" in {one["name"] for one in listed}
    assert client.call("/properties/v2/deal_split/properties").status_code == 400
