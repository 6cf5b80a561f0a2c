"""Deliveries: forms, perhaps signed, about one member."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hub.connectors.mailchimp.webhooks import event_id, is_secret, is_signed, parse_delivery
from hub.errors import RecordError

DATA = Path(__file__).parents[2] / "data" / "mailchimp"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def form(**values):
    fields = {"type": "profile", "fired_at": "2026-11-24 00:00:00", "data[list_id]": "l", **values}
    return urlencode(fields).encode()


def flat(value, prefix="data"):
    for key, child in value.items():
        path = f"{prefix}[{key}]"
        yield from flat(child, path) if isinstance(child, dict) else [(path, child)]


def signed(secret, body, at):
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def test_the_recorded_delivery():
    body = json.loads((DATA / "webhook_subscribe.json").read_text())["body"]
    wire = urlencode(
        {"type": body["type"], "fired_at": body["fired_at"], **dict(flat(body["data"]))}
    )
    got = parse_delivery(wire.encode())
    assert (got.kind, got.list_id, got.email) == ("subscribe", "a6b5da1054", "api@mailchimp.com")
    assert got.values["merges.FNAME"] == "Mailchimp"
    assert got.fired_at == "2009-03-26 21:35:57"
    assert got.member_hash == hashlib.md5(b"api@mailchimp.com").hexdigest()


def test_another_address_names_the_new_member():
    got = parse_delivery(form(**{
        "type": "upemail", "data[new_email]": "B@x.example", "data[old_email]": "a@x.example",
    }))  # fmt: skip
    assert got.email == "B@x.example"
    assert got.member_hash == hashlib.md5(b"b@x.example").hexdigest()


def test_a_campaign_is_about_nobody():
    assert parse_delivery(form(type="campaign")).member_hash == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"\xff=1", form(type="odd"), form(), b"type=profile&data[email]=a", b"a&" * 5000],
)
def test_what_is_no_delivery_is_refused(body):
    with pytest.raises(RecordError):
        parse_delivery(body)


def test_signature():
    body, at = form(), int(NOW.timestamp())
    right = signed("s", body, at)
    assert is_signed("s", body, right, NOW)
    assert is_signed("s", body, right + ",v1=00", NOW)
    assert is_signed("s", body, signed("s", body, at - 299), NOW)
    for header in (
        None, "", "v1=00", f"t={at}", f"t=x,{right}", right.replace("v1", "v0"),
        signed("other", body, at), signed("s", body + b"x", at), signed("s", body, at - 301),
        f"t={at + 1},{right.partition(',')[2]}", "t=²,v1=é", f"t={'9' * 5000},v1=00",
    ):  # fmt: skip
        assert not is_signed("s", body, header, NOW), header
    assert not is_signed("", body, signed("", body, at), NOW)


def test_secret_of_the_address():
    assert is_secret("s", "s")
    assert not is_secret("s", "é")
    assert not is_secret("s", None)
    assert not is_secret("", "")


def test_a_repeated_delivery_is_told():
    assert event_id(form()) == event_id(form())
    assert event_id(form()) != event_id(form(**{"data[email]": "a"}))
