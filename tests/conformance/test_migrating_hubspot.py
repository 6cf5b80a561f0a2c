"""The promises of `Migrates`, for every object of a seeded HubSpot account."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.objects.calls import SimplePublicObjectInputForCreate
from hubspot.crm.properties import PropertyCreate

from hub.connectors.base import Cursor, Stream, Window
from hub.connectors.hubspot.kinds import KINDS, OBJECTS
from hub.connectors.hubspot.streams import HubspotConnector
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.sandbox.orgs import generate_hubspot
from tests.conformance.conftest import Vendor, running, settle, vendor_of

NAMES = list(KINDS)
SMALL = {"range_size": 25, "page_size": 7, "objects": NAMES}


@pytest.fixture(scope="module")
def universe() -> Mapping[str, Any]:
    return generate_hubspot(7, 80, now=datetime.now(UTC))


@pytest.fixture(scope="module")
def account(
    universe: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Any]]:
    path: Path = tmp_path_factory.mktemp("hubspot") / "universe.json"
    path.write_text(json.dumps(universe))
    with running("--universe", str(path)) as said:
        yield said


@pytest.fixture
def vendor(account: Mapping[str, Any], wire: Any) -> Vendor:
    return vendor_of("hubspot/contacts", account, wire)


def connector(vendor: Vendor, **settings: Any) -> HubspotConnector:
    one = vendor.connect(**settings)
    assert isinstance(one, HubspotConnector)
    return one


def stream(name: str) -> Stream:
    return next(each for each in OBJECTS if each.name == name)


def read_all(one: HubspotConnector, of: Stream, window: Window) -> list[RawRecord]:
    """Return what all ranges have; each is counted again, and has what was counted."""
    found = []
    for part in one.ranges(of, window):
        records = [each for page in one.read_range(of, window, part) for each in page.records]
        assert len(records) == one.count_range(of, window, part) == part.count_n
        found += records
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_record_is_in_one_range(
    vendor: Vendor, universe: Mapping[str, Any], name: str
) -> None:
    of, one = stream(name), connector(vendor, **SMALL)
    window = one.window(of, None)
    records = read_all(one, of, window)
    known = {each["id"]: each for each in universe["records"] if each["stream"] == name}
    assert Counter(each.source_id for each in records if each.source_id in known) == Counter(
        known.keys()
    )
    for each in records:
        if each.source_id in known:
            said = known[each.source_id]
            merged = bool(said.get("merged_into"))
            gone = Op.MERGE_INTO if merged else Op.DELETE
            assert each.op is (gone if said.get("deleted") else Op.UPSERT)
            assert each.into == said.get("merged_into")
    whole = connector(vendor, page_size=200, objects=NAMES)
    assert {e.source_id: e for e in read_all(whole, of, window)} == {
        e.source_id: e for e in records
    }


def test_an_interrupted_range_goes_on_after_its_last_page(vendor: Vendor) -> None:
    of, one = stream("contacts"), connector(vendor, page_size=9)
    window = one.window(of, None)
    part = one.ranges(of, window)[0]
    whole = [page.records for page in one.read_range(of, window, part)]
    assert len(whole) > 5
    read: list[Any] = []
    cursor: Cursor | None = None
    for _ in whole:  # each page by a new process
        page = next(connector(vendor, page_size=9).read_range(of, window, part, cursor))
        read.append(page.records)
        cursor = json.loads(json.dumps(page.cursor))
    assert read == whole
    assert not list(one.read_range(of, window, part, cursor))


@pytest.mark.parametrize("name", ["contacts", "deals", "calls"])
def test_a_sync_reads_what_a_migration_reads(vendor: Vendor, name: str) -> None:
    of, one = stream(name), connector(vendor, **SMALL)
    window = one.window(of, None)
    synced = {each.source_id: each for page in one.read(of, window) for each in page.records}
    assert synced == {each.source_id: each for each in read_all(one, of, window)}


def test_a_deal_has_its_contacts_with_labels_its_company_and_its_stages(
    vendor: Vendor, universe: Mapping[str, Any]
) -> None:
    of, one = stream("deals"), connector(vendor, **SMALL)
    records = {each.source_id: each for each in read_all(one, of, one.window(of, None))}
    for said in universe["records"]:
        if said["stream"] != "deals":
            continue
        payload = json.loads(records[said["id"]].payload)
        links = said["values"]["associations"]
        wanted = {(each["id"], each.get("label")) for each in links if each["to"] == "contacts"}
        given = payload["associations"].get("contacts", [])
        assert {(each["id"], each.get("label")) for each in given} == wanted
        company = next(each["id"] for each in links if each["to"] == "companies")
        assert payload["associations"]["companies"][0] == {"id": company, "isPrimary": True}
        assert payload["dealPipeline"]["label"] in ("Sales Pipeline", "Renewals")
        assert len(payload["stageHistory"]) == len(said["values"]["dealstage_history"])


def test_a_company_with_very_many_contacts_names_them_all(vendor: Vendor) -> None:
    of, one = stream("contacts"), connector(vendor, **SMALL)
    company = vendor.event("create", stream="companies", values={"name": "Large"})
    contacts = [
        vendor.event("create", values={"lastname": f"P{n}", "associatedcompanyid": company})
        for n in range(3)
    ]
    links = [{"to": "contacts", "id": each} for each in contacts]
    deal = vendor.event("create", stream="deals", values={"dealname": "All", "associations": links})
    settle()
    found = one.read_named(stream("deals"), [deal])[0]
    assert [e["id"] for e in json.loads(found.payload)["associations"]["contacts"]] == contacts
    assert {e.source_id for e in one.read_named(of, contacts)} == set(contacts)


def test_an_inventory_counts_fields_stages_and_owners(
    vendor: Vendor, universe: Mapping[str, Any]
) -> None:
    one = connector(vendor, **SMALL)
    of = stream("companies")
    found = one.inventory(of, one.window(of, None))
    own = [each["values"] for each in universe["records"] if each["stream"] == "companies"]
    assert found.count_n is not None
    assert found.count_n >= len(own)
    tier = next(each for each in found.fields if each.name == "tier")
    assert (tier.custom, tier.choices) == (True, ["Gold", "Silver"])
    assert tier.filled_n == sum(1 for each in own if each["tier"])
    counts = Counter(each["hubspot_owner_id"] for each in own)
    assert {each.id: each.records_n for each in found.owners} == counts


def test_the_official_client_reads_and_writes_them(account: Mapping[str, Any]) -> None:
    said = account["vendors"]["hubspot"]
    client = HubSpot(
        access_token=said["credentials"]["token"], host=said["url"], base_url=said["url"]
    )
    (first, *_) = client.crm.deals.get_all(properties=["dealname", "hs_is_closed"])
    assert first.properties["hs_is_closed"] in ("true", "false")
    pipelines = client.crm.pipelines.pipelines_api.get_all("deals").results
    assert [each.label for each in pipelines] == ["Sales Pipeline", "Renewals"]
    assert pipelines[1].stages[-1].metadata == {"isClosed": "true", "probability": "0.0"}
    made = PropertyCreate(
        name="shoe_size", label="Shoe size", type="number", field_type="number",
        group_name="contactinformation",
    )  # fmt: skip
    assert client.crm.properties.core_api.create("contacts", made).name == "shoe_size"
    contact = client.crm.contacts.basic_api.get_page(limit=1).results[0].id
    link = {
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194}],
        "to": {"id": contact},
    }
    values = {"hs_call_title": "By the client", "hs_timestamp": "2026-01-01T08:00:00Z"}
    wanted = SimplePublicObjectInputForCreate(properties=values, associations=[link])
    call = client.crm.objects.calls.basic_api.create(wanted).id
    asked = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": call}])
    answer = client.crm.associations.v4.batch_api.get_page("calls", "contacts", asked)
    assert [str(to.to_object_id) for one in answer.results for to in one.to] == [contact]
