"""Recorded objects, file by file: the fields that the mapping of their stream must give."""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.mappings.engine import Normalized, NormalizeSettings, normalize
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.shipped import mappings

DATA = Path(__file__).parents[2] / "data"
SETTINGS = NormalizeSettings("US", datetime(2027, 1, 1, tzinfo=UTC))
Payload = dict[str, Any]


def mapped(stream: str, payloads: list[Payload]) -> Normalized:
    raws = [
        RawRecord(str(one.get("Id") or one.get("id") or n), Op.UPSERT, None, "", json.dumps(one).encode())
        for n, one in enumerate(payloads)
    ]  # fmt: skip
    return normalize(mappings()[stream], raws, {}, SETTINGS)


def held(name: str) -> Any:
    return json.loads((DATA / name).read_text("utf-8"))


def objects_in(node: Any, kind: str) -> Iterator[Payload]:
    """Yield the objects of Salesforce in an answer."""
    if isinstance(node, dict):
        attributes = node.get("attributes")
        if isinstance(attributes, dict) and attributes.get("type") == kind and node.get("Id"):
            yield node
        for one in node.values():
            yield from objects_in(one, kind)
    elif isinstance(node, list):
        for one in node:
            yield from objects_in(one, kind)


def choices(name: str, field: str) -> list[str]:
    """Return the values of a list that a recorded describe has."""
    for one in held(f"salesforce/describe_{name}.json")["interactions"]:
        body = one["response"]["body"]
        for known in body.get("fields", ()) if isinstance(body, dict) else ():
            if known["name"] == field:
                return [value["value"] for value in known["picklistValues"]]
    return []


ID = {"Lead": "00Q5g00000ABCDEAA5", "Account": "0015g00000ABCDEAA5", "Contact": "0035g00000ABCDEAA5", "Opportunity": "0065g00000ABCDEAA5"}  # fmt: skip
LISTS: Mapping[tuple[str, str, str], Mapping[str, Mapping[str, Any]]] = {
    ("Lead", "leads", "Status"): {
        "Open - Not Contacted": {"status": "New"},
        "Working - Contacted": {"status": "Working"},
        "Closed - Converted": {"status": "converted"},
        "Closed - Not Converted": {
            "status": "Unqualified", "unqualified_reason": "Closed - Not Converted",
        },
    },
    ("Lead", "leads", "Rating"): {
        "Hot": {"tags": ["hot"], "custom_fields.rating": "Hot"},
        "Warm": {"tags": None, "custom_fields.rating": "Warm"},
        "Cold": {"tags": None, "custom_fields.rating": "Cold"},
    },
    ("Account", "accounts", "Type"): {
        "Prospect": {"prospect_type": "current", "customer_type": None, "tags": None},
        "Customer - Direct": {"prospect_type": None, "customer_type": "current", "tags": None},
        "Customer - Channel": {"prospect_type": None, "customer_type": "current", "tags": None},
        "Channel Partner / Reseller": {
            "prospect_type": None, "customer_type": None, "tags": ["Channel Partner / Reseller"],
        },
        "Installation Partner": {
            "prospect_type": None, "customer_type": None, "tags": ["Installation Partner"],
        },
        "Technology Partner": {
            "prospect_type": None, "customer_type": None, "tags": ["Technology Partner"],
        },
        "Other": {"prospect_type": None, "customer_type": None, "tags": None},
    },
    ("Opportunity", "opportunities", "StageName"): {
        "Prospecting": {"stage": "Incoming"},
        "Qualification": {"stage": "Qualified"},
        "Needs Analysis": {"stage": "Qualified"},
        "Value Proposition": {"stage": "Qualified"},
        "Id. Decision Makers": {"stage": "Qualified"},
        "Perception Analysis": {"stage": "Qualified"},
        "Proposal/Price Quote": {"stage": "Quote"},
        "Negotiation/Review": {"stage": "Closure"},
        "Closed Won": {"stage": "Won"},
        "Closed Lost": {"stage": "Lost"},
    },
    ("Opportunity", "opportunities", "Type"): {
        one: {"custom_fields.deal_type": one}
        for one in ("Existing Customer - Upgrade", "Existing Customer - Replacement", "Existing Customer - Downgrade", "New Customer")
    },
    ("Contact", "contacts", "LeadSource"): {
        one: {"custom_fields.lead_source": one}
        for one in ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
    },
}  # fmt: skip
"""Object, stream, list of a recorded describe → its value → what the record has then."""
ALONE = {
    "Lead": {"LastName": "Roux", "Company": "Acme"},
    "Account": {"Name": "Acme"},
    "Contact": {"LastName": "Roux"},
    "Opportunity": {"Name": "One", "StageName": "Prospecting", "CloseDate": "2027-02-03"},
}


@pytest.mark.parametrize("of", LISTS, ids=lambda of: "-".join(of[::2]))
def test_each_value_of_a_described_list_becomes_what_the_table_says(
    of: tuple[str, str, str],
) -> None:
    name, stream, field = of
    assert choices(name, field) == list(LISTS[of])
    for value, wanted in LISTS[of].items():
        row = {**ALONE[name], "Id": ID[name], field: value}
        found = mapped(f"salesforce/{stream}", [row])
        assert (found.rejected, list(found.problems), dict(found.unknowns)) == ([], [], {}), value
        assert said(found.records[0].values, wanted) == wanted, value


def said(values: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return of the values those that are wanted; `custom_fields.x` is one of them."""
    customs = values.get("custom_fields") or {}
    return {
        name: customs.get(name.partition(".")[2]) if "." in name else values.get(name)
        for name in wanted
    }


FILES: Mapping[tuple[str, str], list[Mapping[str, Any]]] = {
    ("salesforce/swiftly_MockAccount.json", "salesforce/accounts"): [
        {
            "organization_name": "Alaska Center for Performing Arts", "customer_type": "current",
            "street": "621 West 6th Avenue", "city": "Anchorage", "state": "AK", "postal_code": "99501",
            "country": "US", "phone": "+19075551212", "created_at": "2021-04-08T18:39:16Z",
            "custom_fields.company_type": "Customer - Channel",
        },
    ],
    ("salesforce/datasets_e2e.json", "salesforce/accounts"): [
        {"organization_name": f"Account {n}", "customer_type": None} for n in (5, 1, 4, 0, 3, 2)
    ],
    ("salesforce/upsert_complex.json", "salesforce/contacts"): [
        {"first_name": first, "last_name": last, "organization_name": None}
        for first, last in (
            ("Lindsay", "Sitwell"), ("Audrey", "Cain"), ("Micheal", "Bernard"), ("Chloe", "Myers"),
            ("Rose", "Larson"), ("Brent", "Ali"), ("Julia", "Townsend"), ("Benjamin", "Cunningham"),
            ("Christy", "Stanton"), ("Sabrina", "Roberson"), ("Michael", "Bluth"), ("Javier", "Banks"),
            ("Gob", "Bluth"), ("Kaitlyn", "Rubio"), ("Jerry", "Eaton"), ("Gabrielle", "Vargas"),
        )
    ],
    ("hubspot/v3_mock_deals_data.json", "hubspot/deals"): [
        {
            "name": "With Atul", "value": "500", "stage": "Qualified", "created_at": "2023-02-24T03:01:01.147Z",
            "closed_at": None, "pipeline": None,
        },
        {
            "name": "Yodoo Deal (2021-11-25)", "value": "3233", "stage": "Qualified",
            "created_at": "2023-02-24T03:53:39.801Z",
        },
    ],
    ("hubspot/meetings_v3_paged.json", "hubspot/meetings"): [
        {"visited_at": "2021-04-20T16:16:13.48Z", "summary": "Event title\nThis is the description."},
        {"visited_at": "2021-04-20T15:45:00Z", "summary": "test 123"},
        {"visited_at": "2021-04-20T16:26:41.55Z", "created_at": "2021-04-20T15:26:41.558Z"},
    ],
    ("hubspot/meetings_v3_search.json", "hubspot/meetings"): [
        {"visited_at": "2022-10-26T14:30:00Z", "summary": "Hello World\nHello how are you doing today"},
    ],
    ("hubspot/v3_mock_companies_data.json", "hubspot/companies"): [
        {
            "organization_name": "Hubspot, Inc.", "domains": ["hubspot.com"], "website": "https://hubspot.com",
            "created_at": "2023-02-24T03:00:14.155Z",
        },
        {
            "organization_name": "U.S. Food and Drug Administration", "domains": ["fda.gov"],
            "website": "https://fda.gov", "created_at": "2023-02-24T03:25:40.027Z",
        },
    ],
}  # fmt: skip
"""File and stream → what its objects become, in their order."""
KIND = {"salesforce/accounts": "Account", "salesforce/contacts": "Contact"}


def results_in(body: Any) -> Iterator[Payload]:
    """Yield the objects of HubSpot in a page, or in recorded exchanges."""
    pages = [body] if "body" in body else [one["response"] for one in body["interactions"]]
    for page in pages:
        yield from page["body"].get("results", ())


@pytest.mark.parametrize("of", FILES, ids=lambda of: of[0])
def test_recorded_objects_become_what_the_table_says(of: tuple[str, str]) -> None:
    name, stream = of
    body = held(name)
    objects = objects_in(body, KIND[stream]) if stream in KIND else results_in(body)
    payloads = list({one.get("Id") or one["id"]: one for one in objects}.values())
    found = mapped(stream, payloads)
    assert (found.rejected, list(found.problems)) == ([], [])
    assert [said(r.values, w) for r, w in zip(found.records, FILES[of], strict=True)] == FILES[of]


def test_rows_of_companies_of_a_warehouse_are_companies_with_their_address() -> None:
    with (DATA / "hubspot/fivetran_company_data.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    payloads = [
        {
            "id": row["id"],
            "properties": {
                name.removeprefix("property_"): value or None
                for name, value in row.items()
                if name.startswith("property_")
            },
        }
        for row in rows
    ]
    found = mapped("hubspot/companies", payloads)
    named = [row for row in rows if row["property_name"]]
    assert len(found.records) == len(named)
    first = found.records[0].values
    wanted = {
        "organization_name": rows[0]["property_name"], "country": "US", "created_at": "2019-07-05T20:35:26Z",
        "custom_fields.annual_revenue": "10000000",
    }  # fmt: skip
    assert said(first, wanted) == wanted


def test_an_account_without_a_name_and_a_company_of_an_older_api_are_told_of() -> None:
    (nameless, *_) = objects_in(held("salesforce/upsert_complex.json"), "Account")
    refused = mapped("salesforce/accounts", [nameless])
    assert [one.reason for one in refused.problems] == ["neither a name nor a website"]
    body = held("hubspot/company_v2_create.json")["interactions"][0]["response"]["body"]
    old = mapped("hubspot/companies", [{**body, "id": str(body["companyId"])}])
    assert [one.reason for one in old.problems] == ["neither a name nor a domain"]
