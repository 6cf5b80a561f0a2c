"""Layouts: which fields of a kind of record a page shows, in which sections and order, as data.

A team without one gets the hub's default, with its custom fields at the end. Not here: drawing.
"""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from hub.crm.custom_fields import fields_of
from hub.frozen import dataclass
from hub.model import vocabulary

OWN_FIELDS = "Custom fields"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and the names of the fields under it in their order; `missing` are not defined any more."""

    name: str
    fields: tuple[str, ...]
    missing: tuple[str, ...] = ()


_PERSON = (
    Section("Person", ("first_name", "last_name", "title", "company", "email", "phone", "mobile")),
    Section("Address", ("street", "postal_code", "city", "state", "country", "website")),
)  # fmt: skip
_ACTIVITY = Section(
    "Activity", ("last_activity_at", "last_communication_at", "next_task_at", "open_tickets")
)
DEFAULTS: Mapping[str, tuple[Section, ...]] = {
    "lead": (
        Section("Lead", ("status", "unqualified_reason", "owner", "source", "tags", "created_at")),
        *_PERSON, Section("About", ("industry", "description")), _ACTIVITY,
    ),
    "person": (
        *_PERSON, Section("Customer", ("customer_status", "prospect_status", "owner", "tags")),
        Section("About", ("industry", "description")), _ACTIVITY,
    ),
    "company": (
        Section("Company", ("company", "industry", "website", "phone", "email")),
        Section("Address", ("street", "postal_code", "city", "state", "country")),
        Section("Customer", ("customer_status", "prospect_status", "owner", "tags")), _ACTIVITY,
    ),
    "deal": (
        Section("Deal", ("name", "value", "currency", "stage", "pipeline", "owner", "hot")),
        Section("Closing", ("close_date", "win_likelihood", "loss_reason", "unqualified_reason")),
        Section("About", ("source", "tags", "added_at", "last_activity_at", "next_task_at")),
    ),
}  # fmt: skip


def read(conn: Connection, object_: str) -> tuple[Section, ...]:
    """Return the layout of a kind of record: the team's, else the hub's with all custom fields."""
    own_sections = kept(conn, object_)
    if own_sections is not None:
        return own_sections
    own = tuple(f"custom_fields.{key}" for key in fields_of(conn, object_))
    return (*DEFAULTS[object_], *((Section(OWN_FIELDS, own),) if own else ()))


def kept(conn: Connection, object_: str) -> tuple[Section, ...] | None:
    """Return the team's own layout of a kind of record; None if it has none."""
    found = conn.execute(
        text("SELECT sections FROM crm.layout WHERE object = :object"), {"object": object_}
    ).scalar_one_or_none()
    if found is None:
        return None
    return tuple(Section(one["name"], tuple(map(vocabulary.today, one["fields"]))) for one in found)


def write(conn: Connection, object_: str, sections: Sequence[Section] | None) -> None:
    """Store a layout; None restores the hub's."""
    if sections is None:
        conn.execute(text("DELETE FROM crm.layout WHERE object = :object"), {"object": object_})
        return
    document = [{"name": one.name, "fields": list(one.fields)} for one in sections]
    conn.execute(
        text(
            "INSERT INTO crm.layout (object, sections) VALUES (:object, CAST(:sections AS jsonb)) "
            "ON CONFLICT (object) DO UPDATE SET sections = excluded.sections"
        ),
        {"object": object_, "sections": json.dumps(document)},
    )
