"""docs/recorded.md is true: what it says of a recording is in the recording."""

import csv
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests/data"
PAGE = (ROOT / "docs/recorded.md").read_text()
LESSONS = "".join(line for line in PAGE.splitlines(keepends=True) if not line.startswith("|"))
"""Without the table, whose rows are held by the tests of the mappings."""
NAMED = sorted(
    set(re.findall(r"`((?:salesforce|hubspot|mailchimp|typeform|zendesk)/\w+\.[\w.]+)`", LESSONS))
)


def held(name):
    found = json.loads((DATA / name).read_bytes())
    return (
        found["body"]
        if isinstance(found, dict) and "_provenance" in found and "body" in found
        else found
    )


def rows(name):
    return csv.DictReader((DATA / name).read_text().splitlines())


def answers(name):
    return [one["response"] for one in held(name)["interactions"]]


def asked(name):
    return [
        one["request"].get("uri") or one["request"]["url"] for one in held(name)["interactions"]
    ]


def everything(node):
    yield node
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from everything(child)


def nested(fields):
    for one in fields:
        yield one
        yield from nested(one.get("properties", {}).get("fields", []))


def lead(name):
    fields = answers("salesforce/describe_Lead.json")[0]["body"]["fields"]
    return next(one for one in fields if one["name"] == name)


def member():
    return answers("mailchimp/members.json")[2]["body"]["members"][0]


def ticket():
    return held("zendesk/go_GET_ticket.json")["ticket"]


def sdk_answers():
    return held("typeform/webhook_sdk_1.json")["form_response"]["answers"]


def page_of(name, n=0):
    return answers(name)[n]["body"]


LIST, LIMIT = "hubspot/contacts_v3_list_pages.json", "hubspot/contacts_v3_list_limit.json"
ENDS, ERRORS = "zendesk/offset_or_cursor_list.json", "mailchimp/error_401_and_redirect.json"
FACTS = {
    "salesforce error shapes": lambda: (
        isinstance(held("salesforce/restforce_expired_session_response.json"), list)
        and isinstance(held("salesforce/restforce_auth_error_response.json"), dict)
    ),
    "a 200 with a 404 inside": lambda: (
        answers("salesforce/composite_errors.json")[0]["status"] == 200
        and page_of("salesforce/composite_errors.json")["compositeResponse"][0]["httpStatusCode"] == 404
    ),
    "messages of several lines": lambda: any(
        "\nselect count() from" in str(one)
        for one in everything(page_of("salesforce/composite_invalid_type.json"))
        if isinstance(one, str)
    ),
    "a short page that is not the last": lambda: (
        (one := held("salesforce/restforce_query_paginated_first_page_response.json"))["totalSize"] == 2
        and len(one["records"]) == 1 and one["done"] is False
    ),
    "no next on the last page": lambda: (
        "nextRecordsUrl" not in (one := held("salesforce/restforce_query_success_response.json"))
        and one["records"][0]["DateTime_Label"].endswith("+0000")
        and one["records"][0]["Picklist_Multiselect_Label"] == "four;six"
    ),
    "no record is null": lambda: {"dict", "NoneType"} == {
        type(one["Opportunities"]).__name__
        for one in everything(held("salesforce/upsert_rest.json"))
        if isinstance(one, dict) and "Opportunities" in one
    },
    "a compound differs from its parts": lambda: (
        (one := held("salesforce/swiftly_MockAccount.json"))["BillingAddress"]["latitude"]
        != one["BillingLatitude"]
    ),
    "an address is filterable": lambda: lead("Address")["filterable"] and lead("Address")["type"] == "address",
    "a token has no end": lambda: "expires_in" not in held("salesforce/restforce_auth_success_response.json"),
    "four statuses": lambda: len(lead("Status")["picklistValues"]) == 4,
    "a link elsewhere": lambda: (
        "/crm/v3/objects/contacts" in asked(LIMIT)[0]
        and "/crm/objects/v3/contacts" in page_of(LIMIT)["paging"]["next"]["link"]
    ),
    "the first page again": lambda: (
        "after=216669749577" in asked(LIST)[1] and page_of(LIST, 1)["results"][0]["id"] == "51"
        and len(page_of(LIST, 1)["results"]) == 25 and page_of(LIST, 1)["paging"]["next"]["after"]
    ),
    "a total of none": lambda: (
        (one := page_of("hubspot/list_contacts.json", 1))["total"] == 0 and len(one["results"]) == 25
    ),
    "names that are empty": lambda: any(
        one["properties"]["firstname"] == "" for one in page_of(LIST, 1)["results"]
    ),
    "url here and not there": lambda: (
        "url" in page_of(LIMIT)["results"][0]
        and "url" not in held("hubspot/v3_mock_contacts_data.json")["results"][0]
    ),
    "ids of a contact are large": lambda: page_of(LIST)["vid"] > 2**31,
    "milliseconds or not": lambda: (
        (one := page_of("hubspot/meetings_v3_search.json")["results"][0]["properties"])
        and "." in one["hs_createdate"] and "." not in one["hs_timestamp"]
    ),
    "a complete 207": lambda: (
        (one := answers("hubspot/assoc_v4_invalid.json")[0])["status"] == 207
        and one["body"]["status"] == "COMPLETE" and one["body"]["numErrors"] == 1
    ),
    "JSON in a message": lambda: json.loads(page_of("hubspot/error_lists_v3.json")["message"]),
    "JSON in half a message": lambda: '[{"isValid":false' in page_of("hubspot/error_v3_meeting.json")["message"],
    "an address in an error": lambda: "@" in json.dumps(page_of("hubspot/error_409_contact_exists.json", 1)),
    "version 1 has objects": lambda: all(
        isinstance(one, dict) for one in page_of("hubspot/contact_v1_create.json")["properties"].values()
    ),
    "an empty time": lambda: member()["timestamp_signup"] == "",
    "a redirect to clear text": lambda: (
        answers(ERRORS)[0]["status"] == 301
        and answers(ERRORS)[0]["headers"]["Location"].startswith("http://")
    ),
    "key or data centre": lambda: "wrong datacenter" in answers(ERRORS)[2]["body"]["detail"],
    "no contact id": lambda: "contact_id" not in member() and member()["list_id"],
    "ten, then nine": lambda: [
        len(one["body"]["members"]) for one in answers("mailchimp/members_paging.json")[2:]
    ] == [10, 9] and page_of("mailchimp/members_paging.json", 3)["total_items"] == 19,
    "nowhere": lambda: (
        member()["location"]["latitude"] == 0 and member()["location"]["country_code"] == ""
    ),
    "no zone": lambda: held("mailchimp/webhook_subscribe.json")["fired_at"] == "2009-03-26 21:35:57",
    "refs left out": lambda: [
        "ref" in one["field"]
        for one in held("typeform/webhook_doc_sample.json")["form_response"]["answers"]
    ].count(True) == 1,
    "a title with a hole": lambda: "{{answer_60906475}}" in json.dumps(held("typeform/webhook_doc_sample.json")),
    "labels without ids": lambda: {"label": "Choice1"} in [one.get("choice") for one in sdk_answers()],
    "an amount in text": lambda: sdk_answers()[-1]["payment"]["amount"] == "1",
    "83 questions": lambda: (
        len((one := held("typeform/form_primary_care.json"))["fields"]) == 20
        and len(list(nested(one["fields"]))) == 83
    ),
    "kinds of questions and answers": lambda: {
        ("legal", "boolean"), ("yes_no", "boolean"), ("opinion_scale", "number"), ("rating", "number"),
    } <= {(one["field"]["type"], one["type"]) for one in sdk_answers()},
    "refs of two kinds": lambda: (
        held("typeform/form_demo.json")["fields"][0]["ref"] == "question-group-typeform"
        and len(held("typeform/form_image_attachment.json")["fields"][0]["ref"]) == 36
    ),
    "an end with a cursor": lambda: (
        (one := page_of(ENDS))["meta"]["has_more"] is False and one["meta"]["after_cursor"]
        and one["links"]["next"]
    ),
    "and nothing behind it": lambda: (
        page_of(ENDS, 1)["organizations"] == [] and page_of(ENDS, 1)["meta"]["after_cursor"] is None
    ),
    "a sentence": lambda: (
        " " in held("zendesk/error_401.json")["error"]
        and held("zendesk/error_429_incremental.json")["error"] == "APIRateLimitExceeded"
    ),
    "two names": lambda: {"x-rate-limit", "rate-limit"} <= answers("zendesk/cursor_pages.json")[0]["headers"].keys(),
    "nobody is 0": lambda: (
        held("zendesk/webhook_event_group_membership.json")["detail"]["organization_id"] == "0"
    ),
    "custom fields twice": lambda: ticket()["custom_fields"] == ticket()["fields"],
    "logged eight years after": lambda: all(
        row["property_hs_createdate"][:4] == "2022" and row["property_hs_timestamp"][:4] == "2014"
        for row in rows("hubspot/fivetran_engagement_email_data.csv")
    ),
    "nulls": lambda: ticket()["priority"] is ticket()["type"] is ticket()["satisfaction_rating"] is None,
    "Osaka": lambda: (
        (one := held("zendesk/go_GET_user.json")["user"])["time_zone"] == "Osaka"
        and one["iana_time_zone"] == "Asia/Tokyo"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_is_in_its_recording(fact):
    assert FACTS[fact]()


def test_every_file_that_the_page_names_is_there_and_read_for_it():
    mapped = ROOT / "tests/unit/mappings/test_hubspot_recorded.py"
    source = Path(__file__).read_text() + mapped.read_text()
    assert len(NAMED) > 25
    for name in NAMED:
        assert (DATA / name).is_file(), name
        assert Path(name).name in source, f"no fact is held against {name}"


def test_every_module_that_the_page_names_is_there():
    named = set(re.findall(r"`((?:hub|tests)/[\w/.]+\.\w+)`", PAGE))
    assert len(named) >= 8
    assert not [one for one in named if not (ROOT / one).is_file()]


def test_the_page_counts_the_recordings():
    vendors = ("hubspot", "mailchimp", "salesforce", "typeform", "zendesk")
    files = [
        one
        for vendor in vendors
        for one in (DATA / vendor).iterdir()
        if not one.name.endswith("_vectors.json")
    ]
    assert f"`tests/data` holds {len(files)} answers" in PAGE
