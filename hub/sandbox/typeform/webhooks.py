"""Webhooks: the subscriptions to new responses, and their signed deliveries.

A thread of its own sends the deliveries in order. It repeats failed ones by the vendor's schedule,
on the vendor's clock. It sends to loopback addresses only. Not here: the routes (`app.py`).
"""

import base64
import hashlib
import heapq
import hmac
import itertools
import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import requests

from hub.sandbox.ids import scrambled
from hub.sandbox.typeform.answers import shown_event
from hub.sandbox.typeform.errors import ApiError
from hub.sandbox.typeform.forms import SOURCE, STREAM, Json, form_id_of, make_form
from hub.sandbox.world import Row, World

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT_S = 30
_SOON = timedelta(minutes=2, seconds=30)
_SOON_N = 240  # every two or three minutes for ten hours
_LATER = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 60, 120, 180, 240))
_GONE = frozenset({404, 410})
_BUSY = frozenset({408, 423, 429, 503})


@dataclass(slots=True)
class Webhook:
    """One subscription to a form's responses."""

    id: str
    form_id: str
    tag: str
    url: str
    secret: str
    created_at: datetime
    updated_at: datetime
    enabled: bool = True
    verify_ssl: bool = True

    def shown(self) -> Json:
        """Return the subscription as JSON, without its secret."""
        return {
            "id": self.id,
            "form_id": self.form_id,
            "tag": self.tag,
            "url": self.url,
            "enabled": self.enabled,
            "verify_ssl": self.verify_ssl,
            "event_types": {"form_response": True},
            "created_at": self.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "updated_at": self.updated_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


@dataclass(order=True, slots=True)
class _Delivery:
    due_at: datetime
    number: int
    key: tuple[str, str]
    body: bytes
    attempt: int = 0


def signature(secret: str, body: bytes) -> str:
    """Return the value of `Typeform-Signature`."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return f"sha256={base64.b64encode(digest).decode()}"


class Webhooks:
    """All subscriptions, by form and tag.

    Args:
        world: the world whose new responses are delivered.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._hooks: dict[tuple[str, str], Webhook] = {}
        self._deliveries: list[_Delivery] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        world.subscribe(self._on_event)

    def of_form(self, form_id: str) -> list[Webhook]:
        """Return the subscriptions to one form."""
        return [hook for hook in self._hooks.values() if hook.form_id == form_id]

    def find(self, form_id: str, tag: str) -> Webhook:
        """Return one subscription; raise 404 if there is none."""
        hook = self._hooks.get((form_id, tag))
        if hook is None:
            raise ApiError(404, "WEBHOOK_NOT_FOUND", "Webhook not found")
        return hook

    def put(self, form_id: str, tag: str, asked: Json) -> Webhook:
        """Add or change a subscription. The account's secret is used if it has no own secret."""
        url = str(asked.get("url") or "")
        if urlsplit(url).hostname not in _LOOPBACK:
            raise ApiError(400, "VALIDATION_ERROR", "url must be a loopback address")
        now = self.world.clock.now()
        known = self._hooks.get((form_id, tag))
        hook = Webhook(
            id=known.id if known else scrambled(f"hook/{form_id}/{tag}", 26).upper(),
            form_id=form_id,
            tag=tag,
            url=url,
            secret=str(asked.get("secret") or self.world.secrets["typeform_secret"]),
            created_at=known.created_at if known else now,
            updated_at=now,
            enabled=bool(asked.get("enabled", False)),
            verify_ssl=bool(asked.get("verify_ssl", True)),
        )
        self._hooks[form_id, tag] = hook
        return hook

    def remove(self, form_id: str, tag: str) -> None:
        """End a subscription."""
        self.find(form_id, tag)
        del self._hooks[form_id, tag]

    def close(self) -> None:
        """Stop all deliveries."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _on_event(self, event: Json, row: Row) -> None:
        if event["op"] != "create" or (row.source, row.stream) != (SOURCE, STREAM):
            return
        form = make_form(self.world, form_id_of(row), [row])
        body = json.dumps(shown_event(row, form), ensure_ascii=False).encode()
        for hook in self.of_form(form.id):
            if hook.enabled:
                self._queue(
                    _Delivery(
                        self.world.clock.now(), next(self._numbers), (form.id, hook.tag), body
                    )
                )

    def _queue(self, delivery: _Delivery) -> None:
        with self._wake:
            heapq.heappush(self._deliveries, delivery)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="typeform-webhooks", daemon=True
                )
                self._thread.start()
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._closed and not self._is_due():
                    self._wake.wait(self._wait_s())
                if self._closed:
                    return
                delivery = heapq.heappop(self._deliveries)
            self._deliver(delivery)

    def _is_due(self) -> bool:
        return bool(self._deliveries) and self._deliveries[0].due_at <= self.world.clock.now()

    def _wait_s(self) -> float | None:
        if not self._deliveries:
            return None
        left = (self._deliveries[0].due_at - self.world.clock.now()).total_seconds()
        return max(self.world.clock.real_s(left), 0.01)

    def _deliver(self, delivery: _Delivery) -> None:
        hook = self._hooks.get(delivery.key)
        if hook is None or not hook.enabled:
            return
        status = _post(hook, delivery.body)
        if status in _GONE:
            hook.enabled = False
        elif not 200 <= status < 300:  # noqa: PLR2004
            waits = (_SOON,) * _SOON_N if status in _BUSY else _LATER
            if delivery.attempt < len(waits):
                delivery.due_at = self.world.clock.now() + waits[delivery.attempt]
                delivery.attempt += 1
                self._queue(delivery)


def _post(hook: Webhook, body: bytes) -> int:
    """Send a delivery and return the status; 0 means no answer."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Typeform Webhooks",
        "Typeform-Signature": signature(hook.secret, body),
    }
    try:
        answer = requests.post(
            hook.url, data=body, headers=headers, timeout=_TIMEOUT_S, verify=hook.verify_ssl
        )
    except requests.RequestException:
        return 0
    answer.close()
    return answer.status_code
