"""Webhook events in the inbox, as the gateway stores them; and vendors that read hints."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from hub.errors import HubError
from hub.landing import inbox
from hub.landing.inbox import Delivered
from hub.model.records import RawRecord
from tests.flow.conftest import START, HandConnector, World, typeform_answer


@dataclass
class HandVendors:
    """Reads hints from vendors written by hand, and fails for the objects that a test names."""

    vendors: dict[str, HandConnector]
    faults: dict[str, HubError] = field(default_factory=dict)
    before: Callable[[str], None] = lambda source: None
    asked: list[tuple[str, Sequence[str]]] = field(default_factory=list)

    def read(self, source: str, stream: str, names: Sequence[str]) -> Sequence[RawRecord]:
        self.asked.append((source, names))
        self.before(source)
        for name in names:
            if name in self.faults:
                raise self.faults[name]
        last = {one.source_id: one for one in self.vendors[source].objects.get(stream, ())}
        return [last[name] for name in names if name in last]


def hint(source: str, stream: str, name: str, key: str = "", kind: str = "created") -> Delivered:
    """An event that only names its object."""
    key = key or f"{kind}/{name}"
    return Delivered(source, "hook", kind, stream, name, key, None, b"{}", "", False, f"c-{key}")


def answered(token: str, *, at: int = 1, key: str = "", **values: Any) -> Delivered:
    """A response in Typeform's own delivery, with the definition of its form."""
    polled = typeform_answer(token, at=at, **values)
    body = {**json.loads(polled.payload), "form_id": "f1", "definition": {"id": "f1", "fields": []}}
    del body["response_id"]
    return Delivered(
        "typeform", "hook", "form_response", "responses", polled.source_id, key or token, polled.at,
        json.dumps(body).encode(), polled.version, True, f"c-{token}",
    )  # fmt: skip


def put(engine: Engine, *events: Delivered) -> list[bool]:
    with engine.begin() as conn:
        return inbox.put(conn, events)


def aged(record: RawRecord, seconds: int) -> RawRecord:
    """The same record, changed later."""
    at: datetime = (record.at or START) + timedelta(seconds=seconds)
    return replace(record, at=at, version=at.isoformat())


def state_of(world: World) -> dict[str, list[Any]]:
    """Return the rows that must be equal, whatever the order of the events."""
    return {
        name: [tuple(row) for row in world.rows(statement)]
        for name, statement in {
            "leads": "SELECT id, first_name, last_name, email, phone, owner_id FROM crm.lead ORDER BY id",
            "assignments": "SELECT lead_id, user_id FROM ops.assignment ORDER BY id",
            "notices": "SELECT dedupe_key, event, state FROM ops.outbox ORDER BY id",
            "inquiries": "SELECT entity_id, message FROM crm.inquiry ORDER BY id",
        }.items()
    }
