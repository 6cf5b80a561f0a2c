"""The five vendors of a play: objects by slot, and the raw record each is delivered as.

A slot is a name such as `hs2`: the second HubSpot contact. Its state is a dict of plain fields; what
a vendor calls them is written here, from the vendors' documentation.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.connectors.base import Stream
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.flow.conftest import START, HandConnector, World

SOURCE = {
    "sf": ("salesforce", "leads"),
    "hs": ("hubspot", "contacts"),
    "hc": ("hubspot", "companies"),
    "mc": ("mailchimp", "members"),
    "zu": ("zendesk", "users"),
    "zt": ("zendesk", "tickets"),
    "tf": ("typeform", "responses"),
}
SOURCES = ("hubspot", "mailchimp", "salesforce", "typeform", "zendesk")
State = dict[str, Any]


def kind_of(slot: str) -> str:
    return slot[:2]


def source_of(slot: str) -> str:
    return SOURCE[kind_of(slot)][0]


def source_id(slot: str) -> str:
    number = int(slot[2:])
    after = {"zu": 100, "hc": 500}.get(kind_of(slot), 0)
    ids = {"sf": f"00Q{number:012d}AAA", "mc": f"m{number}", "tf": f"f1:t{number}"}
    return ids.get(kind_of(slot), str(number + after))


def key_of(slot: str) -> str:
    """The name of a slot's record in the hub: source/stream/id."""
    return "/".join((*SOURCE[kind_of(slot)], source_id(slot)))


def _salesforce(slot: str, s: State) -> State:
    return {
        "Id": source_id(slot),
        "IsDeleted": False,
        "FirstName": s.get("first"),
        "LastName": s.get("last"),
        "Email": s.get("email"),
        "Phone": s.get("phone"),
        "City": s.get("city"),
        "Title": s.get("title"),
        "Company": s.get("company"),
        "Status": s.get("status", "Open - Not Contacted"),
        "HasOptedOutOfEmail": bool(s.get("optout")),
        "IsConverted": bool(s.get("converted")),
        "ConvertedDate": "2026-01-02" if s.get("converted") else None,
        "CreatedDate": "2025-05-05T10:00:00.000+0000",
    }


def _hubspot(slot: str, s: State) -> State:
    properties = {
        "firstname": s.get("first"),
        "lastname": s.get("last"),
        "email": s.get("email"),
        "phone": s.get("phone"),
        "city": s.get("city"),
        "jobtitle": s.get("title"),
        "company": s.get("company"),
        "associatedcompanyid": source_id(s["firm"]) if s.get("firm") else None,
        "lifecyclestage": s.get("stage", "lead"),
        "hs_email_optout": "true" if s.get("optout") else None,
        "createdate": "2025-04-04T10:00:00Z",
    }
    return {"id": source_id(slot), "properties": properties, "archived": False}


def _hubspot_company(slot: str, s: State) -> State:
    properties = {
        "name": s.get("name"),
        "city": s.get("city"),
        "createdate": "2025-04-04T10:00:00Z",
    }
    return {"id": source_id(slot), "properties": properties, "archived": False}


def _mailchimp(slot: str, s: State) -> State:
    row = {
        "contact_id": source_id(slot),
        "list_id": "l1",
        "email_address": s.get("email"),
        "status": s.get("status", "subscribed"),
        "member_rating": s.get("rating", 4),
        "merge_fields": {
            "FNAME": s.get("first"),
            "LNAME": s.get("last"),
            "PHONE": s.get("phone"),
            "COMPANY": s.get("company"),
            "ADDRESS": {"city": s.get("city")},
        },
        "timestamp_signup": "2025-03-03T10:00:00+00:00",
        "timestamp_opt": s.get("opted", ""),
        "last_changed": (START + timedelta(seconds=s["at"])).isoformat(),
    }
    if s.get("reason"):
        row["unsubscribe_reason"] = s["reason"]
    if s.get("note"):
        row["last_note"] = {"note": s["note"], "created_at": "2025-09-01T10:00:00+00:00"}
    return row


def _zendesk_user(slot: str, s: State) -> State:
    return {
        "id": int(source_id(slot)),
        "role": "end-user",
        "active": True,
        "name": " ".join(n for n in (s.get("first"), s.get("last")) if n) or None,
        "email": s.get("email"),
        "phone": s.get("phone"),
        "created_at": "2025-02-02T10:00:00Z",
    }


def _zendesk_ticket(slot: str, s: State) -> State:
    return {
        "id": int(source_id(slot)),
        "status": "open",
        "subject": s.get("subject", "It broke"),
        "requester_id": int(source_id(s["requester"])) if s.get("requester") else None,
        "created_at": "2025-06-01T10:00:00Z",
    }


def _typeform(slot: str, s: State) -> State:
    wanted = {
        "first_name": s.get("first"),
        "last_name": s.get("last"),
        "email": s.get("email"),
        "phone": s.get("phone"),
        "message": s.get("message"),
    }
    kinds = {"email": "email", "phone": "phone_number"}
    answers = [
        {
            "field": {"id": ref, "ref": ref, "type": kinds.get(ref, "short_text")},
            "type": kinds.get(ref, "text"),
            kinds.get(ref, "text"): value,
        }
        for ref, value in wanted.items()
        if value
    ]
    token = source_id(slot).partition(":")[2]
    at = (START + timedelta(seconds=s["at"])).isoformat()
    return {"token": token, "response_id": token, "submitted_at": at, "answers": answers}


_PAYLOAD = {
    "sf": _salesforce,
    "hs": _hubspot,
    "hc": _hubspot_company,
    "mc": _mailchimp,
    "zu": _zendesk_user,
    "zt": _zendesk_ticket,
    "tf": _typeform,
}


class ListConnector(HandConnector):
    """Mailchimp: its lists are context, read before their members."""

    def streams(self) -> Sequence[Stream]:
        return [Stream("lists", incremental=False, context=True), Stream("members")]

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        return None if stream.context else super().count(stream, since, until)


@dataclass
class Vendors:
    """The vendors' records, and the slots that changed since their source was read."""

    world: World
    now: int = 0
    state: dict[str, State] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    dirty: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.world.vendors["hubspot"].names = ("owners", "companies", "contacts")
        lists = ListConnector("mailchimp", names=("lists", "members"))
        self.world.vendors["mailchimp"] = lists
        row = {"id": "l1", "double_optin": True}
        lists.objects["lists"] = [
            RawRecord("l1", Op.UPSERT, START, START.isoformat(), json.dumps(row).encode())
        ]

    def put(self, slot: str, changes: State) -> None:
        """Create an object, change it, or bring it back; `opted` is confirmed now."""
        self.now += 10
        if "opted" in changes:
            changes = {**changes, "opted": (START + timedelta(seconds=self.now)).isoformat()}
        state = self.state[slot] = {**self.state.get(slot, {}), **changes, "at": self.now}
        self.gone.discard(slot)
        self._deliver(slot, Op.UPSERT, _PAYLOAD[kind_of(slot)](slot, state))

    def end(self, slot: str, into: str | None = None) -> None:
        """Delete an object, or merge it into another one of its stream."""
        self.now += 10
        self.gone.add(slot)
        op = Op.DELETE if into is None else Op.MERGE_INTO
        self._deliver(slot, op, {"id": source_id(slot)}, into)

    def lives(self, slot: str) -> bool:
        return slot in self.state and slot not in self.gone

    def _deliver(self, slot: str, op: Op, row: State, into: str | None = None) -> None:
        source, stream = SOURCE[kind_of(slot)]
        at = START + timedelta(seconds=self.now)
        target = source_id(into) if into else None
        raw = RawRecord(source_id(slot), op, at, at.isoformat(), json.dumps(row).encode(), target)
        self.world.add(source, stream, raw)
        self.dirty.add(slot)
