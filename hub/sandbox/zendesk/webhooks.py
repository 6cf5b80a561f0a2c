"""Webhooks of the account: kept in memory, and their signed deliveries with the record of each.

A thread of its own sends the deliveries in order, to loopback addresses only, and once: the vendor's
retries are not emulated. Every webhook signs with the account's announced secret; the real vendor makes one
for each. Not here: the routes (`app.py`).
https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/
"""

import base64
import hashlib
import hmac
import itertools
import json
import queue
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from hub.sandbox.ids import scrambled
from hub.sandbox.world import Row, World, iso
from hub.sandbox.zendesk.errors import ApiError, not_found
from hub.sandbox.zendesk.people import SOURCE
from hub.sandbox.zendesk.shapes import Json

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT_S = 10
_KINDS = {"tickets": "ticket", "users": "user", "organizations": "organization"}
_NEEDED = ("name", "status", "endpoint", "http_method", "request_format")
_KEPT = (*_NEEDED, "subscriptions")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_TRIGGER = "conditional_ticket_events"
_TYPE = "zen:event-type:"
# the value that changed → the event of an update
_CHANGES = {
    "status": "status_changed", "subject": "subject_changed", "priority": "priority_changed",
    "tags": "tags_changed", "name": "name_changed", "custom_fields": "custom_field_changed",
}  # fmt: skip


class Webhooks:
    """All webhooks, by id.

    Args:
        world: the world whose changes are delivered.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._hooks: dict[str, Json] = {}
        self._invocations: dict[str, list[Json]] = defaultdict(list)
        self._numbers = itertools.count(1)
        self._waiting: queue.SimpleQueue[tuple[str, bytes] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        world.subscribe(self._on_event)

    def every(self) -> list[Json]:
        """Return the webhooks, the oldest first."""
        return list(self._hooks.values())

    def find(self, id_: str) -> Json:
        """Return one webhook; raise 404 if there is none."""
        found = self._hooks.get(id_)
        if found is None:
            raise not_found()
        return found

    def invocations(self, id_: str) -> list[Json]:
        """Return what became of the deliveries of a webhook, the newest first."""
        self.find(id_)
        return self._invocations[id_][::-1]

    def signing_secret(self, id_: str) -> Json:
        """Return the secret that signs a webhook's deliveries."""
        self.find(id_)
        return {"algorithm": "SHA256", "secret": self.world.secrets["zendesk_secret"]}

    def add(self, body: Mapping[str, Any]) -> Json:
        """Add a webhook."""
        asked = _asked(body)
        for name in _NEEDED:
            if not asked.get(name):
                raise _wrong(f"{name} is required")
        _check(asked)
        id_ = scrambled(f"zendesk/webhook/{next(self._numbers)}", 26).upper()
        at = iso(self.world.clock.now())
        kept = {name: asked[name] for name in _KEPT if name in asked}
        self._hooks[id_] = {
            "id": id_, "subscriptions": [], **kept, "created_at": at, "created_by": "1",
            "updated_at": at, "updated_by": "1",
        }  # fmt: skip
        return self._hooks[id_]

    def change(self, id_: str, body: Mapping[str, Any]) -> Json:
        """Change some values of a webhook; its way of connection stays what it is."""
        hook, asked = self.find(id_), _asked(body)
        changed = {**hook, **{name: asked[name] for name in _KEPT if name in asked}}
        _check(changed)
        if (_TRIGGER in hook["subscriptions"]) != (_TRIGGER in changed["subscriptions"]):
            raise _wrong("The connection method of a webhook cannot be changed")
        hook.update(changed, updated_at=iso(self.world.clock.now()))
        return hook

    def remove(self, id_: str) -> None:
        """Delete a webhook."""
        self.find(id_)
        del self._hooks[id_]

    def close(self) -> None:
        """Stop all deliveries."""
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _on_event(self, event: Json, row: Row) -> None:
        if row.source != SOURCE or row.stream not in _KINDS:
            return
        kind, at = _KINDS[row.stream], iso(self.world.clock.now())
        for name in _names(event, kind):
            type_ = f"{_TYPE}{kind}.{name}"
            body: Json = {
                "type": type_, "account_id": 1, "id": f"event-{next(self._numbers)}", "time": at,
                "zendesk_event_version": "2022-11-06", "subject": f"zen:{kind}:{row.id}",
                "detail": {"id": row.id}, "event": {},
            }  # fmt: skip
            for hook in self.every():
                if hook["status"] == "active" and type_ in hook["subscriptions"]:
                    self._send_later(hook["id"], json.dumps(body).encode())

    def _send_later(self, id_: str, body: bytes) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="zendesk-webhooks", daemon=True)
            self._thread.start()
        self._waiting.put((id_, body))

    def _run(self) -> None:
        while (one := self._waiting.get()) is not None:
            id_, body = one
            hook = self._hooks.get(id_)
            if hook is not None:
                self._deliver(hook, body)

    def _deliver(self, hook: Json, body: bytes) -> None:
        at = iso(self.world.clock.now())
        number = next(self._numbers)
        secret = self.world.secrets["zendesk_secret"].encode()
        signed = base64.b64encode(hmac.digest(secret, at.encode() + body, hashlib.sha256)).decode()
        headers = {
            "Content-Type": "application/json", "User-Agent": "Zendesk Webhook",
            "X-Zendesk-Account-Id": "1", "X-Zendesk-Webhook-Id": hook["id"],
            "X-Zendesk-Webhook-Invocation-Id": f"invocation-{number}",
            "X-Zendesk-Webhook-Signature": signed, "X-Zendesk-Webhook-Signature-Timestamp": at,
        }  # fmt: skip
        status = _post(hook["endpoint"], body, headers)
        self._invocations[hook["id"]].append({
            "id": f"invocation-{number}", "latest_completed_at": at,
            "status": "success" if 200 <= status < 300 else "failed",  # noqa: PLR2004
            "status_code": status,
        })  # fmt: skip


def _names(event: Json, kind: str) -> Iterator[str]:
    """Yield the names of the vendor's events for a change of the world."""
    op = event["op"]
    if op == "create":
        yield "created"
    elif op == "merge":
        yield "merged"
    elif op == "delete":
        yield "soft_deleted" if kind == "ticket" else "deleted"
    else:
        yield from (_CHANGES[key] for key in event["values"] if key in _CHANGES)


def _asked(body: Mapping[str, Any]) -> Mapping[str, Any]:
    asked = body.get("webhook")
    if not isinstance(asked, dict):
        raise _wrong("webhook is required")
    return asked


def _check(hook: Mapping[str, Any]) -> None:
    if urlsplit(str(hook["endpoint"])).hostname not in _LOOPBACK:
        raise _wrong("endpoint must be a loopback address")
    if hook["status"] not in {"active", "inactive"} or hook["http_method"] not in _METHODS:
        raise _wrong("status or http_method is invalid")
    names = hook.get("subscriptions") or []
    for name in names:
        if name != _TRIGGER and not str(name).startswith(_TYPE):
            raise _wrong(f"invalid event type: {name}")
    if _TRIGGER in names and len(names) > 1:
        raise _wrong("a webhook of triggers cannot subscribe to events")
    if names and (hook["http_method"], hook["request_format"]) != ("POST", "json"):
        raise _wrong("events need POST and json")


def _wrong(text: str) -> ApiError:
    return ApiError(400, "BadRequest", text)


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send a delivery and return the status; 0 means no answer."""
    try:
        answer = requests.post(url, data=body, headers=dict(headers), timeout=_TIMEOUT_S)
    except requests.RequestException:
        return 0
    answer.close()
    return answer.status_code
