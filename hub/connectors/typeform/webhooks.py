"""Typeform's webhooks: verify the signature, and return the response in the delivery.

https://www.typeform.com/developers/webhooks/secure-your-webhooks/
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

import msgspec

from hub.connectors.slices import slice_key
from hub.connectors.webhooks import Delivery, Event, Refused, Secrets
from hub.connectors.windows import parse_time
from hub.errors import RecordError
from hub.model.records import RawRecord
from hub.model.verdicts import Op

SIGNATURE_HEADER = "Typeform-Signature"
_PREFIX = "sha256="


class _Response(msgspec.Struct):
    form_id: str
    token: str
    submitted_at: str | None = None
    landed_at: str | None = None


class _Delivery(msgspec.Struct):
    event_type: str
    form_response: _Response
    event_id: str = ""


def is_signed(secret: str, body: bytes, header: str | None) -> bool:
    """Return whether the header signs exactly these bytes; false without a secret.

    The signature has no time, so `event_id` or the response's token must identify a replay.
    """
    if not secret or not header or not header.startswith(_PREFIX):
        return False
    try:
        given = base64.b64decode(header.removeprefix(_PREFIX).encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    return hmac.compare_digest(given, hmac.digest(secret.encode(), body, hashlib.sha256))


def parse_delivery(body: bytes) -> RawRecord | None:
    """Return the response of a signed delivery, None if it is not a completed one.

    The payload is the `form_response` object as received. Raises `RecordError` if the body is not a
    delivery.
    """
    try:
        delivery = msgspec.json.decode(body, type=_Delivery)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise RecordError("typeform webhook: the body is not a delivery") from exc
    response = delivery.form_response
    if not response.form_id or not response.token:
        raise RecordError("typeform webhook: the response has no id")
    if delivery.event_type != "form_response":
        return None
    return RawRecord(
        source_id=f"{response.form_id}:{response.token}",
        op=Op.UPSERT,
        at=parse_time(response.submitted_at) or parse_time(response.landed_at),
        version=response.submitted_at or response.landed_at or "",
        payload=slice_key(body, "form_response"),
    )


def event_id(body: bytes) -> str:
    """Return the delivery's id, which identifies a repeated delivery; "" if it has none."""
    try:
        return msgspec.json.decode(body, type=_Delivery).event_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


class _Hook:
    """See `hub.connectors.webhooks.Hook`. A delivery has the whole response, and is landed as it is."""

    validates_by_get = False

    def refusal(self, delivery: Delivery, secrets: Secrets, now: datetime) -> Refused | None:  # noqa: ARG002  # no time is signed
        """Return why the delivery is refused: its bytes are not signed with the secret."""
        header = delivery.header(SIGNATURE_HEADER)
        if is_signed(secrets.webhook, delivery.body, header):
            return None
        return Refused("the signature is wrong" if header else f"{SIGNATURE_HEADER} is missing")

    def events(self, delivery: Delivery) -> Sequence[Event]:
        """Return the completed response; nothing for one that was only begun."""
        record = parse_delivery(delivery.body)
        if record is None:
            return []
        key = event_id(delivery.body) or record.source_id
        return [
            Event(
                "form_response", "responses", record.source_id, key, record.at, record.payload,
                is_record=True, version=record.version,
            )
        ]  # fmt: skip


HOOK = _Hook()
