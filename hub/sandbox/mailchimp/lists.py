"""The account's audiences and their merge fields.

There is one audience, "Newsletter", unless rows of `mailchimp/lists` or a member's `list_id` name
others.
Not here: members (`members.py`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.sandbox.world import Row, World

SOURCE, STREAM = "mailchimp", "members"
Json = dict[str, Any]
_AGE = timedelta(days=900)
_FIRST_NAME = "Newsletter"
_STANDARD = (
    ("EMAIL", "Email Address", "email"),
    ("FNAME", "First Name", "text"),
    ("LNAME", "Last Name", "text"),
    ("ADDRESS", "Address", "address"),
    ("PHONE", "Phone Number", "phone"),
    ("BIRTHDAY", "Birthday", "birthday"),
    ("COMPANY", "Company", "text"),
)
TAGS = tuple(tag for tag, _, _ in _STANDARD if tag != "EMAIL")


@dataclass(frozen=True, slots=True)
class Audience:
    """One list, with the rows of its members."""

    id: str
    name: str
    created_at: datetime
    rows: Sequence[Row]
    has_double_opt_in: bool = False


def hexed(text: str, length: int) -> str:
    """Return hex digits that look random; the same text gives the same digits."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()[:length]


def first_list_id(world: World) -> str:
    """Return the id of the list of members without `list_id`."""
    return hexed(f"mailchimp/list/{world.seed}", 10)


def list_id_of(world: World, row: Row) -> str:
    """Return the id of a member's list."""
    return str(row.values.get("list_id") or first_list_id(world))


def audiences_of(world: World) -> dict[str, Audience]:
    """Return the lists by id, oldest first."""
    first = first_list_id(world)
    named = {str(row.values.get("id") or row.id): row for row in world.rows(SOURCE, "lists")}
    members: dict[str, list[Row]] = {first: [], **{one: [] for one in named}}
    for row in world.rows(SOURCE, STREAM):
        members.setdefault(list_id_of(world, row), []).append(row)
    found = {}
    for id_, rows in members.items():
        said = named.get(id_)
        name = _FIRST_NAME if id_ == first else id_
        if said is not None:
            name = str(said.values.get("name") or name)
        created_at = said.created_at if said is not None else world.clock.start - _AGE
        is_double = said is not None and said.values.get("double_optin") is True
        found[id_] = Audience(id_, name, created_at, rows, is_double)
    return found


def merge_tags(audience: Audience) -> list[str]:
    """Return the tags of the list's merge fields: the usual ones and those of its members."""
    more = {str(tag) for row in audience.rows for tag in row.values.get("merge_fields") or {}} - {
        *TAGS,
        "EMAIL",
    }
    return [*TAGS, *sorted(more)]


def shown_merge_fields(audience: Audience) -> list[Json]:
    """Return the definitions of the list's merge fields."""
    known = {tag: (name, kind) for tag, name, kind in _STANDARD}
    shown = []
    for n, tag in enumerate(merge_tags(audience), start=1):
        name, kind = known.get(tag, (tag.capitalize(), "text"))
        shown.append({
            "merge_id": n,
            "tag": tag,
            "name": name,
            "type": kind,
            "required": False,
            "default_value": "",
            "public": tag in {"FNAME", "LNAME"},
            "display_order": n + 1,
            "options": {"size": 25} if kind == "text" else {},
            "help_text": "",
            "list_id": audience.id,
        })  # fmt: skip
    return shown


def shown_list(audience: Audience, base: str) -> Json:
    """Return a list as JSON."""
    statuses = [str(row.values.get("status") or "subscribed") for row in audience.rows]
    href = f"{base}/3.0/lists/{audience.id}"
    return {
        "id": audience.id,
        "web_id": int(hexed(audience.id, 6), 16),
        "name": audience.name,
        "contact": {
            "company": "Acme",
            "address1": "1 Example Road",
            "address2": "",
            "city": "Paris",
            "state": "",
            "zip": "75001",
            "country": "FR",
            "phone": "",
        },
        "permission_reminder": "You asked for it on our site",
        "use_archive_bar": True,
        "campaign_defaults": {
            "from_name": "Acme",
            "from_email": "news@acme.example.com",
            "subject": "",
            "language": "en",
        },
        "notify_on_subscribe": "",
        "notify_on_unsubscribe": "",
        "date_created": iso(audience.created_at),
        "list_rating": 0,
        "email_type_option": False,
        "subscribe_url_short": "",
        "subscribe_url_long": "",
        "beamer_address": "",
        "visibility": "pub",
        "double_optin": audience.has_double_opt_in,
        "has_welcome": False,
        "marketing_permissions": False,
        "modules": [],
        "stats": {
            "member_count": statuses.count("subscribed"),
            "unsubscribe_count": statuses.count("unsubscribed"),
            "cleaned_count": statuses.count("cleaned"),
            "campaign_count": 0,
            "campaign_last_sent": "",
            "merge_field_count": len(merge_tags(audience)),
            "avg_sub_rate": 0,
            "avg_unsub_rate": 0,
            "target_sub_rate": 0,
            "open_rate": 0,
            "click_rate": 0,
            "last_sub_date": iso(max((row.created_at for row in audience.rows), default=None)),
            "last_unsub_date": "",
        },
        "_links": [link("self", href), link("members", f"{href}/members")],
    }


def link(rel: str, href: str) -> Json:
    """Return one entry of `_links`."""
    return {"rel": rel, "href": href, "method": "GET"}


def iso(at: datetime | None) -> str:
    """Return a time as the API writes it; "" for None."""
    return at.strftime("%Y-%m-%dT%H:%M:%S+00:00") if at else ""
