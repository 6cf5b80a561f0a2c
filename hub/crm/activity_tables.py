"""Tables of schema `crm`: activities that happened, and tasks that are planned.

An activity belongs to an entity (a lead, a person, a company: the record that this entity has in
the CRM at that time), on a deal, or on both. It keeps the entity it was written on: one that was
merged counts for its survivor, and goes back with an unmerge, as edits do.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from hub.crm.source_columns import from_source
from hub.db.metadata import NOW, UTC, because, metadata, personal, where_present

_REPORT = "the report of activity counts those of a period"
_ON_SOMETHING = "entity_id IS NOT NULL OR deal_id IS NOT NULL"


def _about() -> list[Any]:
    """Return the columns and indexes that every activity has, new ones for each table."""
    return [
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("entity_id", BigInteger, ForeignKey("ops.entity.id")),
        Column("deal_id", BigInteger, ForeignKey("crm.deal.id")),
        personal("who", Text, nullable=False),
        Column("created_at", UTC, nullable=False, server_default=NOW),
        Column("recorded_at", UTC, nullable=False, server_default=NOW),
        Column("archived_at", UTC),
        Index(
            None, "entity_id", info=because("what was done with a person: pages, derived columns")
        ),
        Index(None, "deal_id", info=because("what was done for a deal: pages, derived columns")),
    ]


outcome = Table(
    "outcome",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("batch_id", BigInteger),  # the batch that brought it; none: the team's own
    CheckConstraint("kind IN ('call','visit')", name="kind"),
    Index(
        "outcome_name",
        "kind",
        text("lower(name)"),
        unique=True,
        info=because("one outcome a name; finds it by the name"),
    ),
    schema="crm",
)

# may have no record: a task without a record
task = Table(
    "task",
    metadata,
    *_about(),
    personal("content", Text, nullable=False),
    Column("owner_id", BigInteger, ForeignKey("crm.user.id")),
    Column("due_at", UTC),
    Column("remind_at", UTC),
    Column("completed_at", UTC),
    *from_source(),
    Index(
        "task_due",
        "owner_id",
        "due_at",
        postgresql_where=text("completed_at IS NULL AND archived_at IS NULL"),
        info=because("what a user has to do, in the order in which it is due"),
    ),
    Index(
        "task_open",
        "due_at",
        "id",
        postgresql_where=text("completed_at IS NULL AND archived_at IS NULL"),
        info=because("what the team has to do, in the order in which it is due"),
    ),
    Index(
        "task_done",
        "completed_at",
        postgresql_where=text("completed_at IS NOT NULL"),
        info=because(_REPORT),
    ),
    schema="crm",
)

call = Table(
    "call",
    metadata,
    *_about(),
    Column("made_at", UTC, nullable=False),
    Column("is_incoming", Boolean, nullable=False, server_default="false"),
    Column("is_missed", Boolean, nullable=False, server_default="false"),
    Column("duration_s", Integer),
    personal("phone_number", Text),
    Column("outcome_id", BigInteger, ForeignKey("crm.outcome.id")),
    personal("summary", Text),
    personal("recording_url", Text),
    personal("external_id", Text),
    *from_source(),
    Index(None, "made_at", info=because(_REPORT)),
    where_present(
        "outcome_id", "lists find the records that had an outcome; removal of an outcome"
    ),
    CheckConstraint(_ON_SOMETHING, name="on_something"),
    schema="crm",
)

visit = Table(
    "visit",
    metadata,
    *_about(),
    Column("visited_at", UTC, nullable=False),
    personal("address", Text),
    Column("outcome_id", BigInteger, ForeignKey("crm.outcome.id")),
    personal("summary", Text),
    *from_source(),
    Index(None, "visited_at", info=because(_REPORT)),
    where_present(
        "outcome_id", "lists find the records that had an outcome; removal of an outcome"
    ),
    CheckConstraint(_ON_SOMETHING, name="on_something"),
    schema="crm",
)

message = Table(
    "message",
    metadata,
    *_about(),
    Column("kind", Text, nullable=False),
    Column("sent_at", UTC, nullable=False),
    Column("is_incoming", Boolean, nullable=False, server_default="false"),
    personal("subject", Text),
    personal("content", Text),
    personal("address", Text),
    personal("external_id", Text),
    *from_source(),
    CheckConstraint("kind IN ('email','text','chat')", name="kind"),
    Index(None, "sent_at", info=because(_REPORT)),
    CheckConstraint(_ON_SOMETHING, name="on_something"),
    schema="crm",
)
