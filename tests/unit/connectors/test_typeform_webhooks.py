"""Only Typeform's own bytes are taken."""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from hub.connectors.slices import slice_key
from hub.connectors.typeform.webhooks import event_id, is_signed, parse_delivery
from hub.errors import RecordError

DATA = Path(__file__).parents[2] / "data" / "typeform"
VECTOR = "sha256=qp4uNXX11wmLbKzNeQiIw21f22M0KnO62i1qUXR6hJQ="


def test_known_answer():
    assert is_signed("secret", b'{"a":1}', VECTOR)


@pytest.mark.parametrize(
    ("secret", "body", "header"),
    [
        ("secret", b'{"a":1}\n', VECTOR),
        ("secret", b'{"a": 1}', VECTOR),
        ("Secret", b'{"a":1}', VECTOR),
        ("", b'{"a":1}', VECTOR),
        ("secret", b'{"a":1}', None),
        ("secret", b'{"a":1}', ""),
        ("secret", b'{"a":1}', VECTOR.removeprefix("sha256=")),
        ("secret", b'{"a":1}', "sha256="),
        ("secret", b'{"a":1}', "sha256=not base64"),
        ("secret", b'{"a":1}', "sha256=ü"),
        (
            "secret",
            b'{"a":1}',
            "sha256=" + hmac.new(b"secret", b'{"a":1}', hashlib.sha256).hexdigest(),
        ),
    ],
)
def test_anything_else_is_refused(secret, body, header):
    assert not is_signed(secret, body, header)


def test_an_empty_secret_signs_nothing():
    digest = hmac.digest(b"", b"{}", hashlib.sha256)
    assert not is_signed("", b"{}", "sha256=" + base64.b64encode(digest).decode())


@pytest.mark.parametrize("name", ["webhook_doc_sample", "webhook_sdk_1"])
def test_recorded_deliveries(name):
    body = (DATA / f"{name}.json").read_bytes()
    said = json.loads(body)
    if "_provenance" in said:  # the documentation's sample stands inside a note on its origin
        body = slice_key(body, "body")
        said = json.loads(body)
    record = parse_delivery(body)
    assert record is not None
    form = said["form_response"]
    assert record.source_id == f"{form['form_id']}:{form['token']}"
    assert record.payload in body
    assert json.loads(record.payload) == form
    assert record.at is not None
    assert event_id(body) == said["event_id"]


def test_a_partial_response_is_left_out():
    form = {"form_id": "f", "token": "t"}
    body = json.dumps({"event_type": "form_response_partial", "form_response": form}).encode()
    assert parse_delivery(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"event_type": "form_response"}',
        b'{"event_type": "form_response", "form_response": {"form_id": "f", "token": ""}}',
        b'{"event_type": "form_response", "form_response": {"form_id": 5, "token": "t"}}',
    ],
)
def test_what_is_no_delivery(body):
    with pytest.raises(RecordError):
        parse_delivery(body)
    assert event_id(body) == ""
