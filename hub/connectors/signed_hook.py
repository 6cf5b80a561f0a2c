"""Webhooks of any sender that signs as Standard Webhooks says; the settings say where a record's id is.

https://www.standardwebhooks.com: HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, base64 after `v1,`. A header
may have several signatures, while the sender changes its secret. The body is one JSON object, which is the record.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hub.connectors.webhooks import Delivery, Event, Refused, Secrets
from hub.connectors.windows import parse_time
from hub.errors import RecordError
from hub.frozen import dataclass
from hub.model.standard_webhooks import ID, SIGNATURE, TIMESTAMP, is_signed, key_of

_TOLERANCE = timedelta(minutes=5)
_ID_LENGTH = 200
_MILLISECONDS = 100_000_000_000
"""From this number on a time counts milliseconds, not seconds."""


@dataclass(frozen=True, slots=True)
class SignedHook:
    """See `hub.connectors.webhooks.Hook`. A delivery has the whole record, and is landed as it is.

    Args:
        stream: of the records.
        id_path: the place of a record's id in the body, its steps joined by dots.
        at_path: the place of the record's time; "" for none: then the signed time counts.
    """

    stream: str
    id_path: str
    at_path: str = ""
    validates_by_get: bool = False

    def refusal(self, delivery: Delivery, secrets: Secrets, now: datetime) -> Refused | None:
        """Return why the delivery is refused."""
        key = key_of(secrets.webhook)
        if key is None:
            return Refused("the hub has no usable secret for this hook")
        if missing := [one for one in (ID, TIMESTAMP, SIGNATURE) if not delivery.header(one)]:
            return Refused(f"{missing[0]} is missing")
        at = _signed_time(delivery)
        if at is None:
            return Refused(f"{TIMESTAMP} is no number of seconds")
        if abs(now - at) > _TOLERANCE:
            return Refused("the delivery is not recent")
        named, moment = delivery.header(ID), delivery.header(TIMESTAMP)
        if is_signed(key, named, moment, delivery.body, delivery.header(SIGNATURE)):
            return None
        return Refused("the signature is wrong")

    def events(self, delivery: Delivery) -> Sequence[Event]:
        """Return the record."""
        try:
            record = msgspec.json.decode(delivery.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise RecordError("the body is not JSON") from exc
        if not isinstance(record, dict):
            raise RecordError("the body is not one JSON object")
        at = _moment(_found(record, self.at_path)) or _signed_time(delivery)
        return [
            Event(
                kind="record",
                stream=self.stream,
                source_id=_source_id(_found(record, self.id_path), self.id_path),
                key=delivery.header(ID),
                at=at,
                body=delivery.body,
                is_record=True,
                version=at.isoformat() if at else "",
            )
        ]


def _signed_time(delivery: Delivery) -> datetime | None:
    said = delivery.header(TIMESTAMP)
    if not (said.isascii() and said.isdigit()):
        return None
    return _moment(int(said)) if len(said) <= 12 else None  # noqa: PLR2004  # the year 33658


def _moment(said: Any) -> datetime | None:
    """Return a time that a record says: a text, or seconds or milliseconds since 1970."""
    if isinstance(said, str):
        return parse_time(said)
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    seconds = said / 1000 if said >= _MILLISECONDS else said
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _found(record: Any, path: str) -> Any:
    """Return the value at a path, None if there is none."""
    for step in path.split(".") if path else ():
        record = record.get(step) if isinstance(record, dict) else None
    return record if path else None


def _source_id(said: Any, path: str) -> str:
    is_id = isinstance(said, str | int) and not isinstance(said, bool)
    name = str(said).strip() if is_id else ""
    if not name or len(name) > _ID_LENGTH:
        raise RecordError(f"the record has no id at {path!r}")
    return name
