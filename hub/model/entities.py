"""The fields of the CRM's objects, each in exactly one class of columns.

*folded*: a pure function of the source records and of people's edits.
*held*: seeded by the fold at creation, afterwards changed only by commands.
*derived*: recomputed from children.
Person-bearing fields are marked, so that erase can walk them.
"""

from dataclasses import dataclass
from enum import StrEnum


class ColumnClass(StrEnum):
    """Who may write a column."""

    FOLDED = "folded"
    HELD = "held"
    DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical field. `kind` is text, email, phone, date, datetime, number, bool, list, json."""

    name: str
    kind: str
    column_class: ColumnClass
    personal: bool = False
    required: bool = False


def _folded(name: str, kind: str = "text", *, personal: bool = False) -> Field:
    return Field(name, kind, ColumnClass.FOLDED, personal=personal)


LEAD_FIELDS: tuple[Field, ...] = (
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
    Field("owner_id", "ref", ColumnClass.HELD),
    Field("status", "text", ColumnClass.HELD),
    Field("unqualified_reason", "text", ColumnClass.HELD),
    Field("converted_at", "datetime", ColumnClass.HELD),
    Field("last_activity_at", "datetime", ColumnClass.DERIVED),
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
)

CONSENT_FIELDS: tuple[Field, ...] = (
    _folded("channel"),
    _folded("purpose"),
    _folded("state"),
    _folded("proof", personal=True),
    _folded("at", "datetime"),
)

ENTITY_FIELDS: dict[str, tuple[Field, ...]] = {
    "lead": LEAD_FIELDS,
    "user": USER_FIELDS,
    "inquiry": INQUIRY_FIELDS,
    "note": NOTE_FIELDS,
    "consent": CONSENT_FIELDS,
}


def folded_names(entity: str) -> tuple[str, ...]:
    """Return the names of an entity's folded fields, in table order."""
    return tuple(f.name for f in ENTITY_FIELDS[entity] if f.column_class is ColumnClass.FOLDED)
