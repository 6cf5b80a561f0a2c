"""Rows as JSON: tickets, users, organizations.

An id of digits becomes a JSON number, any other id stays a text. Not here: which rows a request
selects (`paging.py`).
"""

from collections.abc import Mapping
from typing import Any

from hub.sandbox.world import Row, iso
from hub.sandbox.zendesk.people import ORGANIZATIONS, STAFF, TICKETS, USERS, Directory, role_of

Json = dict[str, Any]
GROUP, BRAND, FORM = 360000000101, 360000000201, 360000000301
_MERGED = "closed_by_merge"
_BY_CHANNEL: Json = {"from": {}, "to": {}, "rel": None}


def wire_id(value: object) -> int | str | None:
    """Return an id as a JSON value."""
    if value is None:
        return None
    text = str(value)
    return int(text) if text.isdecimal() and text.isascii() and str(int(text)) == text else text


def shown(row: Row, directory: Directory, base: str) -> Json:
    """Return a row as JSON. `base` is the scheme and host of its links."""
    url = f"{base}/api/v2/{row.stream}/{row.id}.json"
    common = {
        "url": url,
        "id": wire_id(row.id),
        "external_id": row.values.get("external_id"),
        "created_at": iso(row.created_at),
        "updated_at": iso(row.modified_at),
    }
    make = {TICKETS: _ticket, USERS: _user, ORGANIZATIONS: _organization}[row.stream]
    return {**common, **make(row, directory)}


def shown_audit(row: Row, directory: Directory) -> Json:
    """Return the `audit` of a ticket that was just created or changed."""
    id_ = int(row.modified_at.timestamp()) * 1000 + row.seq
    author = wire_id(directory.requester_id(row))
    comment: Json = {
        "id": id_ + 1,
        "type": "Comment",
        "author_id": author,
        "body": row.values.get("description") or "",
        "public": True,
        "attachments": [],
        "audit_id": id_,
    }
    return {
        "id": id_,
        "ticket_id": wire_id(row.id),
        "created_at": iso(row.modified_at),
        "author_id": author,
        "metadata": {"system": {}, "custom": {}},
        "events": [comment],
        "via": _via(row, directory),
    }


def _ticket(row: Row, directory: Directory) -> Json:
    values = row.values
    requester = wire_id(directory.requester_id(row))
    description = str(values.get("description") or "")
    subject = values.get("subject") or description[:60] or None
    custom = values.get("custom_fields") or []
    status, tags = values.get("status") or "open", list(values.get("tags") or [])
    if row.merged_into is not None:
        status, tags = "closed", [*tags, *([] if _MERGED in tags else [_MERGED])]
    elif row.deleted:
        status = "deleted"
    return {
        "via": _via(row, directory),
        "generated_timestamp": int(row.modified_at.timestamp()),
        "type": values.get("type"),
        "subject": subject,
        "raw_subject": subject,
        "description": description,
        "priority": values.get("priority"),
        "status": status,
        "recipient": values.get("recipient"),
        "requester_id": requester,
        "submitter_id": wire_id(values.get("submitter_id")) or requester,
        "assignee_id": wire_id(values.get("assignee_id")),
        "organization_id": wire_id(_organization_of(row, directory)),
        "group_id": wire_id(values.get("group_id", GROUP)),
        "collaborator_ids": values.get("collaborator_ids") or [],
        "follower_ids": values.get("follower_ids") or [],
        "email_cc_ids": values.get("email_cc_ids") or [],
        "forum_topic_id": None,
        "problem_id": values.get("problem_id"),
        "has_incidents": False,
        "is_public": values.get("is_public", True),
        "due_at": values.get("due_at"),
        "tags": tags,
        "custom_fields": custom,
        "satisfaction_rating": _rating(values.get("satisfaction_rating")),
        "sharing_agreement_ids": [],
        "custom_status_id": values.get("custom_status_id", 360000000401),
        "fields": custom,
        "followup_ids": [],
        "ticket_form_id": wire_id(values.get("ticket_form_id", FORM)),
        "brand_id": wire_id(values.get("brand_id", BRAND)),
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
        "support_type": "agent",
    }


def _via(row: Row, directory: Directory) -> Json:
    via = row.values.get("via")
    via = via if isinstance(via, Mapping) else {"channel": via or "web"}
    source = via.get("source")
    if isinstance(source, Mapping):
        return {"channel": via.get("channel") or "web", "source": dict(source)}
    source = dict(_BY_CHANNEL)
    user = directory.user(directory.requester_id(row) or "")
    if via.get("channel") == "email" and user is not None:
        source["from"] = {"address": user.values.get("email"), "name": user.values.get("name")}
    return {"channel": via.get("channel") or "web", "source": source}


def _rating(value: object) -> Json | None:
    if isinstance(value, str):
        return {"score": value}
    return dict(value) if isinstance(value, Mapping) else {"score": "unoffered"}


def _organization_of(ticket: Row, directory: Directory) -> str | None:
    own = directory.organization_id(ticket)
    if own is not None or "organization_id" in ticket.values:
        return own
    user = directory.user(directory.requester_id(ticket) or "")
    return directory.organization_id(user) if user is not None else None


def _user(row: Row, directory: Directory) -> Json:
    values, role = row.values, role_of(row)
    is_staff = role in STAFF
    return {
        "name": values.get("name") or values.get("email") or "",
        "email": values.get("email"),
        "time_zone": values.get("time_zone") or "Paris",
        "iana_time_zone": values.get("iana_time_zone") or "Europe/Paris",
        "phone": values.get("phone"),
        "shared_phone_number": values.get("shared_phone_number"),
        "photo": None,
        "locale_id": 16 if str(values.get("locale", "")).startswith("fr") else 1,
        "locale": values.get("locale") or "en-US",
        "organization_id": wire_id(directory.organization_id(row)),
        "role": role,
        "verified": bool(values.get("verified", True)),
        "tags": values.get("tags") or [],
        "alias": values.get("alias"),
        "active": not row.deleted and bool(values.get("active", True)),
        "shared": False,
        "shared_agent": False,
        "last_login_at": values.get("last_login_at"),
        "two_factor_auth_enabled": None,
        "signature": None,
        "details": values.get("details"),
        "notes": values.get("notes"),
        "role_type": 4 if role == "admin" else None,
        "custom_role_id": None,
        "is_billing_admin": False if is_staff else None,
        "moderator": is_staff,
        "ticket_restriction": None if is_staff else "requested",
        "only_private_comments": False,
        "restricted_agent": not is_staff,
        "suspended": bool(values.get("suspended", False)),
        "default_group_id": GROUP if is_staff else None,
        "report_csv": False,
        "user_fields": values.get("user_fields") or {},
    }


def _organization(row: Row, directory: Directory) -> Json:  # noqa: ARG001  # the same signature as the others
    values = row.values
    return {
        "name": values.get("name") or "",
        "shared_tickets": False,
        "shared_comments": False,
        "domain_names": values.get("domain_names") or [],
        "details": values.get("details"),
        "notes": values.get("notes"),
        "group_id": wire_id(values.get("group_id")),
        "tags": values.get("tags") or [],
        "organization_fields": values.get("organization_fields") or {},
    }
