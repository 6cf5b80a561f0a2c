"""No value is lost silently: one that no record shows is in quarantine or counted as drift.

Every path that a field of a shipped mapping reads is filled with something, alone in its record. Then
the outcome differs from that of the empty record, or a row says why it does not.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hub.mappings.document import MappingDocument, walk_rules
from hub.mappings.engine import Normalized, NormalizeSettings, normalize
from hub.mappings.placeholders import check_of
from hub.mappings.rows import path_parts
from hub.mappings.text import clean
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.shipped import mappings

SETTINGS = NormalizeSettings("FR", datetime(2026, 11, 29, tzinfo=UTC))
SHIPPED = mappings()
ASKED = {"when", "reject_if", "unless", "region", "language", "id", "deleted", "lookup"}
"""Places of a document whose rules only ask: what they read need not be shown."""
# what decides rather than shows: the record's kind, which list values mean nothing by design
DECIDES = {
    ("salesforce/leads", "ConvertedDate"),
    ("salesforce/users", "IsActive"),
    ("csv/owners", "active"),
    # the first characters of an id say what is meant; the hub holds four kinds of objects
    *(
        (f"salesforce/{one}", path)
        for one in ("tasks", "events")
        for path in ("WhoId", "WhatId", "Account.PersonContactId")
    ),
    *((f"salesforce/{one}", "ParentId") for one in ("notes", "files")),
    # of a call alone, of a completed task alone
    *(
        ("salesforce/tasks", path)
        for path in ("CallDisposition", "CompletedDateTime", "LastModifiedDate")
    ),
    # joined by the connector: lists of objects
    *(
        ("salesforce/opportunities", path)
        for path in ("OpportunityContactRoles", "OpportunityHistories", "OpportunityLineItems")
    ),
    ("salesforce/leads", "CampaignMembers"),
    ("salesforce/contacts", "CampaignMembers"),
    ("salesforce/contacts", "AccountContactRelations"),
    ("salesforce/events", "EventRelations"),
    # of a parent of another kind, which Zendesk Sell does not have; of a completed task alone
    *(
        (f"sell/{one}", "resource_id")
        for one in ("calls", "documents", "notes", "tasks", "text_messages", "visits")
    ),
    *(("sell/tasks", path) for path in ("completed_at", "updated_at")),
    *(
        ("hubspot/tasks", path)
        for path in (
            "properties.hs_lastmodifieddate",
            "properties.hs_task_completion_date",
            "updatedAt",
        )
    ),
    ("sell/collaborations", "resource_id"),
    ("sell/contacts", "parent_organization_id"),  # of an organization alone
    ("sell/deals", "associated_contacts.items"),
    ("sell/deals", "stage_history"),
    ("hubspot/deals", "associations.contacts"),
    ("hubspot/deals", "stageHistory"),
    ("hubspot/calls", "properties.hs_call_from_number"),  # of an incoming call alone
    ("zendesk/tickets", "raw_subject"),
    ("hubspot/contacts", "properties.lifecyclestage"),
    ("hubspot/contacts", "properties.hs_language"),
    ("mailchimp/members", "sms_subscription_last_updated"),
    ("mailchimp/members", "sms_subscription_status"),
    ("mailchimp/members", "timestamp_opt"),
    ("mailchimp/members", "ip_opt"),
    ("mailchimp/members", "unsubscribe_reason"),
}
MAIN: dict[str, dict[str, Any]] = {
    "salesforce/opportunities": {"NextStep": "Call back"},
    "csv/deals": {"next_step": "Call back"},
    "hubspot/deals": {"properties": {"hs_next_step": "Call back"}},
    "zendesk/users": {"role": "end-user"},
    "zendesk/tickets": {"subject": "demo"},
    "zendesk/organizations": {"name": "Acme"},
    "hubspot/companies": {"properties": {"name": "Acme"}},
    "mailchimp/members": {
        "status": "subscribed",
        "email_address": "main@acme.fr",
        "last_note": {"note": "Called back"},
    },
    "typeform/responses": {
        "answers": [{"type": "email", "email": "main@acme.fr", "field": {"type": "email"}}]
    },
}
"""The other values that a record needs, so that it is not refused as a whole."""


def shown_paths(document: MappingDocument) -> Iterator[str]:
    for place, rule in walk_rules(document):
        if rule.path and not ASKED & set(map(str, place)):
            yield rule.path


PLACES = sorted(
    {
        (name, path)
        for name, document in SHIPPED.items()
        for path in shown_paths(document)
        if (name, path) not in DECIDES and "[" not in path
    }
)

WORDS = st.one_of(
    st.text(min_size=1, max_size=20),
    st.sampled_from(
        ["Zoë", "DUPONT Jean", "N/A", "none", "-", "0000000000", "null", "x", "a@b.fr; c@d.fr", "jane@acme.fr",
         "06 39 98 00 01", "+1 415 555 0107", "12", "1,5 M€", "1.234", "2024-02-30", "2024-01-02T03:04:05Z", "France",
         "Atlantis", "www.acme.fr", "no site", "true", "Hot", "山田 太郎", "محمد", "Иванов", "🚀", "<b>x</b>", "&amp;",
         "x" * 70_000, "😀" * 40, "1e400", "---", "()", "{{contact.firstname}}", "(no name)", "Dr.", "Jr", "von"]
    ),
    st.from_regex(r"\+?[0-9 ()./-]{1,18}", fullmatch=True),
)  # fmt: skip
VALUES = st.one_of(
    WORDS, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.lists(WORDS, min_size=1, max_size=2)
)  # fmt: skip


def filled(name: str, path: str, value: Any) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(json.dumps(MAIN.get(name, {})))
    node = record
    *parents, last = path_parts(path)
    for part in parents:
        inner = node.get(str(part))
        node[str(part)] = inner if isinstance(inner, dict) else {}
        node = node[str(part)]
    node[str(last)] = value
    return record


def outcome(name: str, record: dict[str, Any]) -> Normalized:
    raw = RawRecord("id1", Op.UPSERT, None, "", json.dumps(record).encode())
    return normalize(SHIPPED[name], [raw], {}, SETTINGS)


@cache
def outcome_of_nothing(name: str) -> Normalized:
    return outcome(name, MAIN.get(name, {}))


def says_nothing(value: Any) -> bool:
    if isinstance(value, list):  # of several values, a template takes the first
        return says_nothing(value[0])
    return isinstance(value, str) and (not clean(value) or check_of("text")(clean(value)))


@pytest.mark.parametrize(("name", "path"), PLACES, ids=lambda part: part)
@settings(max_examples=12, deadline=None)
@given(value=VALUES)
def test_a_value_is_shown_or_told(name, path, value):
    assume(not says_nothing(value))
    empty, full = outcome_of_nothing(name), outcome(name, filled(name, path, value))
    is_shown = [(r.entity, r.values, r.refs) for r in full.records] != [
        (r.entity, r.values, r.refs) for r in empty.records
    ]
    is_told = full.problems != empty.problems or full.unknowns - empty.unknowns
    assert is_shown or is_told or full.excluded != empty.excluded or full.rejected, (value, full)
