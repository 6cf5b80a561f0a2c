"""Only Zendesk's own bytes are taken, and only fresh ones."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.connectors.zendesk.webhooks import Event, is_signature, is_signed, parse_event
from hub.errors import RecordError

BODY = (
    Path(__file__).parents[2] / "data" / "zendesk" / "webhook_event_group_membership.json"
).read_bytes()
SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # the vendor's public one for tests
STAMP = "2021-03-25T05:09:27Z"
AT = datetime(2021, 3, 25, 5, 9, 27, tzinfo=UTC)
VECTOR = "/mXSigLOoEkcTQbsWqgaVKrxFhN+K298pf/niM2rAnI="


def headers(signature=VECTOR, stamp=STAMP):
    return {
        "X-Zendesk-Webhook-Signature": signature,
        "x-zendesk-webhook-signature-timestamp": stamp,
    }


def test_known_answers():
    assert is_signature(SECRET, BODY, "1234", "10IqYzYTLHRftNsNE+im0DeOM6/JactIRuy0XCHJ9B8=")
    assert is_signed(SECRET, b'{"a":1}', headers(), now=AT)


@pytest.mark.parametrize(
    ("secret", "body", "given"),
    [
        (SECRET, b'{"a":1}\n', headers()),
        (SECRET, b'{"a": 1}', headers()),
        (base64.b64decode(SECRET).decode(), b'{"a":1}', headers()),
        ("", b'{"a":1}', headers()),
        (SECRET, b'{"a":1}', {}),
        (SECRET, b'{"a":1}', headers("")),
        (SECRET, b'{"a":1}', headers("ü")),
        (SECRET, b'{"a":1}', headers(stamp="2021-03-25T05:09:28Z")),
        (SECRET, b'{"a":1}', headers(stamp="")),
        (SECRET, b'{"a":1}', headers(stamp="soon")),
    ],
)
def test_anything_else_is_refused(secret, body, given):
    assert not is_signed(secret, body, given, now=AT)


@pytest.mark.parametrize(
    ("late", "taken"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)]
)
def test_a_replay_is_refused_after_five_minutes(late, taken):
    assert is_signed(SECRET, b'{"a":1}', headers(), now=AT + timedelta(seconds=late)) is taken


def test_an_empty_body_can_be_signed():
    digest = hmac.digest(b"s", STAMP.encode(), hashlib.sha256)
    assert is_signed("s", b"", headers(base64.b64encode(digest).decode()), now=AT)


def test_the_recorded_event():
    assert parse_event(BODY) == Event(
        stream="users",
        source_id="6596848315901",
        name="group_membership_created",
        at=datetime(2099, 7, 4, 5, 33, 18, tzinfo=UTC),
        id="6b9bbadf-5725-4e92-bebe-7b71011bf5f1",
    )


@pytest.mark.parametrize(
    ("body", "stream", "source_id"),
    [
        ({"type": "zen:event-type:ticket.created", "detail": {"id": "7"}}, "tickets", "7"),
        (
            {"type": "zen:event-type:ticket.deleted", "subject": "zen:ticket:8", "detail": {}},
            "tickets",
            "8",
        ),
        ({"type": "zen:event-type:user.merged", "subject": "zen:user:9"}, "users", "9"),
        ({"type": "zen:event-type:article.published", "detail": {"id": "7"}}, "", "7"),
        ({"type": "zen:event-type:ticket.created", "detail": {"id": "0"}}, "tickets", ""),
        ({"ticket_id": 5, "title": "from a trigger"}, "tickets", "5"),
        ({"user_id": "6"}, "users", "6"),
        ({"ticket_id": "0"}, "", ""),
        ({}, "", ""),
    ],
)
def test_what_a_delivery_speaks_of(body, stream, source_id):
    event = parse_event(json.dumps(body).encode())
    assert (event.stream, event.source_id) == (stream, source_id)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"type": 5}'])
def test_what_is_no_delivery_is_a_record_error(body):
    with pytest.raises(RecordError):
        parse_event(body)
