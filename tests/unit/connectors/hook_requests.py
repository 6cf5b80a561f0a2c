"""Deliveries of each vendor, signed as the vendor signs them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from hub.connectors.webhooks import Delivery

SIGNING = "sign1ng"
"""The second secret of Mailchimp."""
SECRETS = {"generic": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
"""The secrets of senders that want one of a certain form."""
BODIES = {
    "typeform": json.dumps({
        "event_id": "E1", "event_type": "form_response",
        "form_response": {"form_id": "f", "token": "t", "submitted_at": "2026-11-30T11:59:58Z"},
    }).encode(),
    "hubspot": json.dumps([
        {"eventId": 1, "subscriptionType": "contact.creation", "objectId": 7,
         "occurredAt": 1790000000000, "attemptNumber": 0},
    ]).encode(),
    "mailchimp": urlencode({
        "type": "subscribe", "fired_at": "2026-11-30 11:59:58", "data[list_id]": "l1",
        "data[email]": "ada@corp.example",
    }).encode(),
    "zendesk": json.dumps({
        "type": "zen:event-type:ticket.created", "id": "e1", "subject": "zen:ticket:9",
        "time": "2026-11-30T11:59:58Z", "detail": {"id": "9"}, "event": {},
    }).encode(),
    "generic": json.dumps({
        "type": "order.created", "data": {"id": 5, "updated": "2026-11-30T11:59:58Z"},
    }).encode(),
}  # fmt: skip


def hubspot_body(object_id: int) -> bytes:
    """One new contact."""
    event = {"subscriptionType": "contact.creation", "objectId": object_id, "occurredAt": 5}
    return json.dumps([event]).encode()


def mac(secret: str, *parts: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"".join(parts), hashlib.sha256)


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def typeform(body: bytes, at: datetime, url: str, secret: str) -> Delivery:
    return Delivery(url, {"typeform-signature": f"sha256={b64(mac(secret, body))}"}, body)


def hubspot(body: bytes, at: datetime, url: str, secret: str) -> Delivery:
    stamp = str(int(at.timestamp() * 1000))
    signature = b64(mac(secret, b"POST", url.encode(), body, stamp.encode()))
    old = hashlib.sha256(secret.encode() + body).hexdigest()  # version 1, which HubSpot sends too
    headers = {
        "x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp,
        "x-hubspot-signature": old, "x-hubspot-signature-version": "v1",
    }  # fmt: skip
    return Delivery(url, headers, body)


def mailchimp(body: bytes, at: datetime, url: str, secret: str) -> Delivery:
    stamp = str(int(at.timestamp()))
    digest = mac(SIGNING, stamp.encode(), b".", body).hex()
    return Delivery(url, {"x-mailchimp-signature": f"t={stamp},v1={digest}"}, body, secret)


def zendesk(body: bytes, at: datetime, url: str, secret: str) -> Delivery:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    headers = {
        "x-zendesk-webhook-signature": b64(mac(secret, stamp.encode(), body)),
        "x-zendesk-webhook-signature-timestamp": stamp,
        "x-zendesk-webhook-invocation-id": "i1",
    }
    return Delivery(url, headers, body)


def generic(body: bytes, at: datetime, url: str, secret: str) -> Delivery:
    """As Standard Webhooks says, while the sender changes its secret; the same body is the same message."""
    name = f"msg_{hashlib.sha256(body).hexdigest()}"
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b64(hmac.digest(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256))
    headers = {
        "webhook-id": name, "webhook-timestamp": stamp,
        "webhook-signature": f"v1,bm90IHRoaXM= v1a,{signed} v1,{signed}",
    }  # fmt: skip
    return Delivery(url, headers, body)


SIGN: dict[str, Callable[[bytes, datetime, str, str], Delivery]] = {
    "typeform": typeform, "hubspot": hubspot, "mailchimp": mailchimp, "zendesk": zendesk,
    "generic": generic,
}  # fmt: skip


def sent(source: str, body: bytes | None, at: datetime, *, secret: str, url: str) -> Delivery:
    """A delivery of a vendor; without a body its usual one."""
    return SIGN[source](BODIES[source] if body is None else body, at, url, secret)
