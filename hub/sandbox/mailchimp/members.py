"""A member as JSON. An unset value is "", never null.

`id` is the MD5 of the lower-case address, so it changes with the address. `contact_id` is the row's
id and stays. Not here: which members a request selects (`pages.py`), changes (`writes.py`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from hub.sandbox.mailchimp.lists import Audience, Json, hexed, iso, link, merge_tags
from hub.sandbox.world import Row

STATUSES = frozenset({
    "subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived"
})  # fmt: skip
# Mailchimp works these out itself, or they have an address beside the member's: `last_changed` is
# "when the member's info was last changed", and no documentation says that these are part of it
SILENT = ("tags", "member_rating", "location", "email_client", "stats", "last_note")
_ADDRESS = ("addr1", "addr2", "city", "state", "zip", "country")
_PLAIN: Mapping[str, Any] = {
    "ip_signup": "",
    "ip_opt": "",
    "timestamp_signup": "",
    "member_rating": 2,
    "language": "",
    "vip": False,
    "email_client": "",
    "source": "API - Generic",
}


def email_of(row: Row) -> str:
    """Return a member's address."""
    return str(row.values.get("email_address") or "")


def hash_of(email: str) -> str:
    """Return a member's id in the API: the MD5 of the address."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def status_of(row: Row) -> str:
    """Return a member's status."""
    return str(row.values.get("status") or "subscribed")


def tags_of(values: Mapping[str, Any]) -> list[str]:
    """Return the names of a member's tags."""
    tags = values.get("tags") or []
    return [str(tag["name"] if isinstance(tag, dict) else tag) for tag in tags]


def shown_tags(names: Sequence[str]) -> list[Json]:
    """Return tags as JSON."""
    return [{"id": tag_id(name), "name": name} for name in names]


def tag_id(name: str) -> int:
    """Return a tag's numeric id."""
    return int(hexed(f"tag/{name}", 6), 16)


def shown_member(row: Row, audience: Audience, base: str) -> Json:
    """Return a member as JSON."""
    values, email = row.values, email_of(row)
    merge_fields = _merge_fields(values, audience)
    id_ = hash_of(email)
    status = status_of(row)
    shown: Json = {
        "id": id_,
        "email_address": email,
        "unique_email_id": hexed(f"unique/{row.id}", 10),
        "contact_id": row.id,
        "full_name": _full_name(values, merge_fields),
        "web_id": int(hexed(f"web/{row.id}", 7), 16),
        "email_type": str(values.get("email_type") or "html"),
        "status": status,
    }
    if status == "unsubscribed":
        shown["unsubscribe_reason"] = str(
            values.get("unsubscribe_reason") or "N/A (Unsubscribed by admin)"
        )
    opted_at = iso(row.created_at) if status in {"subscribed", "unsubscribed"} else ""
    tags = tags_of(values)
    href = f"{base}/3.0/lists/{audience.id}/members/{id_}"
    shown |= {
        "consents_to_one_to_one_messaging": True,
        "sms_phone_number": "",
        "sms_subscription_status": "",
        "sms_subscription_last_updated": "",
        "merge_fields": merge_fields,
        "interests": dict(values.get("interests") or {}),
        "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
        **{key: _or(values.get(key), unset) for key, unset in _PLAIN.items()},
        "timestamp_opt": _or(values.get("timestamp_opt"), opted_at),
        "last_changed": iso(row.modified_at),
        "location": {
            "latitude": 0,
            "longitude": 0,
            "gmtoff": 0,
            "dstoff": 0,
            "country_code": "",
            "timezone": "",
            "region": "",
            **(values.get("location") or {}),
        },
        "tags_count": len(tags),
        "tags": shown_tags(tags),
        "list_id": audience.id,
        "_links": [link("self", href), link("parent", href.rpartition("/")[0])],
    }
    if values.get("last_note"):
        shown["last_note"] = values["last_note"]
    if values.get("marketing_permissions"):
        shown["marketing_permissions"] = values["marketing_permissions"]
    return shown


def _merge_fields(values: Mapping[str, Any], audience: Audience) -> Json:
    given = values.get("merge_fields") or {}
    shown: Json = {}
    for tag in merge_tags(audience):
        value = _or(given.get(tag), "")
        if tag == "ADDRESS" and isinstance(value, dict):
            value = {part: str(value.get(part) or "") for part in _ADDRESS}
        shown[tag] = value
    return shown


def _full_name(values: Mapping[str, Any], merge_fields: Json) -> str:
    parts = (str(merge_fields.get(tag) or "") for tag in ("FNAME", "LNAME"))
    return str(values.get("full_name") or " ".join(part for part in parts if part))


def _or(value: Any, unset: Any) -> Any:
    return unset if value is None else value
