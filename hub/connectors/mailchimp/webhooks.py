"""Mailchimp's webhooks: is it really from Mailchimp, and whom does it speak of.

A delivery is a form, and names its member by address only: `Delivery` says which member to read
again. Deliveries were not signed before 2026; the secret then stands in the address they are sent
to. Times in them have no zone and are kept as they are.
https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

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
        list_id: the list it happened on.
        email: the address as it is now; "" for a campaign.
        fired_at: as sent, without a zone.
        values: everything under `data`, by its path: `merges.FNAME`.
    """

    kind: str
    list_id: str
    email: str
    fired_at: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def member_hash(self) -> str:
        """Return the id under which the member can be read now; "" if it is about nobody."""
        if not self.email:
            return ""
        return hashlib.md5(self.email.lower().encode(), usedforsecurity=False).hexdigest()


def is_signed(secret: str, body: bytes, header: str | None, now: datetime) -> bool:
    """Tell whether `t=…,v1=…` signs exactly these bytes, not longer ago than 300 seconds.

    Several `v1` may stand in one header while a secret is being changed.
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
    """Tell whether the secret of the address is right; never without one."""
    return bool(secret) and hmac.compare_digest(secret.encode(), (given or "").encode())


def parse_delivery(body: bytes) -> Delivery:
    """Return what a delivery says; raises `RecordError` if the body is none."""
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
    """Return what tells a repeated delivery: they have no id, but are sent again as they were."""
    return hashlib.sha256(body).hexdigest()
