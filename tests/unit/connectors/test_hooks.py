"""Each vendor's hook takes and refuses requests as the table of docs/webhooks.md says, row by row."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hub.connectors import webhooks
from hub.connectors.signed_hook import SignedHook
from hub.connectors.slices import slice_key
from hub.connectors.webhooks import Delivery, Event, Hook, Secrets
from hub.errors import RecordError
from hub.model.standard_webhooks import key_of
from tests.unit.connectors import hook_requests
from tests.unit.connectors.hook_requests import BODIES, SIGN

DATA = Path(__file__).parents[2] / "data"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SENDERS = (*webhooks.SENDERS, "generic")
SECRETS = Secrets("s3cret", hook_requests.SIGNING)
LATE = timedelta(seconds=301)
URL = "https://hub.example.com/in/hooks/{}"
SIGNS_A_TIME = {"hubspot", "mailchimp", "zendesk", "generic"}
SIGNS_THE_ADDRESS = {"hubspot"}
HEADERS = {
    "typeform": ("typeform-signature",),
    "hubspot": ("x-hubspot-signature-v3", "x-hubspot-request-timestamp"),
    "mailchimp": ("x-mailchimp-signature",),
    "zendesk": ("x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"),
    "generic": ("webhook-id", "webhook-timestamp", "webhook-signature"),
}


def hook_of(source: str) -> Hook:
    if source == "generic":
        return SignedHook("orders", "data.id", "data.updated")
    return webhooks.hook_of(source)


def secret_of(source: str) -> str:
    return hook_requests.SECRETS.get(source, "s3cret")


def sent(source: str, body: bytes | None = None, at: datetime = NOW) -> Delivery:
    return hook_requests.sent(source, body, at, secret=secret_of(source), url=URL.format(source))


def is_taken(source: str, delivery: Delivery, secrets: Secrets | None = None) -> bool:
    secrets = secrets or Secrets(secret_of(source), hook_requests.SIGNING)
    found = hook_of(source).refusal(delivery, secrets, NOW)
    assert found is None or (found.status == 401 and found.reason)
    for hidden in ("s3cret", "sign1ng", "MfKQ9r8GKYqr"):
        assert hidden not in repr((found, delivery, secrets))
    return found is None


def without(delivery: Delivery, name: str) -> Delivery:
    return replace(delivery, headers={k: v for k, v in delivery.headers.items() if k != name})


def test_the_table_has_every_vendor() -> None:
    assert set(SENDERS) == set(SIGN) == set(BODIES) == set(HEADERS)


@pytest.mark.parametrize("source", SENDERS)
def test_each_row_of_the_table(source: str) -> None:
    good = sent(source)
    assert is_taken(source, good), "signed, and recent"
    for changed in (
        good.body[:-1] + b"!", good.body + b"\n", b"\n" + good.body, b"", good.body[:-1],
    ):  # fmt: skip
        assert not is_taken(source, replace(good, body=changed)), "tampered"
    for name in HEADERS[source]:
        assert not is_taken(source, without(good, name)), "a proxy removed a header"
        empty = {**good.headers, name: ""}
        assert not is_taken(source, replace(good, headers=empty)), "unsigned"
        strange = {**good.headers, name: "é\udc00=,v1="}
        assert not is_taken(source, replace(good, headers=strange)), "what no vendor sends"
    assert not is_taken(source, replace(good, headers={}, path_secret="")), "unsigned"
    other = "whsec_" + "A" * 32
    for secrets in (Secrets(), Secrets("other", "other"), Secrets(other, other)):
        assert not is_taken(source, good, secrets), "the hub has no secret, or another one"
    for at in (NOW - LATE, NOW + LATE):
        refused = source in SIGNS_A_TIME
        assert is_taken(source, sent(source, at=at)) is not refused, "stale, or of the future"
    for at in (NOW - LATE * 0.98, NOW + LATE * 0.98):
        assert is_taken(source, sent(source, at=at)), "inside the tolerance"
    elsewhere = replace(good, url="http://127.0.0.1:8100/hooks/x")
    assert is_taken(source, elsewhere) is (source not in SIGNS_THE_ADDRESS), "a wrong public URL"
    query = URL.format(source) + "?a=1&b=%20"
    with_query = SIGN[source](good.body, NOW, query, secret_of(source))
    assert is_taken(source, with_query)
    assert hook_of(source).validates_by_get is (source == "mailchimp")


@pytest.mark.parametrize("source", SENDERS)
def test_a_delivery_that_comes_again_has_the_same_key(source: str) -> None:
    hook = hook_of(source)
    (first,) = hook.events(sent(source))
    (again,) = hook.events(sent(source, at=NOW + timedelta(minutes=4)))
    assert again == first
    other = BODIES[source].replace(b"f_response", b"f").replace(b"E1", b"E2")
    other = other.replace(b"1790000000000", b"1790000000001").replace(b"58", b"59")
    (second,) = hook.events(sent(source, other.replace(b'"e1"', b'"e2"')))
    assert second.key != first.key


def test_hubspot_is_told_apart_by_what_happened_and_not_by_its_event_id() -> None:
    body = json.loads(BODIES["hubspot"])
    again = json.dumps([{**body[0], "eventId": 2, "attemptNumber": 3}]).encode()
    keys = [[e.key for e in hook_of("hubspot").events(sent("hubspot", b))]
            for b in (BODIES["hubspot"], again)]  # fmt: skip
    assert keys == [["contact.creation:7:1790000000000:7"]] * 2
    both = hook_of("hubspot").events(sent("hubspot", again[:-1] + b"," + BODIES["hubspot"][1:]))
    assert [json.loads(e.body)["eventId"] for e in both] == [2], "the bytes of the event itself"


def test_hubspot_signs_the_address_without_some_escapes() -> None:
    hook, body = hook_of("hubspot"), BODIES["hubspot"]
    for called, signed in (
        ("https://hub.example.com/hooks/hubspot%2Fa", "https://hub.example.com/hooks/hubspot/a"),
        ("https://hub.example.com/h?x=a%3Ab%40c", "https://hub.example.com/h?x=a:b@c"),
        ("https://hub.example.com/h?x=%7Bé%20", "https://hub.example.com/h?x=%7Bé%20"),
    ):
        made = SIGN["hubspot"](body, NOW, signed, "s3cret")
        assert hook.refusal(replace(made, url=called), SECRETS, NOW) is None
    no_url = hook.refusal(replace(sent("hubspot"), url=""), SECRETS, NOW)
    assert no_url is not None
    assert "gateway.public_url" in no_url.reason


def test_a_merge_is_a_hint_at_the_survivor() -> None:
    event = {"subscriptionType": "contact.merge", "objectId": 1, "primaryObjectId": 1,
             "mergedObjectIds": [2, 3], "newObjectId": 4, "occurredAt": 5}  # fmt: skip
    (found,) = hook_of("hubspot").events(sent("hubspot", json.dumps([event]).encode()))
    assert (found.kind, found.source_id, found.is_record) == ("contact.merge", "4", False)


@pytest.mark.parametrize(
    ("secrets", "path_secret", "signed", "taken"),
    [
        (Secrets("s3cret"), "s3cret", False, True),
        (Secrets("s3cret"), "s3cret ", False, False),
        (Secrets("s3cret"), "", True, False),
        (Secrets("", "sign1ng"), "", True, True),
        (Secrets("", "sign1ng"), "anything", True, True),
        (Secrets("", "sign1ng"), "", False, False),
        (Secrets("s3cret", "sign1ng"), "s3cret", False, False),
        (Secrets("s3cret", "sign1ng"), "", True, False),
        (Secrets("s3cret", "sign1ng"), "s3cret", True, True),
        (Secrets(), "", True, False),
        (Secrets(), "", False, False),
    ],
)
def test_each_secret_of_mailchimp_that_is_set_must_be_right(
    secrets: Secrets, path_secret: str, signed: bool, taken: bool
) -> None:
    made = replace(sent("mailchimp"), path_secret=path_secret)
    delivery = made if signed else without(made, "x-mailchimp-signature")
    assert is_taken("mailchimp", delivery, secrets) is taken


def test_typeform_and_signed_hooks_send_the_record() -> None:
    events = {source: hook_of(source).events(sent(source))[0] for source in SENDERS}
    assert {source for source, one in events.items() if one.is_record} == {
        "typeform", "generic",
    }  # fmt: skip
    response = slice_key(BODIES["typeform"], "form_response")
    assert events["typeform"] == Event(
        "form_response", "responses", "f:t", "E1", datetime(2026, 11, 30, 11, 59, 58, tzinfo=UTC),
        response, is_record=True, version="2026-11-30T11:59:58Z",
    )  # fmt: skip
    assert events["generic"] == Event(
        "record", "orders", "5", sent("generic").header("webhook-id"),
        datetime(2026, 11, 30, 11, 59, 58, tzinfo=UTC), BODIES["generic"],
        is_record=True, version="2026-11-30T11:59:58+00:00",
    )  # fmt: skip
    assert events["zendesk"].source_id == "9"
    assert events["mailchimp"].source_id == "l1:" + hashlib.md5(b"ada@corp.example").hexdigest()


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("typeform", {"event_type": "form_response_partial",
                      "form_response": {"form_id": "f", "token": "t"}}),
        ("hubspot", []),
        ("hubspot", [{"subscriptionType": "deal.creation", "objectId": 1, "occurredAt": 1}]),
        ("mailchimp", {"type": "campaign", "data[list_id]": "l1"}),
        ("zendesk", {"type": "zen:event-type:article.published", "detail": {"id": "7"}}),
        ("zendesk", {"title": "a trigger that names nothing"}),
    ],
)  # fmt: skip
def test_a_delivery_may_concern_nothing_that_the_hub_reads(source: str, body: object) -> None:
    written = urlencode(body).encode() if source == "mailchimp" else json.dumps(body).encode()  # type: ignore[arg-type]
    assert not hook_of(source).events(sent(source, written))


@pytest.mark.parametrize("source", SENDERS)
@pytest.mark.parametrize("body", [b"", b"\xff", b"null", b"[" * 100_000, b'"' + b"a" * 9])
def test_what_is_no_delivery_is_told(source: str, body: bytes) -> None:
    with pytest.raises(RecordError):
        hook_of(source).events(sent(source, body))


def test_a_trigger_of_zendesk_without_an_id_is_told_apart_by_its_invocation() -> None:
    body = json.dumps({"ticket_id": 5}).encode()
    one = sent("zendesk", body)
    other = {**one.headers, "x-zendesk-webhook-invocation-id": "i2"}
    keys = [
        hook_of("zendesk").events(delivery)[0].key
        for delivery in (
            one, replace(one, headers=other), without(one, "x-zendesk-webhook-invocation-id"),
        )
    ]  # fmt: skip
    assert keys[:2] == ["i1", "i2"]
    assert len(set(keys)) == 3


def test_the_known_answers_of_the_vendors() -> None:
    for vector in json.loads((DATA / "zendesk/zendesk_vectors.json").read_text())["vectors"]:
        from hub.connectors.zendesk.webhooks import is_signature

        body = vector["body"].encode()
        assert is_signature(vector["secret"], body, vector["timestamp"], vector["expected"])
        assert not is_signature(
            vector["secret"], body.strip(), vector["timestamp"], vector["expected"]
        )
    vectors = json.loads((DATA / "hubspot/hubspot_vectors.json").read_text())["vectors"]
    (v3,) = (one for one in vectors if one["scheme"] == "hubspot-v3")
    at = datetime.fromtimestamp(int(v3["timestamp"]) / 1000, UTC)
    headers = {
        "x-hubspot-signature-v3": v3["expected"], "x-hubspot-request-timestamp": v3["timestamp"],
    }  # fmt: skip
    delivery = Delivery(v3["uri"], headers, v3["body"].encode())
    assert hook_of("hubspot").refusal(delivery, Secrets(v3["secret"]), at) is None
    for old in (one for one in vectors if one["scheme"] != "hubspot-v3"):  # sign no time
        headers = {"x-hubspot-signature": old["expected"], "x-hubspot-request-timestamp": "1"}
        assert hook_of("hubspot").refusal(
            Delivery(old.get("uri", URL), headers, old["body"].encode()), Secrets(old["secret"]), at
        )


def test_a_signed_hook_verifies_as_the_standard_says() -> None:
    """The known answer of its authors."""
    secret, name = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    at, body = datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}'
    known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    hook = SignedHook("records", "test")
    headers = {"webhook-id": name, "webhook-timestamp": "1614265330", "webhook-signature": known}
    assert hook.refusal(Delivery("", headers, body), Secrets(secret), at) is None
    for header, changed in (
        ("webhook-id", name + "x"), ("webhook-timestamp", "1614265331"),
        ("webhook-timestamp", "9" * 400), ("webhook-timestamp", "\u0664"),
        ("webhook-signature", known.replace("v1,", "v2,")), ("webhook-signature", known[3:]),
        ("webhook-signature", "v1,"), ("webhook-signature", "v1,AAAA " * 20 + known),
    ):  # fmt: skip
        bad = Delivery("", {**headers, header: changed}, body)
        assert hook.refusal(bad, Secrets(secret), at) is not None, changed
    again = Delivery("", {**headers, "webhook-signature": f"v1,AAAA {known}"}, body)
    assert hook.refusal(again, Secrets(secret), at) is None, "while the sender changes its secret"
    assert [key_of(bad) for bad in ("", "whsec_", "whsec_é", "whsec_AAAA", "no base64")] == [
        None
    ] * 5


@pytest.mark.parametrize(
    ("body", "source_id", "at"),
    [
        ({"data": {"id": " 7 "}}, "7", NOW),
        ({"data": {"id": "7", "updated": 1_700_000_000}}, "7", datetime.fromtimestamp(1.7e9, UTC)),
        (
            {"data": {"id": 7, "updated": 1_700_000_000_000}},
            "7",
            datetime.fromtimestamp(1.7e9, UTC),
        ),
        ({"data": {"id": 7, "updated": True}}, "7", NOW),
        ({"data": {"id": 7, "updated": 1e300}}, "7", NOW),
        ({"data": {"id": True}}, None, None),
        ({"data": {"id": "x" * 201}}, None, None),
        ({"data": {"id": {}}}, None, None),
        ({"data": [7]}, None, None),
        ([{"data": {"id": 7}}], None, None),
    ],
)
def test_the_place_of_an_id_is_said_by_the_settings(
    body: object, source_id: str | None, at: datetime | None
) -> None:
    delivery = sent("generic", json.dumps(body).encode())
    if source_id is None:
        with pytest.raises(RecordError):
            hook_of("generic").events(delivery)
    else:
        (event,) = hook_of("generic").events(delivery)
        assert (event.source_id, event.at) == (source_id, at)
