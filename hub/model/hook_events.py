"""Events that subscribers are sent: a lead is made, assigned, converted; a deal changes its stage. Pure.

An event is written in the transaction of its cause (`hub.records.hook_deliveries`), a row for each subscription, and
posted later (`hub.live.hook_turns`). It holds numbers and no values of a person: the record is read when the
event is posted. `body` is what a subscriber gets, in the form of Standard Webhooks, with an `id` beside.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from hub.frozen import dataclass
from hub.model.records import JsonValue


class HookEventKind(StrEnum):
    """The kinds of events that can be subscribed to."""

    LEAD_CREATED = "lead.created"
    LEAD_ASSIGNED = "lead.assigned"
    LEAD_CONVERTED = "lead.converted"
    DEAL_STAGE_CHANGED = "deal.stage_changed"

    @property
    def is_of_lead(self) -> bool:
        """Tell whether the event is about a lead; else it is about a deal."""
        return self.startswith("lead.")


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One event.

    Args:
        kind: what happened.
        record_id: the lead or the deal.
        facts: numbers of what changed: users, stages, the records that a lead became.
    """

    kind: HookEventKind
    record_id: int
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


def lead_created(lead_id: int) -> HookEvent:
    """Return the event of a new lead."""
    return HookEvent(HookEventKind.LEAD_CREATED, lead_id)


def lead_assigned(lead_id: int, user_id: int, before: int | None = None) -> HookEvent:
    """Return the event of a lead that has an owner, or another one than before."""
    facts: dict[str, JsonValue] = {"owner_id": user_id, "previous_owner_id": before}
    return HookEvent(HookEventKind.LEAD_ASSIGNED, lead_id, facts)


def lead_converted(
    lead_id: int, *, contact_id: int | None, company_id: int | None, deal_id: int | None
) -> HookEvent:
    """Return the event of a lead that became a contact, a company, a deal."""
    facts: dict[str, JsonValue] = {
        "contact_id": contact_id,
        "company_id": company_id,
        "deal_id": deal_id,
    }
    return HookEvent(HookEventKind.LEAD_CONVERTED, lead_id, facts)


def deal_stage_changed(deal_id: int, from_stage: int | None, to_stage: int) -> HookEvent:
    """Return the event of a deal that went from a stage to another."""
    facts: dict[str, JsonValue] = {"from_stage_id": from_stage, "to_stage_id": to_stage}
    return HookEvent(HookEventKind.DEAL_STAGE_CHANGED, deal_id, facts)


def message(event_id: str, kind: str, at: datetime, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as a subscriber gets it.

    Args:
        event_id: the same at each attempt, and for each subscriber.
        kind: the event.
        at: when it happened.
        said: the record, and what changed.
    """
    return {"id": event_id, "type": kind, "timestamp": at.isoformat(), "data": dict(said)}


def body(event_id: str, kind: str, at: datetime, said: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed and posted."""
    return msgspec.json.encode(message(event_id, kind, at, said))
