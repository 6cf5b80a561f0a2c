"""The Salesforce emulator as simple-salesforce and a plain HTTP client see it, on a real socket."""

import csv
import io
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
import uvicorn
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.login import SalesforceLogin
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.sandbox.salesforce.app import create_app
from hub.sandbox.salesforce.limits import label
from hub.sandbox.salesforce.org import Org
from tests.unit.sandbox.test_soql import START, HandWorld, small_world

HOST = "acme.my.salesforce.com"


class Loopback(HTTPAdapter):
    """Sends https requests for any host to the emulator, Host header kept."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.target = urlsplit(url)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc
        request.url = urlunsplit(
            (self.target.scheme, self.target.netloc, parts.path, parts.query, "")
        )
        return super().send(request, *args, **kwargs)


class Sandbox:
    def __init__(self, world: HandWorld, app: Starlette, url: str) -> None:
        self.world, self.app, self.url = world, app, url
        self.org: Org = app.state.org
        self.session = requests.Session()
        self.session.mount("https://", Loopback(url))

    def login(self, **kwargs: Any) -> Any:
        credentials = {"consumer_key": "key", "consumer_secret": "secret", "domain": "acme.my"}
        return Salesforce(**{**credentials, **kwargs}, session=self.session)

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        headers = {
            "Authorization": f"Bearer {self.org.open_session()}",
            **kwargs.pop("headers", {}),
        }
        url = f"{self.url}/services/data/v59.0{path}"
        return requests.request(method, url, headers=headers, timeout=10, **kwargs)

    def add_leads(self, count: int) -> None:
        for n in range(count):
            values = {"LastName": f"Lead{n:04d}", "Company": "Many"}
            self.world.create("salesforce", "leads", values, at=START - timedelta(hours=1))


class Switch:
    """One server for the whole module; each test puts its own app behind it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Switch, str]]:
    switch = Switch()
    server = uvicorn.Server(uvicorn.Config(switch, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield switch, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def sandbox(server: tuple[Switch, str]) -> Iterator[Sandbox]:
    switch, url = server
    world = small_world()
    app = switch.app = create_app(world)
    box = Sandbox(world, app, url)
    yield box
    box.session.close()


def first_error(caught: pytest.ExceptionInfo[Any]) -> dict[str, Any]:
    """Return the first entry of the error list that the SDK keeps."""
    found: dict[str, Any] = caught.value.content[0]
    return found


def token_request(sandbox: Sandbox, **form: str) -> requests.Response:
    return requests.post(f"{sandbox.url}/services/oauth2/token", data=form, timeout=10)


# --- logging in ---------------------------------------------------------------------------------


def test_client_credentials_log_in_at_the_host_that_was_asked(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    assert sf.sf_instance == HOST
    assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] == 4


def test_token_answer_has_what_other_clients_read(sandbox: Sandbox) -> None:
    grant = {"grant_type": "client_credentials", "client_id": "key", "client_secret": "secret"}

    def chunks() -> Iterator[bytes]:
        yield b"grant_type=client_credentials&client_id=key"
        yield b"&client_secret=secret"

    answer = requests.Response()
    for body in (grant, chunks()):
        answer = requests.post(
            f"{sandbox.url}/services/oauth2/token",
            data=body,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=10,
        )
        assert answer.status_code == 200
        assert answer.json().keys() == {
            "access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at",
        }  # fmt: skip
        assert answer.json()["instance_url"] == sandbox.url
    identity = requests.get(
        answer.json()["id"],
        headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
        timeout=10,
    ).json()
    assert identity["user_id"] == sandbox.world.rows("salesforce", "users")[0].id


def test_password_grant_takes_the_password_with_or_without_the_token(sandbox: Sandbox) -> None:
    for password in ("pass&word", "pass&wordTOK"):
        sf = sandbox.login(username="hub@acme.example", password=password)
        assert sf.query("SELECT Id FROM User")["totalSize"] == 2


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "key"}, "invalid_client"),
        (
            {"grant_type": "client_credentials", "client_id": "x", "client_secret": "secret"},
            "invalid_client",
        ),
        (
            {
                "grant_type": "password",
                "client_id": "key",
                "client_secret": "secret",
                "username": "hub@acme.example",
                "password": "wrong",
            },
            "invalid_grant",
        ),
        ({"grant_type": "telepathy"}, "unsupported_grant_type"),
    ],
)
def test_refused_token_request_is_an_object(
    sandbox: Sandbox, form: dict[str, str], error: str
) -> None:
    answer = token_request(sandbox, **form)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == error


def test_wrong_secret_is_a_failed_login_for_the_sdk(sandbox: Sandbox) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        sandbox.login(consumer_secret="wrong")


def soap_login(sandbox: Sandbox, **kwargs: Any) -> Any:
    credentials = {
        "username": "hub@acme.example",
        "password": "pass&word",
        "security_token": "TOK",
        **kwargs,
    }
    return Salesforce(**credentials, session=sandbox.session)


def test_soap_login_opens_a_session(sandbox: Sandbox) -> None:
    sf = soap_login(sandbox)
    assert sf.sf_instance == "acme.my.salesforce.com"
    assert sf.query("SELECT Id FROM Lead")["totalSize"] == 4


@pytest.mark.parametrize("wsdl", ["u", "c"])
def test_both_wsdls_log_in_and_no_third(sandbox: Sandbox, wsdl: str) -> None:
    """The partner WSDL and the enterprise one, which salesforce-api uses."""
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><login>'
        "<username>hub@acme.example</username><password>pass&amp;word</password>"
        "</login></e:Body></e:Envelope>"
    )
    answer = requests.post(f"{sandbox.url}/services/Soap/{wsdl}/48.0", data=body, timeout=10)
    assert f"/services/Soap/{wsdl}/48.0/" in answer.text
    kind = {"u": "partner", "c": "enterprise"}[wsdl]
    assert f'xmlns="urn:{kind}.soap.sforce.com"' in answer.text
    assert requests.post(f"{sandbox.url}/services/Soap/x/48.0", timeout=10).status_code == 404


@pytest.mark.parametrize("host", ["login.salesforce.com", "test.salesforce.com"])
def test_who_logs_in_at_a_shared_host_is_sent_to_the_org(sandbox: Sandbox, host: str) -> None:
    answer = requests.post(
        f"{sandbox.url}/services/oauth2/token",
        data={"grant_type": "client_credentials", "client_id": "key", "client_secret": "secret"},
        headers={"Host": host},
        timeout=10,
    )
    instance = answer.json()["instance_url"]
    assert instance.partition("://")[2] == "acme.my.salesforce.com"


def test_soap_login_through_the_only_plain_http_argument(sandbox: Sandbox) -> None:
    session_id, instance = SalesforceLogin(
        username="hub@acme.example", password="pass&word", security_token="TOK",
        scratch_url=sandbox.url, session=requests.Session(),
    )  # fmt: skip
    assert session_id
    assert sandbox.url.endswith(instance)


def test_soap_login_is_refused_with_a_fault(sandbox: Sandbox) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        soap_login(sandbox, password="wrong")


@pytest.mark.parametrize("version", ["65.0", "67.0", "30.0"])
def test_soap_login_ends_with_version_64(sandbox: Sandbox, version: str) -> None:
    with pytest.raises(SalesforceAuthenticationFailed):
        soap_login(sandbox, version=version)


def test_path_prefix_of_a_domain_with_a_port_is_dropped(sandbox: Sandbox) -> None:
    answer = requests.post(
        f"{sandbox.url}/.salesforce.com/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("key", "secret"),
        timeout=10,
    )
    assert answer.status_code == 200


# --- sessions, versions, limits -----------------------------------------------------------------


def test_expired_token_is_renewed_once_by_the_sdk(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    sandbox.app.state.expire_tokens()
    assert sf.query("SELECT Id FROM Lead LIMIT 1")["totalSize"] == 1


def test_expired_session_answer_is_a_list(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/services/data/v59.0/query?q=SELECT+Id+FROM+Lead"
    for headers in ({}, {"Authorization": "Bearer gone"}, {"Authorization": "Basic eA=="}):
        answer = requests.get(url, headers=headers, timeout=10)
        assert answer.status_code == 401
        assert answer.json() == [
            {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
        ]


def test_idle_session_ends_after_two_hours(sandbox: Sandbox) -> None:
    sf: Any = Salesforce(
        session_id=sandbox.org.open_session(), instance=HOST, session=sandbox.session
    )
    sandbox.world.move(minutes=119)
    assert sf.query("SELECT Id FROM Lead LIMIT 1")["done"]
    sandbox.world.move(minutes=121)
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Lead LIMIT 1")


def test_token_scheme_may_be_lower_case_or_oauth(sandbox: Sandbox) -> None:
    token = sandbox.org.open_session()
    for scheme in ("bearer", "OAuth"):
        headers = {"Authorization": f"{scheme} {token}"}
        answer = requests.get(
            f"{sandbox.url}/services/data/v59.0/limits", headers=headers, timeout=10
        )
        assert answer.status_code == 200


def test_limit_header_is_the_plain_form_that_taps_match(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    sf.query("SELECT Id FROM Lead LIMIT 1")
    assert sf.api_usage["api-usage"].total == 15000
    header = sandbox.call("GET", "/limits").headers["Sforce-Limit-Info"]
    assert re.fullmatch(r"api-usage=2/15000", header)


def test_spent_budget_refuses_until_a_day_is_over(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    sandbox.org.daily_limit = 1
    assert sf.limits()["DailyApiRequests"] == {"Max": 1, "Remaining": 0}
    with pytest.raises(SalesforceRefusedRequest) as caught:
        sf.limits()
    assert first_error(caught)["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    sandbox.world.move(hours=24)
    sf = sandbox.login()
    assert sf.limits()["DailyApiRequests"]["Remaining"] == 0


def test_versions_and_resources(sandbox: Sandbox) -> None:
    versions = requests.get(f"{sandbox.url}/services/data/", timeout=10).json()
    assert {"label", "url", "version"} == versions[-1].keys()
    assert (label(52), label(59), label(67), label(68)) == (
        "Summer '21", "Winter '24", "Summer '26", "Winter '27",
    )  # fmt: skip
    assert sandbox.call("GET", "/").json()["sobjects"] == "/services/data/v59.0/sobjects"
    token = {"Authorization": f"Bearer {sandbox.org.open_session()}"}
    for version, status in (("v30.0", 410), ("v99.0", 404), ("59.0", 404)):
        url = f"{sandbox.url}/services/data/{version}/limits"
        assert requests.get(url, headers=token, timeout=10).status_code == status


def test_unknown_path_and_method_are_lists(sandbox: Sandbox) -> None:
    assert sandbox.call("GET", "/nowhere").json()[0]["errorCode"] == "NOT_FOUND"
    assert sandbox.call("PUT", "/limits").json()[0]["errorCode"] == "METHOD_NOT_ALLOWED"
    assert sandbox.call("GET", "/jobs/query//750x").status_code == 404


# --- queries ------------------------------------------------------------------------------------


def test_query_pages_by_locator_to_the_last_record(sandbox: Sandbox) -> None:
    sandbox.add_leads(4100)
    sf = sandbox.login()
    page = sf.query("SELECT Id FROM Lead")
    assert (page["totalSize"], page["done"], len(page["records"])) == (4104, False, 2000)
    assert re.fullmatch(r"/services/data/v59\.0/query/01g\w{15}-2000", page["nextRecordsUrl"])
    second = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
    last = sf.query_more(second["nextRecordsUrl"], identifier_is_url=True)
    assert last["done"]
    assert "nextRecordsUrl" not in last
    ids = {record["Id"] for one in (page, second, last) for record in one["records"]}
    assert len(ids) == 4104
    assert len(sf.query_all("SELECT Id FROM Lead")["records"]) == 4104


def test_page_size_follows_the_header(sandbox: Sandbox) -> None:
    sandbox.add_leads(500)
    for asked, given in (("200", 200), ("1", 200), ("450", 450), ("9999", 504)):
        page = sandbox.call(
            "GET",
            "/query",
            params={"q": "SELECT Id FROM Lead"},
            headers={"Sforce-Query-Options": f"batchSize={asked}"},
        ).json()
        assert len(page["records"]) == given


def test_locator_is_a_snapshot_and_shows_present_values(sandbox: Sandbox) -> None:
    sandbox.add_leads(2100)
    sf = sandbox.login()
    page = sf.query("SELECT Id, Title FROM Lead WHERE Company = 'Many' ORDER BY LastName")
    last = sandbox.world.rows("salesforce", "leads")[-1]
    sandbox.world.update("salesforce", "leads", last.id, {"LastName": "AAA", "Title": "New"})
    sandbox.add_leads(5)
    rest = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
    assert len(rest["records"]) == 100
    assert rest["records"][-1]["Title"] == "New"


def test_locator_keeps_deleted_records_of_query_all(sandbox: Sandbox) -> None:
    sandbox.add_leads(2100)
    for row in sandbox.world.rows("salesforce", "leads"):
        sandbox.world.delete("salesforce", "leads", row.id)
    sf = sandbox.login()
    assert sf.query("SELECT Id FROM Lead")["totalSize"] == 0
    page = sf.query("SELECT Id, IsDeleted FROM Lead", include_deleted=True)
    assert page["totalSize"] == 2105
    for kind in ("query", "queryAll"):
        path = page["nextRecordsUrl"].removeprefix("/services/data/v59.0")
        more = sandbox.call("GET", path.replace("/query/", f"/{kind}/")).json()
        assert all(record["IsDeleted"] for record in more["records"])


def test_locator_ends(sandbox: Sandbox) -> None:
    sandbox.add_leads(2100)
    sf = sandbox.login()
    query = "SELECT Id FROM Lead"

    def is_refused(page: Any) -> None:
        with pytest.raises(SalesforceMalformedRequest) as caught:
            sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
        assert first_error(caught)["errorCode"] == "INVALID_QUERY_LOCATOR"

    page = sf.query(query)
    sandbox.world.move(days=2, seconds=1)
    is_refused(page)
    page = sf.query(query)
    sandbox.app.state.expire_locators()
    is_refused(page)
    page = sf.query(query)
    for _ in range(10):
        sf.query(query)
    is_refused(page)
    is_refused({"nextRecordsUrl": "/services/data/v59.0/query/01gNONSENSE-2000"})


def test_counts_have_their_own_shapes(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    assert dict(sf.query("SELECT COUNT() FROM Lead")) == {
        "totalSize": 4, "done": True, "records": [],
    }  # fmt: skip
    assert sf.query("select count(Id) from Lead")["records"] == [
        {"attributes": {"type": "AggregateResult"}, "expr0": 4}
    ]


def test_hidden_record_is_missing_from_pages_but_not_from_counts(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    row = sandbox.world.rows("salesforce", "leads")[0]
    sandbox.world.hidden = {row.id}
    page = sf.query("SELECT Id FROM Lead")
    assert (page["totalSize"], len(page["records"])) == (4, 3)
    assert len(sf.query(f"SELECT Id FROM Lead WHERE Id = '{row.id}'")["records"]) == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELEC", "MALFORMED_QUERY"),
        ("SELECT Nope FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
    ],
)
def test_refused_query_is_a_400_list(sandbox: Sandbox, query: str, code: str) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sandbox.login().query(query)
    assert first_error(caught)["errorCode"] == code


def test_plus_of_a_time_zone_survives_the_url(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    query = "SELECT Id FROM Lead WHERE SystemModstamp >= 2026-11-23T20:59:00.000+0000"
    assert sf.query(query)["totalSize"] == 1


# --- describe -----------------------------------------------------------------------------------


def test_describe_has_what_generic_readers_need(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    assert {one["name"] for one in sf.describe()["sobjects"]} == {
        "Account", "AccountContactRelation", "Attachment", "Campaign", "CampaignMember", "Contact",
        "ContentDocumentLink", "ContentNote", "ContentVersion", "Contract", "Event", "EventRelation",
        "Group", "Lead", "LeadStatus", "Note", "Opportunity", "OpportunityContactRole",
        "OpportunityHistory", "OpportunityLineItem", "OpportunityStage", "Product2", "QueueSobject",
        "RecordType", "Task", "User",
    }  # fmt: skip
    lead = sf.Lead.describe()
    fields = {one["name"]: one for one in lead["fields"]}
    assert lead["keyPrefix"] == "00Q"
    assert fields["Street"]["compoundFieldName"] == "Address"
    assert fields["OwnerId"]["referenceTo"] == ["Group", "User"]
    assert fields["OwnerId"]["relationshipName"] == "Owner"
    assert fields["SystemModstamp"]["filterable"] is True
    assert fields["Description"]["filterable"] is False
    assert [one["value"] for one in fields["Rating"]["picklistValues"]] == ["Hot", "Warm", "Cold"]
    assert fields["Score__c"]["custom"] is True
    assert fields["Score__c"]["type"] == "double"
    names = [name for name, one in fields.items() if one["type"] != "address"]
    assert sf.query(f"SELECT {', '.join(names)} FROM Lead")["totalSize"] == 4
    assert len(sf.User.describe()["fields"]) > 30


def test_unknown_object_is_not_found(sandbox: Sandbox) -> None:
    with pytest.raises(SalesforceResourceNotFound):
        sandbox.login().Nope.describe()


# --- records ------------------------------------------------------------------------------------


def test_record_is_created_read_changed_and_deleted(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    made = sf.Lead.create({"LastName": "New", "company": "Born", "Email": "n@acme.example"})
    assert made == {"id": made["id"], "success": True, "errors": []}
    record = sf.Lead.get(made["id"][:15])
    assert record["Id"] == made["id"]
    assert record["Status"] == "Open - Not Contacted"
    assert record["CreatedDate"] == "2026-11-23T21:00:00.000+0000"
    sandbox.world.move(seconds=5)
    assert sf.Lead.update(made["id"], {"Title": "CTO"}) == 204
    assert sf.Lead.get(made["id"])["SystemModstamp"] == "2026-11-23T21:00:05.000+0000"
    assert sf.Lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Lead.get(made["id"])
    with pytest.raises(SalesforceResourceNotFound) as caught:
        sf.Lead.delete(made["id"])
    assert first_error(caught)["errorCode"] == "ENTITY_IS_DELETED"


@pytest.mark.parametrize(
    ("values", "code", "fields"),
    [
        ({"LastName": "X"}, "REQUIRED_FIELD_MISSING", ["Company"]),
        ({"LastName": "X", "Company": "Y", "foo": 1}, "INVALID_FIELD", None),
        ({"LastName": "X", "Company": "Y", "Email": "no"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({"LastName": "X" * 81, "Company": "Y"}, "STRING_TOO_LONG", ["LastName"]),
        (
            {"LastName": "X", "Company": "Y", "CreatedDate": "2026-01-01T00:00:00Z"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            ["CreatedDate"],
        ),
    ],
)
def test_bad_values_are_refused(
    sandbox: Sandbox, values: dict[str, Any], code: str, fields: list[str] | None
) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sandbox.login().Lead.create(values)
    assert first_error(caught)["errorCode"] == code
    assert first_error(caught).get("fields") == fields


def test_updated_and_deleted_cover_a_span(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    start, end = START - timedelta(minutes=2), START + timedelta(minutes=5)
    changed = sf.Lead.updated(start, end)
    assert len(changed["ids"]) == 2
    assert changed["latestDateCovered"] == "2026-11-23T21:00:00.000+0000"
    gone = sf.Lead.deleted(start, end)
    assert gone.keys() == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}
    assert gone["deletedRecords"][0]["deletedDate"] == "2026-11-23T21:00:00.000+0000"
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_REPLICATION_DATE"):
        sf.Lead.updated(datetime(2026, 1, 1, tzinfo=UTC), end)


def test_collections_answer_in_order_with_single_failures(sandbox: Sandbox) -> None:
    records = [
        {"attributes": {"type": "Lead"}, "LastName": "One", "Company": "C"},
        {"attributes": {"type": "Lead"}, "LastName": "Two"},
        {"attributes": {"type": "Nope"}, "LastName": "Three"},
    ]
    body = {"allOrNone": False, "records": records}
    answer = sandbox.call("POST", "/composite/sobjects", json=body)
    assert answer.status_code == 200
    one, two, three = answer.json()
    assert one == {"id": one["id"], "success": True, "errors": []}
    assert two["errors"] == [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [Company]",
            "fields": ["Company"],
        }
    ]
    assert three["errors"][0]["statusCode"] == "INVALID_TYPE"
    changes = [{"attributes": {"type": "Lead"}, "id": one["id"], "Title": "T"}]
    assert sandbox.call("PATCH", "/composite/sobjects", json={"records": changes}).json()[0][
        "success"
    ]
    params = {"ids": f"{one['id']},00Q000000000000", "fields": "Id,Title"}
    read = sandbox.call("GET", "/composite/sobjects/Lead", params=params).json()
    assert (read[0]["Title"], read[1]) == ("T", None)
    assert sandbox.call("DELETE", "/composite/sobjects", params={"ids": one["id"]}).json()[0][
        "success"
    ]
    too_many = {"records": records * 67}
    assert sandbox.call("POST", "/composite/sobjects", json=too_many).status_code == 400


def merge_request(session_id: str, master: str, *losers: str, extra: str = "") -> str:
    merged = "".join(f"<recordToMergeIds>{one}</recordToMergeIds>" for one in losers)
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns="urn:partner.soap.sforce.com"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Header><SessionHeader>'
        f"<sessionId>{session_id}</sessionId></SessionHeader></e:Header><e:Body><merge><request>"
        f'<masterRecord xsi:type="sObject"><type>Lead</type><Id>{master}</Id>{extra}'
        f"</masterRecord>{merged}</request></merge></e:Body></e:Envelope>"
    )


def test_merge_leaves_the_loser_deleted_with_its_master(sandbox: Sandbox) -> None:
    sf = sandbox.login()
    master, loser, *_ = (row.id for row in sandbox.world.rows("salesforce", "leads"))
    url = f"{sandbox.url}/services/Soap/u/67.0"
    body = merge_request(sf.session_id, master, loser, extra="<Title>Kept</Title>")
    answer = requests.post(url, data=body, headers={"SOAPAction": "merge"}, timeout=10)
    assert answer.status_code == 200
    assert f"<mergedRecordIds>{loser}</mergedRecordIds><success>true" in answer.text
    query = f"SELECT IsDeleted, MasterRecordId FROM Lead WHERE Id = '{loser}'"
    record = sf.query(query, include_deleted=True)["records"][0]
    assert (record["IsDeleted"], record["MasterRecordId"]) == (True, master)
    assert sf.Lead.get(master)["Title"] == "Kept"
    again = requests.post(url, data=body, timeout=10)
    assert "<statusCode>ENTITY_IS_DELETED</statusCode>" in again.text
    refused = requests.post(url, data=merge_request("gone", master, loser), timeout=10)
    assert refused.status_code == 500
    assert "INVALID_SESSION_ID" in refused.text


@pytest.mark.parametrize(
    "body", ["", "<x", "<x/>", "<!DOCTYPE x><x/>", "<e><Body><odd/></Body></e>"]
)
def test_broken_soap_is_a_fault(sandbox: Sandbox, body: str) -> None:
    answer = requests.post(f"{sandbox.url}/services/Soap/u/59.0", data=body, timeout=10)
    assert answer.status_code == 500
    assert "<sf:exceptionCode>" in answer.text


# --- bulk ---------------------------------------------------------------------------------------


def start_job(sandbox: Sandbox, query: str, **options: str) -> str:
    body = {"operation": "query", "query": query, **options}
    answer = sandbox.call("POST", "/jobs/query", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_sdk_reads_a_bulk_job_page_by_page(sandbox: Sandbox) -> None:
    sandbox.add_leads(25)
    sf = sandbox.login()
    sandbox.world.clock.time_scale = 5
    pages = list(
        sf.bulk2.Lead.query("SELECT Id, Owner.Name, FirstName FROM Lead", max_records=10, wait=0.3)
    )
    assert [page.splitlines()[0] for page in pages] == ['"Id","Owner.Name","FirstName"'] * 3
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page))]
    assert len({row["Id"] for row in rows}) == 29
    assert [row["Id"] for row in rows] != sorted(row["Id"] for row in rows)


def test_bulk_job_goes_through_its_states(sandbox: Sandbox) -> None:
    query = "SELECT Id, SystemModstamp, DoNotCall, AnnualRevenue FROM Lead ORDER BY LastName"
    job = start_job(sandbox, query)
    path = f"/jobs/query/{job}"
    states: list[str] = []
    info: dict[str, Any] = {}
    for _ in range(3):
        info = sandbox.call("GET", path).json()
        states.append(info["state"])
        sandbox.world.move(seconds=0.6)
    assert states == ["UploadComplete", "InProgress", "JobComplete"]
    assert job.startswith("750")
    assert info["apiVersion"] == 59.0
    assert (info["object"], info["numberRecordsProcessed"]) == ("Lead", 4)
    answer = sandbox.call("GET", f"{path}/results", params={"maxRecords": 3})
    assert answer.headers["Sforce-NumberOfRecords"] == "3"
    assert answer.text.splitlines()[1].split(",")[1:] == [
        '"2026-11-23T20:56:00.000Z"', '"false"', '"10.5"',
    ]  # fmt: skip
    params = {"maxRecords": "3", "locator": answer.headers["Sforce-Locator"]}
    for _ in range(2):  # a locator can be read again
        last = sandbox.call("GET", f"{path}/results", params=params)
        assert (last.headers["Sforce-Locator"], last.headers["Sforce-NumberOfRecords"]) == (
            "null", "1",
        )  # fmt: skip
    other = requests.get(
        f"{sandbox.url}/services/data/v60.0{path}/results",
        headers={"Authorization": f"Bearer {sandbox.org.open_session()}"},
        timeout=10,
    )
    assert other.status_code == 409
    pages = sandbox.call("GET", f"{path}/resultPages", params={"maxRecords": 1}).json()
    assert len(pages["resultPages"]) == 4
    assert sandbox.call("DELETE", path).status_code == 204
    assert sandbox.call("GET", path).status_code == 404


def test_bulk_csv_takes_delimiter_and_line_ending(sandbox: Sandbox) -> None:
    query = "SELECT LastName, FirstName FROM Lead WHERE LastName = 'Alpha'"
    for delimiter, sign in (("SEMICOLON", ";"), ("TAB", "\t"), ("PIPE", "|")):
        job = start_job(sandbox, query, columnDelimiter=delimiter, lineEnding="CRLF")
        sandbox.world.move(seconds=2)
        answer = sandbox.call("GET", f"/jobs/query/{job}/results")
        assert answer.content.decode() == (f'"LastName"{sign}"FirstName"\r\n"Alpha"{sign}"Zoë"\r\n')


def test_bulk_query_all_and_empty_results(sandbox: Sandbox) -> None:
    query = "SELECT Id FROM Lead WHERE IsDeleted = true"
    for operation, count in (("query", "0"), ("queryAll", "1")):
        job = start_job(sandbox, query, operation=operation)
        sandbox.world.move(seconds=2)
        answer = sandbox.call("GET", f"/jobs/query/{job}/results")
        assert answer.headers["Sforce-NumberOfRecords"] == count
        assert answer.headers["Sforce-Locator"] == "null"


def test_bulk_job_can_be_aborted_and_its_results_wait(sandbox: Sandbox) -> None:
    job = start_job(sandbox, "SELECT Id FROM Lead")
    path = f"/jobs/query/{job}"
    assert sandbox.call("GET", f"{path}/results").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert sandbox.call("DELETE", path).status_code == 400
    answer = sandbox.call("PATCH", path, json={"state": "Aborted"})
    assert answer.json()["state"] == "Aborted"
    assert len(sandbox.call("GET", "/jobs/query").json()["records"]) == 1
    assert sandbox.call("DELETE", path).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "insert", "query": "SELECT Id FROM Lead"},
        {"operation": "query", "query": "SELECT Address FROM Lead"},
        {"operation": "query", "query": "SELECT COUNT(Id) FROM Lead"},
        {"operation": "query", "query": "SELECT Id FROM Lead LIMIT 1 OFFSET 1"},
        {"operation": "query", "query": "SELECT Nope FROM Lead"},
        {"operation": "query", "query": "SELECT Id FROM Lead", "columnDelimiter": "DOT"},
        {"operation": "query"},
    ],
)
def test_bulk_refuses_what_it_cannot_do(sandbox: Sandbox, body: dict[str, str]) -> None:
    assert sandbox.call("POST", "/jobs/query", json=body).status_code == 400


# --- formulas -----------------------------------------------------------------------------------


def test_a_formula_is_calculated_and_moves_no_time(sandbox: Sandbox) -> None:
    sandbox.world.make_silent("salesforce", "leads", "Tier__c")
    row = sandbox.world.create("salesforce", "leads", {"LastName": "Lovelace", "Tier__c": "Bronze"})
    fields = sandbox.call("GET", "/sobjects/Lead/describe").json()["fields"]
    (told,) = [one for one in fields if one["name"] == "Tier__c"]
    assert (told["calculated"], told["createable"], told["updateable"]) == (True, False, False)
    path = f"/sobjects/Lead/{row.id}"
    before = sandbox.call("GET", path).json()
    sandbox.world.move(minutes=5)
    sandbox.world.update("salesforce", "leads", row.id, {"Tier__c": "Gold"})
    assert sandbox.call("GET", path).json() == {**before, "Tier__c": "Gold"}
    refused = sandbox.call("PATCH", path, json={"Tier__c": "Silver"})
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    sandbox.world.update("salesforce", "leads", row.id, {"Tier__c": "Lead", "City": "Paris"})
    after = sandbox.call("GET", path).json()
    assert after["SystemModstamp"] > before["SystemModstamp"]


# --- long queries -------------------------------------------------------------------------------


def test_an_address_or_headers_beyond_the_limit_are_refused_by_the_web_server(
    sandbox: Sandbox,
) -> None:
    name = "x" * 16_000
    answer = sandbox.call("GET", "/query", params={"q": "SELECT Id FROM Lead " + " " * 16_400})
    assert (answer.status_code, "URI Too Long" in answer.text) == (414, True)
    answer = sandbox.call("GET", "/query", params={"q": name}, headers={"X-Long": "y" * 600})
    assert answer.status_code == 431
    assert "Request Header Fields Too Large" in answer.text
    answer = sandbox.call("GET", "/query", params={"q": name})
    assert answer.json()[0]["errorCode"] == "MALFORMED_QUERY"


def composite(sandbox: Sandbox, *urls: str, method: str = "GET") -> Any:
    asked = [{"method": method, "url": url, "referenceId": f"r{n}"} for n, url in enumerate(urls)]
    return sandbox.call("POST", "/composite", json={"compositeRequest": asked})


def test_a_composite_request_holds_a_query_that_no_address_does(sandbox: Sandbox) -> None:
    sandbox.add_leads(2500)
    fill = "+" * 50_000
    before = sandbox.org.used_n
    answer = composite(sandbox, f"/services/data/v59.0/queryAll/?q=SELECT{fill}Id+FROM+Lead")
    assert answer.status_code == 200
    assert sandbox.org.used_n == before + 1
    (result,) = answer.json()["compositeResponse"]
    assert (result["httpStatusCode"], result["referenceId"]) == (200, "r0")
    page = result["body"]
    assert len(page["records"]) == 2000
    assert not page["done"]
    rest = composite(sandbox, page["nextRecordsUrl"]).json()["compositeResponse"][0]["body"]
    assert len(rest["records"]) == page["totalSize"] - 2000
    more = sandbox.call("GET", page["nextRecordsUrl"].removeprefix("/services/data/v59.0")).json()
    assert more["records"] == rest["records"]


def test_a_refused_subrequest_has_its_own_status(sandbox: Sandbox) -> None:
    long = "/services/data/v59.0/query?q=SELECT+Id+FROM+Lead" + "+" * 100_000
    bad = "/services/data/v59.0/query?q=SELECT+Nope+FROM+Lead"
    answer = composite(sandbox, long, bad, "/services/data/v59.0/sobjects/Foo")
    found = answer.json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in found] == [400, 400, 404]
    codes = [one["body"][0]["errorCode"] for one in found]
    assert codes == ["MALFORMED_QUERY", "INVALID_FIELD", "NOT_FOUND"]
    (wrote,) = composite(sandbox, bad, method="POST").json()["compositeResponse"]
    assert wrote["httpStatusCode"] == 405


@pytest.mark.parametrize(
    "asked",
    [
        None,
        [],
        [{"method": "GET", "url": "/services/data/v59.0/query?q=x"}],
        [{"method": "GET", "url": "x", "referenceId": "same"}] * 2,
        [{"method": "GET", "url": "x", "referenceId": f"r{n}"} for n in range(6)],
    ],
)
def test_a_composite_request_of_another_shape_is_refused(sandbox: Sandbox, asked: object) -> None:
    assert sandbox.call("POST", "/composite", json={"compositeRequest": asked}).status_code == 400
