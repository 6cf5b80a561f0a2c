"""Zendesk's webhooks: verify the signature and its time, and return the record to read again.

Event subscriptions send `{type, id, subject, detail, event}` with ids as text. Triggers and
automations send the JSON that the administrator wrote. Both only name a record, and the hub reads
its state from the API. https://developer.zendesk.com/documentation/webhooks/verifying/
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from hub.connectors.webhooks import Delivery, Refused, Secrets
from hub.connectors.webhooks import Event as HookEvent
from hub.connectors.windows import parse_time
from hub.errors import RecordError

SIGNATURE_HEADER = "X-Zendesk-Webhook-Signature"
TIMESTAMP_HEADER = "X-Zendesk-Webhook-Signature-Timestamp"
INVOCATION_HEADER = "X-Zendesk-Webhook-Invocation-Id"
TOLERANCE = timedelta(minutes=5)
_TYPE = re.compile(r"zen:event-type:([a-z_]+)\.([a-z_]+)")
_SUBJECT = re.compile(r"zen:([a-z_]+):([A-Za-z0-9_-]+)")
_STREAMS: Mapping[str, str] = {
    "ticket": "tickets",
    "user": "users",
    "organization": "organizations",
}
_NOBODY = frozenset({"", "0"})


@dataclass(frozen=True, slots=True)
class Event:
    """The event of a delivery.

    Args:
        stream: the stream of the record; "" if the hub does not read such records.
        source_id: the record's id; "" if the delivery names none.
        name: the event, such as `created`; "" for a trigger's delivery.
        at: when it happened.
        id: identifies a repeated delivery; "" if it has none.
    """

    stream: str
    source_id: str
    name: str = ""
    at: datetime | None = None
    id: str = ""


class _Delivery(msgspec.Struct):
    type: str = ""
    id: str | int = ""
    subject: str = ""
    time: str = ""
    detail: dict[str, object] = {}  # msgspec copies an empty default
    ticket_id: str | int | None = None
    user_id: str | int | None = None


def is_signed(secret: str, body: bytes, headers: Mapping[str, str], *, now: datetime) -> bool:
    """Return whether the headers sign exactly these bytes, recently.

    Args:
        secret: as Zendesk shows it, without decoding; "" refuses every delivery.
        body: as received.
        headers: of the delivery; names in any case.
        now: the present; a time more than five minutes before or after it is refused.
    """
    named = {name.lower(): value for name, value in headers.items()}
    stamp = named.get(TIMESTAMP_HEADER.lower(), "")
    at = parse_time(stamp)
    if at is None or abs(now - at) > TOLERANCE:
        return False
    return is_signature(secret, body, stamp, named.get(SIGNATURE_HEADER.lower(), ""))


def is_signature(secret: str, body: bytes, timestamp: str, given: str) -> bool:
    """Return whether a signature belongs to a timestamp and a body; false without a secret."""
    if not secret or not given:
        return False
    digest = hmac.digest(secret.encode(), timestamp.encode() + body, hashlib.sha256)
    sent = given.strip().encode("utf-8", "surrogatepass")
    return hmac.compare_digest(base64.b64encode(digest), sent)


def parse_event(body: bytes) -> Event:
    """Return the event of a signed delivery; raises `RecordError` if the body is not an object."""
    try:
        delivery = msgspec.json.decode(body, type=_Delivery)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise RecordError("zendesk webhook: the body is not a delivery") from exc
    kind = _TYPE.fullmatch(delivery.type)
    subject = _SUBJECT.fullmatch(delivery.subject)
    if kind is None:
        return _of_trigger(delivery)
    id_ = str(delivery.detail.get("id") or "")
    if subject is not None and subject[1] == kind[1] and id_ in _NOBODY:
        id_ = subject[2]
    return Event(
        stream=_STREAMS.get(kind[1], ""),
        source_id="" if id_ in _NOBODY else id_,
        name=kind[2],
        at=parse_time(delivery.time),
        id=str(delivery.id),
    )


def _of_trigger(delivery: _Delivery) -> Event:
    """Return the record that a hand-written body names by `ticket_id` or `user_id`."""
    for stream, id_ in (("tickets", delivery.ticket_id), ("users", delivery.user_id)):
        if id_ is not None and str(id_) not in _NOBODY:
            return Event(stream, str(id_))
    return Event("", "")


class _Hook:
    """See `hub.connectors.webhooks.Hook`. Events are hints."""

    validates_by_get = False

    def refusal(self, delivery: Delivery, secrets: Secrets, now: datetime) -> Refused | None:
        """Return why the delivery is refused: not signed with the secret, or not recently."""
        missing = [n for n in (SIGNATURE_HEADER, TIMESTAMP_HEADER) if not delivery.header(n)]
        if missing:
            return Refused(f"{' and '.join(missing)} missing; does a proxy remove headers?")
        if is_signed(secrets.webhook, delivery.body, delivery.headers, now=now):
            return None
        return Refused("the signature is wrong or not recent")

    def events(self, delivery: Delivery) -> Sequence[HookEvent]:
        """Return a hint at the record; nothing if the delivery names none that the hub reads.

        The invocation's id is not signed. It only tells deliveries of triggers apart, which have no id.
        """
        found = parse_event(delivery.body)
        if not found.stream or not found.source_id:
            return []
        key = found.id or delivery.header(INVOCATION_HEADER) or _digest(delivery)
        kind = f"{found.stream}.{found.name or 'trigger'}"
        return [
            HookEvent(kind, found.stream, found.source_id, key, found.at, delivery.body),
        ]


def _digest(delivery: Delivery) -> str:
    signed = delivery.header(TIMESTAMP_HEADER).encode() + delivery.body
    return hashlib.sha256(signed).hexdigest()


HOOK = _Hook()
