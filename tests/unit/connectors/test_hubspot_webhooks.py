"""HubSpot's deliveries: signatures against known answers, events as hints."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.connectors.hubspot.webhooks import Hint, is_signed, parse_delivery
from hub.errors import RecordError
from hub.model.verdicts import Op

DATA = Path(__file__).parents[2] / "data" / "hubspot"
VECTOR = next(
    one
    for one in json.loads((DATA / "hubspot_vectors.json").read_text())["vectors"]
    if one["scheme"] == "hubspot-v3"
)
AT = datetime.fromtimestamp(int(VECTOR["timestamp"]) / 1000, UTC)
T0_MS = 1_790_000_000_000
T0 = datetime.fromtimestamp(T0_MS / 1000, UTC)


def signed(**changes):
    asked = {
        "secret": VECTOR["secret"],
        "body": VECTOR["body"].encode(),
        "signature": VECTOR["expected"],
        "timestamp": VECTOR["timestamp"],
        "url": VECTOR["uri"],
        "now": AT,
        **changes,
    }
    return is_signed(
        asked.pop("secret"),
        asked.pop("body"),
        asked.pop("signature"),
        asked.pop("timestamp"),
        **asked,
    )


def test_the_known_answer_is_accepted():
    assert signed()
    assert signed(now=AT + timedelta(seconds=299))
    assert signed(now=AT - timedelta(seconds=299))


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": ""},
        {"secret": "other"},
        {"body": b""},
        {"signature": None},
        {"signature": ""},
        {"signature": "K36dawei4A"},
        {"signature": "é"},
        {"timestamp": None},
        {"timestamp": ""},
        {"timestamp": "now"},
        {"timestamp": "9" * 40},
        {"timestamp": "9" * 5000},
        {"timestamp": "²"},
        {"url": "https://www.example.com/other"},
        {"method": "GET"},
        {"now": AT + timedelta(seconds=301)},
        {"now": AT - timedelta(seconds=301)},
        {"now": AT - timedelta(days=11)},
    ],
)
def test_anything_else_is_refused(changes):
    assert not signed(**changes)


def test_hubspot_signs_the_address_without_some_escapes():
    plain = "https://www.example.com/webhook_uri"
    assert signed(url=plain.replace("/webhook", "%2Fwebhook"))
    assert signed(url=plain.replace("/webhook", "%2fwebhook"))


def event(type_, object_id=7, **more):
    return {"subscriptionType": type_, "objectId": object_id, "occurredAt": T0_MS, **more}


def hints(*events):
    return parse_delivery(json.dumps(events).encode())


def test_events_are_hints_at_records():
    got = hints(
        event("contact.creation"),
        event("contact.propertyChange", propertyName="email"),
        event("company.deletion", 8),
        event("contact.privacyDeletion", "9"),
        event("object.creation", 10, objectTypeId="0-1"),
        event("deal.creation", 11),
    )
    assert [(one.stream, one.source_id, one.op) for one in got] == [
        ("contacts", "7", Op.UPSERT),
        ("contacts", "7", Op.UPSERT),
        ("companies", "8", Op.DELETE),
        ("contacts", "9", Op.DELETE),
        ("contacts", "10", Op.UPSERT),
    ]
    assert {one.at for one in got} == {T0}


def test_a_repeated_event_comes_once():
    first = event("contact.creation", eventId=1, attemptNumber=0)
    assert len(hints(first, {**first, "attemptNumber": 1}, event("contact.creation", 8))) == 2


def test_a_merge_names_losers_and_survivor():
    got = hints(event("contact.merge", 1, primaryObjectId=1, mergedObjectIds=[2, 3], newObjectId=4))
    event_id = f"contact.merge:1:{T0_MS}"
    assert got == [
        Hint("contacts", "2", Op.MERGE_INTO, T0, event_id, "4"),
        Hint("contacts", "3", Op.MERGE_INTO, T0, event_id, "4"),
        Hint("contacts", "4", Op.UPSERT, T0, event_id),
    ]


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"", b"{}", b"[1]", b'[{"objectId": 1}]', b"\xff"]
)
def test_what_is_no_delivery_is_told(body):
    with pytest.raises(RecordError, match="not a list of events"):
        parse_delivery(body)


def test_an_event_without_a_record_hints_at_nothing():
    assert hints({"subscriptionType": "contact.creation"}, event("contact.merge", None)) == []
