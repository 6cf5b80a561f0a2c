"""The fields of the CRM's objects, each in exactly one class of columns.

*folded*: a pure function of the source records and of people's edits.
*held*: seeded by the fold at creation, afterwards changed only by commands.
*derived*: recomputed from children.
Person-bearing fields are marked, so that erase can walk them.
"""

from enum import StrEnum

from hub.frozen import dataclass


class ColumnClass(StrEnum):
    """Who may write a column."""

    FOLDED = "folded"
    HELD = "held"
    DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical field. `kind` is text, email, phone, date, datetime, number, money, bool, list, json."""

    name: str
    kind: str
    column_class: ColumnClass
    personal: bool = False
    required: bool = False


def _folded(name: str, kind: str = "text", *, personal: bool = False) -> Field:
    return Field(name, kind, ColumnClass.FOLDED, personal=personal)


# The fields of a person, for any row of the CRM.
_PERSON: tuple[Field, ...] = (
    _folded("first_name", personal=True),
    _folded("last_name", personal=True),
    _folded("email", "email", personal=True),
    _folded("emails", "list", personal=True),
    _folded("phone", "phone", personal=True),
    _folded("mobile", "phone", personal=True),
    _folded("fax", "phone", personal=True),
    _folded("organization_name"),
    _folded("title", personal=True),
    _folded("industry"),
    _folded("website"),
    _folded("description", personal=True),
    _folded("street", personal=True),
    _folded("postal_code", personal=True),
    _folded("city", personal=True),
    _folded("state"),
    _folded("country"),
    _folded("lead_source"),
    _folded("tags", "list"),
    _folded("custom_fields", "json", personal=True),
    _folded("created_at", "datetime"),
)

LEAD_FIELDS: tuple[Field, ...] = (
    *_PERSON,
    Field("owner_id", "ref", ColumnClass.HELD),
    Field("status", "text", ColumnClass.HELD),
    Field("unqualified_reason", "text", ColumnClass.HELD),
    Field("converted_at", "datetime", ColumnClass.HELD),
    Field("last_activity_at", "datetime", ColumnClass.DERIVED),
    Field("last_communication_at", "datetime", ColumnClass.DERIVED),
    Field("next_task_at", "datetime", ColumnClass.DERIVED),
    Field("first_response_at", "datetime", ColumnClass.DERIVED),
)

# `customer_type` and `prospect_type` come from a source; the contact's status is derived.
CONTACT_FIELDS: tuple[Field, ...] = (
    *_PERSON,
    _folded("customer_type"),
    _folded("prospect_type"),
    Field("owner_id", "ref", ColumnClass.HELD),
    Field("last_activity_at", "datetime", ColumnClass.DERIVED),
    Field("last_communication_at", "datetime", ColumnClass.DERIVED),
    Field("next_task_at", "datetime", ColumnClass.DERIVED),
    Field("customer_status", "text", ColumnClass.DERIVED),
    Field("prospect_status", "text", ColumnClass.DERIVED),
)

# A company: a contact that is an organisation. Its name is `organization_name`, as with people.
ORGANISATION_FIELDS: tuple[Field, ...] = (
    _folded("organization_name"),
    _folded(
        "domains", "list"
    ),  # keys of the company, beside website and e-mail; no column of the CRM
    _folded("website"),
    _folded("email", "email", personal=True),
    _folded("phone", "phone", personal=True),
    _folded("fax", "phone", personal=True),
    _folded("industry"),
    _folded("description", personal=True),
    _folded("street", personal=True),
    _folded("postal_code", personal=True),
    _folded("city", personal=True),
    _folded("state"),
    _folded("country"),
    _folded("tags", "list"),
    _folded("custom_fields", "json", personal=True),
    _folded("customer_type"),
    _folded("prospect_type"),
    _folded("created_at", "datetime"),
)

TICKET_FIELDS: tuple[Field, ...] = (
    _folded("subject", personal=True),
    _folded("description", personal=True),
    _folded("status"),
    _folded("priority"),
    _folded("ticket_type"),
    _folded("channel"),
    _folded("group_name"),
    _folded("tags", "list"),
    _folded("satisfaction"),
    _folded("url"),
    _folded("custom_fields", "json", personal=True),
    _folded("created_at", "datetime"),
    _folded("updated_at", "datetime"),
)

USER_FIELDS: tuple[Field, ...] = (
    _folded("name", personal=True),
    _folded("email", "email", personal=True),
    _folded("is_active", "bool"),
    _folded("is_queue", "bool"),
)

INQUIRY_FIELDS: tuple[Field, ...] = (
    _folded("channel"),
    _folded("subject"),
    _folded("message", personal=True),
    _folded("at", "datetime"),
)

NOTE_FIELDS: tuple[Field, ...] = (
    _folded("content", personal=True),
    _folded("at", "datetime"),
    _folded("is_important", "bool"),
)

# `stage` and `pipeline` are names. `stage_history` is a list of {stage, at, who}, and `contacts` a list
# of {ref, role, is_primary}: `who` is an id of the owners' stream, `ref` one of the contacts' stream.
# `is_won` and `is_closed` are what the source says of the stage; they only check it.
DEAL_FIELDS: tuple[Field, ...] = (
    _folded("name", personal=True),
    _folded("value", "money"),
    _folded("currency"),
    _folded("pipeline"),
    _folded("stage"),
    _folded("is_closed", "bool"),
    _folded("is_won", "bool"),
    _folded("is_hot", "bool"),
    _folded("lead_source"),
    _folded("loss_reason"),
    _folded("unqualified_reason"),
    _folded("estimated_close_date", "date"),
    _folded("closed_at", "datetime"),
    _folded("win_likelihood", "number"),
    _folded("last_stage_change_at", "datetime"),
    _folded("tags", "list"),
    _folded("custom_fields", "json", personal=True),
    _folded("stage_history", "json"),
    _folded("contacts", "json"),
    _folded("created_at", "datetime"),
)

# A task without `completed_at` is open.
TASK_FIELDS: tuple[Field, ...] = (
    _folded("content", personal=True),
    _folded("due_at", "datetime"),
    _folded("remind_at", "datetime"),
    _folded("completed_at", "datetime"),
    _folded("created_at", "datetime"),
)

CALL_FIELDS: tuple[Field, ...] = (
    _folded("made_at", "datetime"),
    _folded("is_incoming", "bool"),
    _folded("is_missed", "bool"),
    _folded("duration_s", "number"),
    _folded("phone_number", personal=True),
    _folded("outcome"),
    _folded("summary", personal=True),
    _folded("recording_url", personal=True),
    _folded("external_id", personal=True),
    _folded("created_at", "datetime"),
)

VISIT_FIELDS: tuple[Field, ...] = (
    _folded("visited_at", "datetime"),
    _folded("address", personal=True),
    _folded("outcome"),
    _folded("summary", personal=True),
    _folded("created_at", "datetime"),
)

# `kind` is email, text or chat.
MESSAGE_FIELDS: tuple[Field, ...] = (
    _folded("kind"),
    _folded("sent_at", "datetime"),
    _folded("is_incoming", "bool"),
    _folded("subject", personal=True),
    _folded("content", personal=True),
    _folded("address", personal=True),
    _folded("external_id", personal=True),
    _folded("created_at", "datetime"),
)

CONSENT_FIELDS: tuple[Field, ...] = (
    _folded("channel"),
    _folded("purpose"),
    _folded("state"),
    _folded("basis"),  # consent, legitimate interest, contract, unknown
    _folded("proof", personal=True),
    _folded("at", "datetime"),
    _folded("address", personal=True),  # none: the record's own for the channel
    _folded("said_of"),  # "person": of all addresses of the person; else of the one address
    _folded("voice"),  # "person": by a link that the person followed; else hub.model.consent.Voice
    _folded("is_confirmed", "bool"),  # an opt-in that was confirmed (double opt-in)
)

ENTITY_FIELDS: dict[str, tuple[Field, ...]] = {
    "lead": LEAD_FIELDS,
    "contact": CONTACT_FIELDS,
    "person": LEAD_FIELDS,
    "organisation": ORGANISATION_FIELDS,
    "ticket": TICKET_FIELDS,
    "user": USER_FIELDS,
    "inquiry": INQUIRY_FIELDS,
    "note": NOTE_FIELDS,
    "consent": CONSENT_FIELDS,
    "deal": DEAL_FIELDS,
    "task": TASK_FIELDS,
    "call": CALL_FIELDS,
    "visit": VISIT_FIELDS,
    "message": MESSAGE_FIELDS,
}


def folded_names(entity: str) -> tuple[str, ...]:
    """Return the names of an entity's folded fields, in table order."""
    return tuple(f.name for f in ENTITY_FIELDS[entity] if f.column_class is ColumnClass.FOLDED)


# Entities of people, by their row in the CRM. A "person" has no row, and is matched all the same.
PEOPLE = ("contact", "lead", "person")

# Relations of a record that name a person of the same source, and the stream of that person.
PERSON_REFS = {"requester": "users"}

# Kinds of activities. A note that comes with a person's own record names nothing: it is on this person.
ACTIVITIES = ("task", "call", "visit", "message", "note")

# What a deal or an activity may be on, by the name of the relation.
ABOUT = ("contact", "lead", "company", "deal")

# The stream that a relation of a record names, by source and relation. A relation that is not listed
# names nothing that the hub reads.
REF_STREAMS: dict[str, dict[str, str]] = {
    "salesforce": {
        "contact": "contacts",
        "lead": "leads",
        "company": "accounts",
        "deal": "opportunities",
        "owner": "users",
        "author": "users",
    },
    "hubspot": {
        "contact": "contacts",
        "lead": "contacts",
        "company": "companies",
        "deal": "deals",
        "owner": "owners",
        "author": "owners",
    },
    # persons and organizations are in one list
    "sell": {
        "contact": "contacts",
        "lead": "leads",
        "company": "contacts",
        "deal": "deals",
        "owner": "users",
        "author": "users",
    },
    "csv": {
        "contact": "contacts",
        "lead": "leads",
        "company": "companies",
        "deal": "deals",
        "owner": "owners",
        "author": "owners",
    },
    "zendesk": {"company": "organizations"},
    "hub": {"company": "companies"},
}

# The stream of the companies that a source's records name by `company`, or by `parent`.
COMPANY_STREAMS = {
    source: streams["company"] for source, streams in REF_STREAMS.items() if "company" in streams
}
