"""Owners: the universe's users under the vendor's ids. Users who left are archived."""

from datetime import timedelta
from typing import Any

from hub.sandbox.hubspot.objects import Crm
from hub.sandbox.hubspot.texts import SOURCE, Json, moment
from hub.sandbox.world import digest_of

_USER_IDS = 9_000_000
_SINCE = timedelta(days=900)


def owners(crm: Crm, *, is_archived: bool, email: str = "") -> list[Json]:
    """Return all active or all archived owners, in the universe's order."""
    users = [user for user in crm.world.users if _is_ours(user)]
    shown = [_shown(user, crm) for user in users if bool(user["active"]) != is_archived]
    return [one for one in shown if not email or one["email"].lower() == email.lower()]


def _is_ours(user: dict[str, Any]) -> bool:
    return not user["ids"] or SOURCE in user["ids"] or bool(user.get("email"))


def _shown(user: dict[str, Any], crm: Crm) -> Json:
    first, _, last = str(user["name"]).rpartition(" ")
    user_id = digest_of(user["id"], "hubspot") % _USER_IDS + 1_000_000
    at = moment(crm.world.clock.start - _SINCE)
    return {
        "id": user["ids"].get(SOURCE, user["id"]),
        "email": user["email"] or "",
        "type": "PERSON",
        "firstName": first,
        "lastName": last,
        "userId": user_id if user["active"] else None,
        "userIdIncludingInactive": user_id,
        "createdAt": at,
        "updatedAt": at,
        "archived": not user["active"],
    }
