"""Mailchimp's webhooks: verify the signature or the secret, and return the member to read again.

A delivery is a form that names its member by the e-mail address only. Mailchimp did not sign
deliveries before 2026; without a signature, the secret is part of the webhook's address. Times have
no zone and are kept as text.
https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

from hub.connectors.webhooks import Delivery as Request
from hub.connectors.webhooks import Event, Refused, Secrets
from hub.errors import RecordError

SIGNATURE_HEADER = "X-Mailchimp-Signature"
TOLERANCE_S = 300
_SECONDS = re.compile(r"[0-9]{1,12}")
_KINDS = frozenset({"subscribe", "unsubscribe", "profile", "upemail", "cleaned", "campaign"})
_KEY = re.compile(r"[^\[\]]+")
_MOST_FIELDS = 1000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery.

    Args:
        kind: subscribe, unsubscribe, profile, upemail, cleaned or campaign.
        list_id: the list of the event.
        email: the member's present address; "" for a campaign.
        fired_at: as sent, without a zone.
        values: the values under `data`, by their path: `merges.FNAME`.
    """

    kind: str
    list_id: str
    email: str
    fired_at: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def member_hash(self) -> str:
        """Return the id for reading the member; "" if the delivery names no member."""
        if not self.email:
            return ""
        return hashlib.md5(self.email.lower().encode(), usedforsecurity=False).hexdigest()


def is_signed(secret: str, body: bytes, header: str | None, now: datetime) -> bool:
    """Return whether `t=…,v1=…` signs exactly these bytes, at most 300 seconds ago.

    A header may have several `v1` during a change of the secret.
    """
    if not secret or not header:
        return False
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for key, _, value in parts if key == "t"]
    given = [value for key, _, value in parts if key == "v1" and value.isascii()]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]):
        return False
    if abs(now.timestamp() - int(times[0])) > TOLERANCE_S:
        return False
    right = hmac.new(secret.encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    return any([hmac.compare_digest(right, one) for one in given])  # noqa: C419  # no early end


def is_secret(secret: str, given: str | None) -> bool:
    """Return whether the secret in the address is right; false if no secret is set."""
    sent = (given or "").encode("utf-8", "surrogatepass")
    return bool(secret) and hmac.compare_digest(secret.encode(), sent)


def parse_delivery(body: bytes) -> Delivery:
    """Return the content of a delivery; raises `RecordError` if the body is not a delivery."""
    try:
        fields = dict(
            parse_qsl(
                body.decode("utf-8"),
                keep_blank_values=True,
                max_num_fields=_MOST_FIELDS,
                errors="strict",
            )
        )
    except ValueError as exc:
        raise RecordError("mailchimp webhook: the body is not a form") from exc
    kind = fields.get("type", "")
    values = {
        ".".join(_KEY.findall(key)[1:]): value
        for key, value in fields.items()
        if key.startswith("data[")
    }
    list_id = values.get("list_id", "")
    if kind not in _KINDS or not list_id:
        raise RecordError("mailchimp webhook: the body is not a delivery")
    email = values.get("new_email") or values.get("email", "")
    if not email and kind != "campaign":
        raise RecordError("mailchimp webhook: the delivery names no member")
    return Delivery(kind, list_id, email, fields.get("fired_at", ""), values)


def event_id(body: bytes) -> str:
    """Return a digest that identifies a repeated delivery: it has no id, but the same bytes."""
    return hashlib.sha256(body).hexdigest()


class _Hook:
    """See `hub.connectors.webhooks.Hook`. Events are hints; each secret that is set must be right."""

    validates_by_get = True

    def refusal(self, delivery: Request, secrets: Secrets, now: datetime) -> Refused | None:
        """Return why the delivery is refused: no secret is set, or one of those that are is wrong."""
        if not secrets.webhook and not secrets.signing:
            return Refused("no secret is set, so no delivery can be proved")
        if secrets.webhook and not is_secret(secrets.webhook, delivery.path_secret):
            return Refused("the secret in the address is wrong or missing")
        header = delivery.header(SIGNATURE_HEADER)
        if secrets.signing and not is_signed(secrets.signing, delivery.body, header, now):
            return Refused("the signature is wrong, missing or not recent")
        return None

    def events(self, delivery: Request) -> Sequence[Event]:
        """Return a hint at the member; nothing for a campaign."""
        found = parse_delivery(delivery.body)
        if not found.member_hash:
            return []
        named = f"{found.list_id}:{found.member_hash}"
        key = event_id(delivery.body)
        return [Event(found.kind, "members", named, key, None, delivery.body)]


HOOK = _Hook()
