"""Tables of schema `crm`.

`hub.model.entities` says of each lead column whether it is folded, held or derived; a test walks
both. `user` is the field's word for a member of the team; SQLAlchemy quotes it.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.crm import list_columns
from hub.db.metadata import NOW, UTC, because, metadata, personal, where_present

user = Table(
    "user",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    personal("email", Text),
    personal("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("timezone", Text, nullable=False, server_default="UTC"),
    Column("managed_by", Text, nullable=False),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    Column("role", Text, nullable=False, server_default="rep"),
    Column("away_from", UTC),
    Column("away_until", UTC),  # from then on the user is back; none: until a command says so
    Column("is_paused", Boolean, nullable=False, server_default="false"),
    Column("in_yaml", JSONB),  # away and pause as hub.yaml said last; commands may set others
    CheckConstraint("away_from < away_until", name="away"),
    CheckConstraint("role IN ('admin','manager','rep','viewer')", name="role"),
    Index(
        "user_email",
        text("lower(email)"),
        unique=True,
        info=because("one user an address; finds a user by it"),
    ),
    schema="crm",
)

owner_identity = Table(
    "owner_identity",
    metadata,
    Column("source", Text, primary_key=True),
    personal("source_id", Text, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("crm.user.id")),
    Column("is_queue", Boolean, nullable=False),
    Index(None, "user_id", info=because("undo asks whether a user still stands for an owner")),
    schema="crm",
)

distribution_group = Table(
    "distribution_group",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("record_kind", Text, nullable=False, server_default="lead"),
    Column("next_member_id", BigInteger),
    Column("next_position", Integer),
    Column("removed_at", UTC),  # assignments name the group, so its row stays
    CheckConstraint("record_kind IN ('lead','contact','deal')", name="record_kind"),
    schema="crm",
)

member = Table(
    "member",
    metadata,
    Column("group_id", BigInteger, ForeignKey("crm.distribution_group.id"), primary_key=True),
    Column("user_id", BigInteger, ForeignKey("crm.user.id"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("weight", Integer, nullable=False, server_default="1"),
    Column("credit", Float, nullable=False, server_default="0"),
    Column("capacity", Integer),
    Column("is_paused", Boolean, nullable=False, server_default="false"),
    Column("in_yaml", JSONB),  # capacity and pause as hub.yaml said last; commands may set others
    CheckConstraint("weight >= 0", name="weight"),
    CheckConstraint("capacity >= 0", name="capacity"),
    Index(None, "user_id", info=because("removal of a user asks for its groups")),
    schema="crm",
)


def _person() -> list[Column[Any]]:
    """Return the columns of a human being, new ones for each table."""
    return [
        personal("first_name", Text),
        personal("last_name", Text),
        personal("email", Text),
        personal("emails", JSONB),
        personal("phone", Text),
        personal("mobile", Text),
        personal("fax", Text),
        Column("organization_name", Text),
        personal("title", Text),
        Column("industry", Text),
        Column("website", Text),
        personal("description", Text),
        personal("street", Text),
        personal("postal_code", Text),
        personal("city", Text),
        Column("state", Text),
        Column("country", Text),
        Column("lead_source", Text),
        Column("tags", JSONB),
        personal("custom_fields", JSONB),
        Column("created_at", UTC),
    ]


contact = Table(
    "contact",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id"), nullable=False, unique=True),
    *_person(),
    Column("customer_type", Text),
    Column("prospect_type", Text),
    Column("is_organization", Boolean, nullable=False, server_default="false"),
    Column("company_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("owner_id", BigInteger, ForeignKey("crm.user.id")),
    Column("last_activity_at", UTC),
    Column("batch_id", BigInteger, nullable=False),
    Column("archived_at", UTC),
    Column("merged_into", BigInteger, ForeignKey("crm.contact.id")),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    Column("last_communication_at", UTC),
    Column("next_task_at", UTC),
    Column("customer_status", Text, nullable=False, server_default="none"),
    Column("prospect_status", Text, nullable=False, server_default="none"),
    # `person`: made or kept by people; it outlasts its sources. `nobody`: no longer kept by people, and
    # archived because other rows refer to it; it is used again when a source requires a contact
    Column("kept_by", Text, nullable=False, server_default="source"),
    list_columns.sort_key(),
    list_columns.names(),
    list_columns.search_tokens("contact"),
    Column("unasked_since", UTC),  # no living record of a source asks for the row
    Column("parent_id", BigInteger, ForeignKey("crm.contact.id")),  # of a company
    where_present("company_id", "the employees of a company: its status, activity, deals"),
    where_present("parent_id", "the companies of a group; removal of a company"),
    where_present("merged_into", "the contacts that a contact has absorbed"),
    Index(
        None, "owner_id", "created_at", info=because("the contacts of an owner, the newest first")
    ),
    Index(
        "contact_unasked",
        "unasked_since",
        postgresql_where=text("unasked_since IS NOT NULL"),
        info=because("the few contacts for which no source asks"),
    ),
    CheckConstraint("kept_by IN ('source','person','nobody')", name="kept_by"),
    schema="crm",
)

ticket = Table(
    "ticket",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column(
        "record_id", BigInteger, ForeignKey("ops.source_record.id"), nullable=False, unique=True
    ),
    Column("source", Text, nullable=False),
    personal("source_id", Text, nullable=False),
    personal("requester", Text),  # the source's id of who asked
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id")),
    personal("subject", Text),
    personal("description", Text),
    Column("status", Text),
    Column("priority", Text),
    Column("ticket_type", Text),
    Column("channel", Text),
    Column("group_name", Text),
    Column("satisfaction", Text),
    Column("url", Text),
    Column("tags", JSONB),
    personal("custom_fields", JSONB),
    Column("created_at", UTC),
    Column("updated_at", UTC),
    Column("archived_at", UTC),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    Index(None, "entity_id", info=because("the tickets of a person")),
    Index(None, "source", "requester", info=because("load asks for the tickets of a requester")),
    schema="crm",
)

lead = Table(
    "lead",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id"), nullable=False, unique=True),
    *_person(),
    Column("owner_id", BigInteger, ForeignKey("crm.user.id")),
    Column("status", Text, nullable=False, server_default="New"),
    Column("unqualified_reason", Text),
    Column("converted_at", UTC),
    Column("last_activity_at", UTC),
    personal("legacy_owner", Text),  # why the owner in the source could not be taken over
    Column("lane", Text, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("archived_at", UTC),
    Column("merged_into", BigInteger, ForeignKey("crm.lead.id")),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    Column("contact_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("last_communication_at", UTC),
    Column("next_task_at", UTC),
    Column("first_response_at", UTC),
    Column("account_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("account_why", Text),  # named by a source or a person, domain, name, …
    list_columns.sort_key(),
    list_columns.names(),
    list_columns.search_tokens("lead"),
    Column("unasked_since", UTC),  # no living record of a source asks for the row
    Column("source_converted_at", UTC),  # its source has converted it; a user works on it here
    Column("status_set_by", Text),  # none: the status follows the sources
    where_present("contact_id", "the leads of a contact; removal of a contact"),
    where_present("account_id", "the leads of an account; removal of a company"),
    where_present("merged_into", "the leads that a lead has absorbed"),
    Index(
        None,
        "owner_id",
        "created_at",
        info=because("the leads of an owner, the newest first; how many are open, for capacities"),
    ),
    Index(
        "lead_unasked",
        "unasked_since",
        postgresql_where=text("unasked_since IS NOT NULL"),
        info=because("the few leads for which no source asks"),
    ),
    Index(
        "lead_converted_in_source",
        "source_converted_at",
        postgresql_where=text("source_converted_at IS NOT NULL"),
        info=because("the few leads that wait for their owner to convert them"),
    ),
    CheckConstraint("status_set_by IN ('person','inquiry')", name="status_set_by"),
    Index(
        "lead_arrived",
        text("least(created_at, recorded_at)"),
        info=because("reports count the leads that arrived in a span"),
    ),
    Index(
        "lead_unowned",
        "created_at",
        "id",
        postgresql_where=text("owner_id IS NULL AND archived_at IS NULL AND merged_into IS NULL"),
        info=because("the queue of route, in the order of turns"),
    ),
    Index(
        "lead_of_load",
        "batch_id",
        postgresql_where=text("lane = 'bulk'"),
        info=because("the leads of an initial load that is under way, for its digest"),
    ),
    schema="crm",
)

inquiry = Table(
    "inquiry",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column(
        "record_id", BigInteger, ForeignKey("ops.source_record.id"), nullable=False, unique=True
    ),
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id"), nullable=False),
    Column("channel", Text, nullable=False),
    personal("subject", Text),
    personal("message", Text),
    Column("created_at", UTC),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    Index(None, "entity_id", info=because("the inquiries of a person")),
    schema="crm",
)

# came with a source's record, or was typed by a person (as in `activity_tables`)
note = Table(
    "note",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("record_id", BigInteger, ForeignKey("ops.source_record.id"), unique=True),
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id")),
    personal("content", Text, nullable=False),
    Column("created_at", UTC),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id")),
    personal("who", Text),
    Column("is_important", Boolean, nullable=False, server_default="false"),
    Column("archived_at", UTC),
    Column("given", JSONB),  # as in `source_columns`; none: a note of its person's own record
    CheckConstraint("entity_id IS NOT NULL OR deal_id IS NOT NULL", name="on_something"),
    Index(None, "entity_id", info=because("the notes of a person; the last activity")),
    where_present("deal_id", "the notes of a deal"),
    Index(
        "note_written",
        text("coalesce(created_at, recorded_at)"),
        postgresql_where=text("who IS NOT NULL"),
        info=because("the report of activity counts those that people wrote in a period"),
    ),
    schema="crm",
)

alert = Table(
    "alert",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    personal("dedupe_key", Text, nullable=False, unique=True),
    Column("user_id", BigInteger, ForeignKey("crm.user.id"), nullable=False),
    Column("lead_id", BigInteger, ForeignKey("crm.lead.id")),  # none: of many leads at once
    Column("event", Text, nullable=False),
    personal("text", Text, nullable=False),
    Column("at", UTC, nullable=False, server_default=NOW),
    Column("read_at", UTC),
    Column("contact_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id")),
    Index(None, "user_id", info=because("the alerts of a user")),
    where_present("lead_id", "removal of a lead takes its alerts"),
    where_present("contact_id", "removal of a contact takes its alerts"),
    where_present("deal_id", "removal of a deal takes its alerts"),
    schema="crm",
)

_MODE = "IN ('instant','digest','off')"

notification_preference = Table(
    "notification_preference",
    metadata,
    Column("user_id", BigInteger, ForeignKey("crm.user.id"), primary_key=True),
    Column("event", Text, primary_key=True),
    Column("web", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("apprise", Text, nullable=False, server_default="off"),
    CheckConstraint(f"web {_MODE}", name="web"),
    CheckConstraint(f"email {_MODE}", name="email"),
    CheckConstraint(f"apprise {_MODE}", name="apprise"),
    CheckConstraint("event <> ''", name="event"),
    schema="crm",
)

notice_profile = Table(
    "notice_profile",
    metadata,
    Column("user_id", BigInteger, ForeignKey("crm.user.id"), primary_key=True, autoincrement=False),
    Column("language", Text, nullable=False, server_default="en"),
    Column("quiet_from", Text),  # 22:00, on the clock of the user's time zone
    Column("quiet_until", Text),
    Column("quiet_weekends", Boolean, nullable=False, server_default="false"),
    Column("digest_at", Text, nullable=False, server_default="08:00"),  # times, with commas
    Column("apprise", Text),  # a name under `apprise` of the settings
    CheckConstraint("language IN ('en','fr')", name="language"),
    CheckConstraint("num_nonnulls(quiet_from, quiet_until) <> 1", name="quiet"),
    schema="crm",
)
