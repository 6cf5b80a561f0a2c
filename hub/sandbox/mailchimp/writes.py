"""Change members: check a request body and update the row.

Not here: paths and answers (`app.py`).
"""

from collections.abc import Mapping
from typing import Any

from hub.sandbox.mailchimp.errors import ApiError, invalid, member_exists
from hub.sandbox.mailchimp.lists import SOURCE, STREAM, Audience, Json, iso
from hub.sandbox.mailchimp.members import STATUSES, email_of, hash_of, status_of, tags_of
from hub.sandbox.world import Row, World

_KEPT = frozenset({
    "email_type", "language", "vip", "location", "ip_signup", "timestamp_signup", "ip_opt",
    "timestamp_opt", "interests", "marketing_permissions",
})  # fmt: skip
MOST_IN_A_BATCH = 500


def find(audience: Audience, hash_: str) -> Row | None:
    """Return the member with that id, address or contact id, or None."""
    for row in audience.rows:
        if hash_.lower() in {hash_of(email_of(row)), email_of(row).lower(), row.id}:
            return row
    return None


def create(world: World, audience: Audience, body: Mapping[str, Any]) -> Row:
    """Add a member. An archived member becomes active again."""
    email = _email(body)
    _check_status(body, required=True)
    known = find(audience, hash_of(email))
    if known is not None and status_of(known) != "archived":
        raise member_exists(email)
    if known is not None:
        return update(world, known, body)
    return world.create(SOURCE, STREAM, {
        "email_address": email,
        "list_id": audience.id,
        "timestamp_opt": iso(world.clock.now()) if body["status"] == "subscribed" else "",
        **_values(body, {}),
        "tags": tags_of(body),
    })  # fmt: skip


def put(world: World, audience: Audience, hash_: str, body: Mapping[str, Any]) -> Row:
    """Add or change a member."""
    known = find(audience, hash_)
    if known is not None:
        return update(world, known, body)
    status = body.get("status") or body.get("status_if_new")
    return create(world, audience, {**body, "status": status})


def update(world: World, row: Row, body: Mapping[str, Any]) -> Row:
    """Change a member. A new address changes the id and keeps the contact_id."""
    _check_status(body, required=False)
    changes = _values(body, row.values)
    if body.get("email_address"):
        changes["email_address"] = _email(body)
    if changes.get("status") == "subscribed" and status_of(row) != "subscribed":
        changes.setdefault("timestamp_opt", iso(world.clock.now()))
    return world.update(SOURCE, STREAM, row.id, changes)


def archive(world: World, row: Row) -> None:
    """Archive a member."""
    world.update(SOURCE, STREAM, row.id, {"status": "archived"})


def set_tags(world: World, row: Row, body: Mapping[str, Any]) -> None:
    """Add tags to a member and remove others."""
    tags = tags_of(row.values)
    for one in body.get("tags") or []:
        name, is_on = str(one.get("name") or ""), one.get("status") != "inactive"
        if not name:
            raise invalid("tags", "Tag names cannot be blank")
        tags = [tag for tag in tags if tag != name] + ([name] if is_on else [])
    world.update(SOURCE, STREAM, row.id, {"tags": tags})


def batch(
    world: World, audience: Audience, body: Mapping[str, Any]
) -> tuple[list[Row], list[Row], list[Json]]:
    """Subscribe several members. Return the new rows, the changed rows and the errors."""
    members = body.get("members")
    if not isinstance(members, list) or not members:
        raise invalid("members", "Required fields were not provided: members")
    if len(members) > MOST_IN_A_BATCH:
        raise invalid("members", f"No more than {MOST_IN_A_BATCH} members can be sent")
    new, changed, errors = [], [], []
    for one in members:
        try:
            known = find(audience, hash_of(_email(one)))
            if known is None:
                new.append(create(world, audience, one))
            elif body.get("update_existing"):
                changed.append(update(world, known, one))
            else:
                raise member_exists(_email(one))  # collected below
        except ApiError as exc:
            errors.append({
                "email_address": str(one.get("email_address") or ""),
                "error": exc.detail,
                "error_code": "ERROR_CONTACT_EXISTS" if "already" in exc.detail else "ERROR_GENERIC",
                "field": "",
                "field_message": "",
            })  # fmt: skip
    return new, changed, errors


def _values(body: Mapping[str, Any], before: Mapping[str, Any]) -> Json:
    changes: Json = {key: value for key, value in body.items() if key in _KEPT}
    if body.get("status"):
        changes["status"] = body["status"]
    given = body.get("merge_fields")
    if isinstance(given, dict):
        changes["merge_fields"] = {**(before.get("merge_fields") or {}), **given}
    return changes


def _email(body: Mapping[str, Any]) -> str:
    email = str(body.get("email_address") or "").strip()
    if "@" not in email:
        raise invalid("email address", "This value should be a valid email.")
    return email


def _check_status(body: Mapping[str, Any], *, required: bool) -> None:
    status = body.get("status")
    if (required and not status) or (status and status not in STATUSES):
        raise invalid("status", "The value you selected is not a valid choice.")
