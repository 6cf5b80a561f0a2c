"""Webhooks of the audiences: kept in memory, checked as the vendor does when they are saved.

When a webhook is saved, its address is asked for by GET and must answer 200. Only loopback addresses are
asked. Not here: the routes (`app.py`). No delivery is sent.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from hub.sandbox.mailchimp.errors import ApiError, invalid, not_found
from hub.sandbox.mailchimp.lists import Json, hexed, link

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")
_SOURCES = ("user", "admin", "api")
_TIMEOUT_S = 10
_OK = 200


class Webhooks:
    """All webhooks, by list and id.

    Args:
        seed: of the world, for the ids.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made_n = 0
        self._hooks: dict[tuple[str, str], Json] = {}

    def of_list(self, list_id: str) -> list[Json]:
        """Return the webhooks of a list."""
        return [hook for (its_list, _), hook in self._hooks.items() if its_list == list_id]

    def find(self, list_id: str, id_: str) -> Json:
        """Return one webhook; raise 404 if there is none."""
        found = self._hooks.get((list_id, id_))
        if found is None:
            raise not_found()
        return found

    async def add(self, list_id: str, body: Mapping[str, Any], base: str) -> Json:
        """Add a webhook. The answer alone has the secret that signs."""
        url = await _checked(body.get("url"))
        self._made_n += 1
        id_ = hexed(f"mailchimp/webhook/{self._seed}/{self._made_n}", 10)
        hook: Json = {
            "id": id_,
            "url": url,
            "events": _flags(body, "events", _EVENTS, {}),
            "sources": _flags(body, "sources", _SOURCES, {}),
            "list_id": list_id,
            "_links": [link("self", f"{base}/3.0/lists/{list_id}/webhooks/{id_}")],
        }
        self._hooks[list_id, id_] = hook
        return {**hook, "signing_secret": hexed(f"mailchimp/signing/{self._seed}/{id_}", 32)}

    async def change(self, list_id: str, id_: str, body: Mapping[str, Any]) -> Json:
        """Change a webhook."""
        hook = self.find(list_id, id_)
        if "url" in body:
            hook["url"] = await _checked(body["url"])
        hook["events"] = _flags(body, "events", _EVENTS, hook["events"])
        hook["sources"] = _flags(body, "sources", _SOURCES, hook["sources"])
        return hook

    def remove(self, list_id: str, id_: str) -> None:
        """Delete a webhook."""
        self.find(list_id, id_)
        del self._hooks[list_id, id_]


def _flags(
    body: Mapping[str, Any], key: str, names: tuple[str, ...], before: Mapping[str, bool]
) -> dict[str, bool]:
    given = body.get(key) or {}
    if not isinstance(given, dict):
        raise invalid(key, "Schema describes object, another type found instead")
    return {name: bool(given.get(name, before.get(name, False))) for name in names}


async def _checked(url: object) -> str:
    text = str(url or "")
    if urlsplit(text).hostname not in _LOOPBACK:
        raise invalid("url", "url must be a loopback address")
    if await asyncio.to_thread(_status, text) != _OK:
        raise ApiError(
            400,
            "Invalid Resource",
            "The resource submitted could not be validated. For field-specific details, see the "
            "'errors' array.",
            [{"field": "url", "message": "We couldn't verify the URL."}],
        )
    return text


def _status(url: str) -> int:
    try:
        answer = requests.get(url, timeout=_TIMEOUT_S, allow_redirects=False)
    except requests.RequestException:
        return 0
    answer.close()
    return answer.status_code
