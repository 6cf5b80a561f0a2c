"""Events: each kind has a type that makes it, and each row names the record that it is of."""

import json
from datetime import UTC, datetime

import pytest

from hub.model.alert_states import News
from hub.model.events import (
    ALERTS,
    Event,
    EventKind,
    InquiryReceived,
    LeadAssigned,
    LeadConvertedInSource,
    LeadsDigest,
    OwnerChanged,
    SourceAlert,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = ("lead", "contact", "deal")
EVENTS: list[Event] = [
    LeadAssigned("typeform/responses/1", 1, 2, "France", "Paris"),
    LeadConvertedInSource("hubspot/contacts/1", 1, 2),
    InquiryReceived("zendesk/tickets/1", 1, None, 3, "A demo", "Please call"),
    LeadsDigest(1, [(7, "salesforce", 4), (5, "hubspot", 2)]),
    *(
        OwnerChanged(
            user_id=1, is_gain=gain, record_kind=kind, record_ids=ids, assignment_id=9, group=None
        )
        for kind in KINDS
        for gain in (True, False)
        for ids in ([4], [4, 5])
    ),
    SourceAlert(["zendesk"], News.FAILED, 1, ["zendesk: it is away"], NOW, user_id=1),
    SourceAlert(["zendesk"], News.RECOVERED, 2, [], NOW, address="ops@acme.example.com"),
]


def test_every_kind_of_event_has_a_type_that_makes_it() -> None:
    assert {event.row().event for event in EVENTS} == set(EventKind)


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.row().event)
def test_a_row_is_of_one_record_or_of_many(event: Event) -> None:
    row = event.row()
    of = [row.lead_id, row.contact_id, row.deal_id]
    is_of_many = row.event in {
        EventKind.LEADS_DIGEST, EventKind.BULK_ASSIGNED, EventKind.BULK_REASSIGNED_AWAY,
        *ALERTS,
    }  # fmt: skip
    assert sum(i is not None for i in of) == (0 if is_of_many else 1)
    json.dumps(dict(row.payload))


def test_the_key_of_a_digest_does_not_depend_on_the_order_of_its_loads() -> None:
    loads = [(7, "salesforce", 4), (5, "hubspot", 2)]
    assert LeadsDigest(1, loads).row().dedupe_key == LeadsDigest(1, loads[::-1]).row().dedupe_key
