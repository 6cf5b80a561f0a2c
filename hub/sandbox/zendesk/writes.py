"""Create, change and delete tickets, users and organizations; merge users.

Not here: the routes (`app.py`).
"""

from collections.abc import Mapping
from typing import Any

from hub.sandbox.world import Row, World
from hub.sandbox.zendesk.errors import ApiError, invalid, not_found
from hub.sandbox.zendesk.people import SOURCE, TICKETS, USERS, email_of
from hub.sandbox.zendesk.shapes import Json

SINGULAR = {"tickets": "ticket", "users": "user", "organizations": "organization"}
_READ_ONLY = frozenset({
    "id", "url", "created_at", "updated_at", "generated_timestamp", "active", "fields",
    "raw_subject", "comment", "via_followup_source_id",
})  # fmt: skip


def create(world: World, stream: str, body: Mapping[str, Any]) -> Row:
    """Create a record from a request body."""
    asked = _asked(stream, body)
    values = _values(asked)
    if stream == TICKETS:
        values = _with_comment(values, asked)
        if not values.get("description"):
            raise invalid(base="Description: cannot be blank")
        values.setdefault("via", {"channel": "api"})
        values.setdefault("status", "new")
    elif not values.get("name"):
        raise invalid(name="Name: cannot be blank")
    if stream == USERS:
        _check_email(world, values, own_id=None)
    return world.create(SOURCE, stream, values)


def change(world: World, row: Row, body: Mapping[str, Any]) -> Row:
    """Change a record by a request body."""
    asked = _asked(row.stream, body)
    values = _values(asked)
    if row.stream == TICKETS:
        if row.merged_into or row.values.get("status") == "closed":
            raise invalid(status="Status: closed prevents ticket update")
        if "additional_tags" in values:
            tags = [*(row.values.get("tags") or []), *values.pop("additional_tags")]
            values["tags"] = list(dict.fromkeys(tags))
    if row.stream == USERS:
        _check_email(world, values, own_id=row.id)
    return world.update(SOURCE, row.stream, row.id, values)


def remove(world: World, row: Row) -> Row:
    """Delete a record softly: exports still return it."""
    return world.delete(SOURCE, row.stream, row.id)


def merge_users(world: World, loser: Row, body: Mapping[str, Any]) -> Row:
    """Merge a user into the user of a request body; return the surviving user."""
    asked = _asked(USERS, body)
    winner = world.get(SOURCE, USERS, str(asked.get("id", "")))
    if winner is None or winner.deleted:
        raise not_found()
    if winner.id == loser.id:
        raise invalid(base="Cannot merge a user with itself")
    world.merge(SOURCE, USERS, loser.id, winner.id)
    return world.get(SOURCE, USERS, winner.id) or winner


def _asked(stream: str, body: Mapping[str, Any]) -> Json:
    asked = body.get(SINGULAR[stream])
    if not isinstance(asked, dict):
        raise ApiError(400, "RecordInvalid", f"the body has no {SINGULAR[stream]}")
    return asked


def _values(asked: Mapping[str, Any]) -> Json:
    return {key: value for key, value in asked.items() if key not in _READ_ONLY}


def _with_comment(values: Json, asked: Mapping[str, Any]) -> Json:
    comment = asked.get("comment")
    if isinstance(comment, Mapping):
        values["description"] = comment.get("body") or comment.get("html_body") or ""
    return values


def _check_email(world: World, values: Mapping[str, Any], *, own_id: str | None) -> None:
    email = str(values.get("email") or "").lower()
    if not email:
        return
    for row in world.rows(SOURCE, USERS):
        if row.id != own_id and email_of(row).lower() == email:
            raise invalid(email=f"Email: {email} is already being used by another user")
