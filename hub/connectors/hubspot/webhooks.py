"""HubSpot's webhooks: verify the signature, and return the records that the events name.

An event has the id of a record and not its values, so the hub reads the record again. HubSpot does not
promise the order of events, or that an event comes once.
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec

from hub.connectors.webhooks import Delivery, Event, Refused, Secrets
from hub.errors import RecordError
from hub.model.verdicts import Op

SIGNATURE_HEADER = "X-HubSpot-Signature-v3"
TIMESTAMP_HEADER = "X-HubSpot-Request-Timestamp"
TOLERANCE = timedelta(minutes=5)
_MILLIS = re.compile(r"[0-9]{1,16}")
# the escapes that HubSpot undoes before it signs; `?` keeps its place in the address
_ESCAPES = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(",
    "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPED = re.compile("|".join(_ESCAPES), re.IGNORECASE)
_STREAMS = {"contact": "contacts", "company": "companies", "0-1": "contacts", "0-2": "companies"}
_OPS = {
    "deletion": Op.DELETE,
    "privacyDeletion": Op.DELETE,
    "merge": Op.MERGE_INTO,
}


@dataclass(frozen=True, slots=True)
class Hint:
    """One event: what happened to which record.

    Args:
        stream: contacts or companies.
        source_id: the record; for a merge, the record that no longer exists.
        op: the expected operation on the record.
        at: when it happened.
        event_id: type, id and time, which identify a repeated event (`eventId` is not unique).
        into: the survivor of a merge.
        kind: the type of the subscription.
        body: the event as received.
    """

    stream: str
    source_id: str
    op: Op
    at: datetime | None
    event_id: str
    into: str | None = None
    kind: str = field(default="", compare=False)
    body: bytes = field(default=b"", compare=False, repr=False)


class _Event(msgspec.Struct):
    subscriptionType: str  # noqa: N815  # the vendor's spelling, here and below
    objectId: int | str | None = None  # noqa: N815
    objectTypeId: str = ""  # noqa: N815
    occurredAt: int | None = None  # noqa: N815
    primaryObjectId: int | str | None = None  # noqa: N815
    mergedObjectIds: list[int | str] = []  # noqa: N815
    newObjectId: int | str | None = None  # noqa: N815


def is_signed(
    secret: str,
    body: bytes,
    signature: str | None,
    timestamp: str | None,
    *,
    url: str,
    now: datetime,
    method: str = "POST",
) -> bool:
    """Return whether the headers sign exactly this request, recently; false without a secret.

    Args:
        secret: the app's client secret.
        body: as received.
        signature: the header `X-HubSpot-Signature-v3`.
        timestamp: the header `X-HubSpot-Request-Timestamp`, milliseconds since 1970.
        url: the public address as HubSpot called it, with its query.
        now: the present; a time more than five minutes before or after it is refused.
        method: of HTTP.
    """
    if not secret or not signature or not timestamp or not _MILLIS.fullmatch(timestamp):
        return False
    at = _moment(int(timestamp))
    if at is None or abs(now - at) > TOLERANCE:
        return False
    try:
        given = base64.b64decode(signature.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    signed = b"".join((method.encode(), _decoded(url).encode(), body, timestamp.encode()))
    return hmac.compare_digest(given, hmac.digest(secret.encode(), signed, hashlib.sha256))


def parse_delivery(body: bytes) -> list[Hint]:
    """Return the records that the events of a signed delivery name; a repeated event counts once.

    Events of other objects are left out. Raises `RecordError` if the body is not a list of events.
    """
    try:
        raws = [bytes(one) for one in msgspec.json.decode(body, type=list[msgspec.Raw])]
        events = [msgspec.json.decode(one, type=_Event) for one in raws]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise RecordError("hubspot webhook: the body is not a list of events") from exc
    hints: dict[tuple[str, str], Hint] = {}
    for event, raw in zip(events, raws, strict=True):
        for hint in _hints(event):
            whole = replace(hint, kind=event.subscriptionType, body=raw)
            hints.setdefault((hint.event_id, hint.source_id), whole)
    return list(hints.values())


def _hints(event: _Event) -> list[Hint]:
    kind, _, what = event.subscriptionType.partition(".")
    stream = _STREAMS.get(event.objectTypeId) or _STREAMS.get(kind)
    if stream is None:
        return []
    at = _moment(event.occurredAt) if event.occurredAt is not None else None
    op = _OPS.get(what, Op.UPSERT)
    named = event.objectId if event.objectId is not None else event.primaryObjectId
    event_id = f"{event.subscriptionType}:{named}:{event.occurredAt}"
    if op is Op.MERGE_INTO:
        return _merge_hints(event, stream, at, event_id)
    if named is None:
        return []
    return [Hint(stream, str(named), op, at, event_id)]


def _merge_hints(event: _Event, stream: str, at: datetime | None, event_id: str) -> list[Hint]:
    winner = event.newObjectId if event.newObjectId is not None else event.primaryObjectId
    if winner is None:
        return []
    into = str(winner)
    losers = [str(one) for one in event.mergedObjectIds if str(one) != into]
    gone = [Hint(stream, one, Op.MERGE_INTO, at, event_id, into) for one in losers]
    return [*gone, Hint(stream, into, Op.UPSERT, at, event_id)]


def _decoded(url: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0].upper()], url)


def _moment(millis: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(millis / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


class _Hook:
    """See `hub.connectors.webhooks.Hook`. Events are hints."""

    validates_by_get = False

    def refusal(self, delivery: Delivery, secrets: Secrets, now: datetime) -> Refused | None:
        """Return why the delivery is refused: not signed for this address, or not recently."""
        signature, stamp = delivery.header(SIGNATURE_HEADER), delivery.header(TIMESTAMP_HEADER)
        missing = [
            name
            for name, value in ((SIGNATURE_HEADER, signature), (TIMESTAMP_HEADER, stamp))
            if not value
        ]
        if missing:  # older signatures are there too; none of them signs a time
            return Refused(f"{' and '.join(missing)} missing; does a proxy remove headers?")
        if not delivery.url:
            return Refused("HubSpot signs the public address: set gateway.public_url")
        if is_signed(
            secrets.webhook, delivery.body, signature, stamp,
            url=delivery.url, now=now, method=delivery.method,
        ):  # fmt: skip
            return None
        return Refused("the signature does not fit the address and the body, or is not recent")

    def events(self, delivery: Delivery) -> Sequence[Event]:
        """Return a hint for each record; of a merge for the survivor, which names the others."""
        return [
            Event(
                one.kind, one.stream, one.source_id, f"{one.event_id}:{one.source_id}", one.at,
                one.body,
            )
            for one in parse_delivery(delivery.body)
            if one.op is not Op.MERGE_INTO
        ]  # fmt: skip


HOOK = _Hook()
