"""A seeded org as independent clients read it: every object by REST and by Bulk API 2.0."""

import csv
import io
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from simple_salesforce.exceptions import SalesforceMalformedRequest

from hub.sandbox.clock import VendorClock
from hub.sandbox.orgs import generate_org
from hub.sandbox.salesforce.app import create_app
from hub.sandbox.salesforce.schema import load_objects
from hub.sandbox.universe import build_world, check_universe
from tests.unit.sandbox.test_salesforce_emulator import Sandbox, server  # noqa: F401  # a fixture
from tests.unit.sandbox.test_soql import SECRETS

LEADS = 60
_UNSELECTABLE = {"address", "base64"}


@pytest.fixture(scope="module")
def universe() -> dict[str, Any]:
    return generate_org(7, LEADS)


@pytest.fixture(scope="module")
def org(server: Any, universe: dict[str, Any]) -> Iterator[Any]:  # noqa: F811
    switch, url = server
    world = build_world(universe, VendorClock(time_scale=1_000))
    world.secrets |= SECRETS
    switch.app = create_app(world)
    box = Sandbox(world, switch.app, url)  # type: ignore[arg-type]  # the clock may run
    yield box
    box.session.close()


def rows(universe: dict[str, Any], stream: str) -> list[dict[str, Any]]:
    return [one for one in universe["records"] if one["stream"] == stream]


def test_an_org_is_the_same_for_the_same_seed_and_grows_with_one_number() -> None:
    one, again, bigger = generate_org(3, 40), generate_org(3, 40), generate_org(3, 400)
    assert one == again
    check_universe(one)
    counts = Counter(record["stream"] for record in bigger["records"])
    assert (counts["leads"], counts["accounts"], counts["contacts"]) == (400, 160, 480)
    assert (counts["opportunities"], counts["tasks"] + counts["events"]) == (200, 2_400)
    assert sum(bool(one["values"]["IsConverted"]) for one in rows(bigger, "leads")) == 32


def test_an_org_has_the_difficulties_of_a_migration(universe: dict[str, Any]) -> None:
    accounts = {one["id"]: one["values"] for one in rows(universe, "accounts")}
    contacts = {one["id"]: one["values"] for one in rows(universe, "contacts")}
    persons = [one for one in accounts.values() if one.get("IsPersonAccount")]
    assert persons
    assert all(contacts[one["PersonContactId"]]["IsPersonAccount"] for one in persons)
    circle = [one["id"] for one in universe["planted"] if one["kind"] == "circle"]
    assert {accounts[one]["ParentId"] for one in circle} == set(circle)
    converted = [one["values"] for one in rows(universe, "leads") if one["values"]["IsConverted"]]
    assert all(one["ConvertedContactId"] in contacts for one in converted)
    assert any(one.get("ConvertedOpportunityId") for one in converted)
    deals = [one["values"] for one in rows(universe, "opportunities")]
    assert {one["CurrencyIsoCode"] for one in deals} == {"EUR", "USD"}
    assert any(not one.get("ContactId") for one in deals)
    assert sum(not one["active"] for one in universe["users"]) == 3
    kinds = {one["kind"] for one in universe["planted"]}
    assert kinds == {"duplicate", "bad_email", "ambiguous_date", "circle"}


@pytest.mark.parametrize("name", [one.name for one in load_objects().values()])
def test_every_object_is_read_by_rest_and_by_bulk_with_the_same_values(
    org: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the client waits half a second before it asks; a second of the emulator is a millisecond
    monkeypatch.setattr("simple_salesforce.bulk2.sleep", lambda _: time.sleep(0.002))
    sf = org.login()
    fields = [
        one["name"]
        for one in sf.restful(f"sobjects/{name}/describe")["fields"]
        if one["type"] not in _UNSELECTABLE
    ]
    where = ""
    if name == "ContentDocumentLink":  # its queries must name documents
        notes = [one["Id"] for one in sf.query_all("SELECT Id FROM ContentNote")["records"]]
        where = f" WHERE ContentDocumentId IN ('{notes[0]}')"
    soql = f"SELECT {', '.join(fields)} FROM {name}{where}"
    rest = {one["Id"]: one for one in sf.query_all(soql, include_deleted=True)["records"]}
    pages = getattr(sf.bulk2, name).query_all(soql, max_records=50)
    bulk = {one["Id"]: one for page in pages for one in csv.DictReader(io.StringIO(page))}
    assert bulk.keys() == rest.keys()
    assert rest or name == "LeadStatus"
    for id_, row in bulk.items():
        empty = {key for key, text in row.items() if not text}
        assert empty == {key for key, value in rest[id_].items() if value in (None, "")}


def test_archived_activities_are_only_in_query_all(org: Any) -> None:
    sf = org.login()
    shown = sf.query("SELECT COUNT() FROM Task")["totalSize"]
    every = sf.query("SELECT COUNT() FROM Task", include_deleted=True)["totalSize"]
    archived = sf.query("SELECT COUNT() FROM Task WHERE IsArchived = true", include_deleted=True)[
        "totalSize"
    ]
    assert 0 < archived == every - shown


def test_group_by_counts_each_value(org: Any) -> None:
    sf = org.login()
    found = sf.query(
        "SELECT StageName, COUNT(Id) n, MAX(Amount) FROM Opportunity GROUP BY StageName"
    )
    counts = {one["StageName"]: one["n"] for one in found["records"]}
    deals = org.world.rows("salesforce", "opportunities")
    expected = Counter(one.values["StageName"] for one in deals)
    assert counts == expected
    for soql in (
        "SELECT Name, COUNT(Id) FROM Opportunity GROUP BY StageName",
        "SELECT Amount, COUNT(Id) FROM Opportunity GROUP BY Amount",
        "SELECT COUNT(Description) FROM Opportunity",
    ):
        with pytest.raises(SalesforceMalformedRequest):
            sf.query(soql)


def test_a_stage_decides_whether_a_deal_is_won(org: Any) -> None:
    sf = org.login()
    soql = "SELECT StageName, IsWon, IsClosed, Probability FROM Opportunity"
    for one in sf.query_all(soql)["records"]:
        assert one["IsWon"] is (one["StageName"] == "Closed Won")
        assert one["IsClosed"] is one["StageName"].startswith("Closed")


def test_a_change_of_stage_writes_the_history_of_the_deal(org: Any) -> None:
    sf = org.login()
    made = sf.Opportunity.create(
        {"Name": "New", "StageName": "Prospecting", "CloseDate": "2027-01-31", "Amount": 5}
    )["id"]
    sf.Opportunity.update(made, {"StageName": "Closed Won"})
    soql = f"SELECT StageName FROM OpportunityHistory WHERE OpportunityId = '{made}' ORDER BY Id"
    stages = [one["StageName"] for one in sf.query(soql)["records"]]
    assert stages == ["Prospecting", "Closed Won"]
    assert sf.Opportunity.get(made)["Fiscal"] == "2027 1"


def test_a_person_account_and_its_contact_are_one_record(org: Any) -> None:
    sf = org.login()
    found = sf.query("SELECT Id, PersonContactId FROM Account WHERE IsPersonAccount = true LIMIT 1")
    account = found["records"][0]
    sf.Account.update(account["Id"], {"PersonEmail": "moved@b.example"})
    assert sf.Contact.get(account["PersonContactId"])["Email"] == "moved@b.example"


def test_links_of_documents_need_a_filter_and_content_is_read_by_its_url(org: Any) -> None:
    sf = org.login()
    with pytest.raises(SalesforceMalformedRequest, match="Implementation restriction"):
        sf.query("SELECT Id FROM ContentDocumentLink")
    note = sf.query("SELECT Id, Content FROM ContentNote LIMIT 1")["records"][0]
    path = note["Content"].partition("/services/data/v59.0")[2]
    answer = org.call("GET", path)
    row = org.world.get("salesforce", "content_notes", note["Id"])
    assert answer.content == b64decode(row.values["Content"])


def test_fields_of_the_org_are_described_with_type_and_choices(org: Any) -> None:
    sf = org.login()
    fields = {one["name"]: one for one in sf.Lead.describe()["fields"]}
    assert fields["Segment__c"]["type"] == "picklist"
    choices = [one["value"] for one in fields["Segment__c"]["picklistValues"]]
    assert choices == ["SMB", "Mid-Market", "Enterprise"]
    assert fields["Budget__c"]["type"] == "currency"
    assert "CurrencyIsoCode" not in fields
