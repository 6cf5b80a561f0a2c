"""Tables of schema `ops`: history and assignments, and the names of the tables of other modules."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.db.metadata import NOW, UTC, because, metadata, personal, where_present
from hub.records import (
    company_tables,
    consent_tables,
    entity_tables,
    matching_tables,
    name_tables,
    source_record_tables,
)

change = Table(
    "change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("entity_id", BigInteger, ForeignKey("ops.entity.id")),
    Column("batch_id", BigInteger),
    personal("who", Text, nullable=False),
    personal("fields", JSONB, nullable=False),
    Column("at", UTC, nullable=False, server_default=NOW),
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id")),
    CheckConstraint("entity_id IS NOT NULL OR deal_id IS NOT NULL", name="of_something"),
    Index(None, "deal_id", info=because("the history of a deal")),
    Index(None, "entity_id", info=because("the history of a person or company")),
    schema="ops",
)

assignment = Table(
    "assignment",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("lead_id", BigInteger, ForeignKey("crm.lead.id")),
    Column("group_id", BigInteger, ForeignKey("crm.distribution_group.id")),
    Column("user_id", BigInteger, ForeignKey("crm.user.id")),
    Column("rule", Text, nullable=False),
    personal("reason", Text, nullable=False),
    Column("skipped", JSONB, nullable=False, server_default="[]"),
    Column("next_before", BigInteger),
    Column("next_after", BigInteger),
    Column("at", UTC, nullable=False, server_default=text("clock_timestamp()")),
    Column("contact_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id")),
    Column("withdrawn_by", BigInteger),  # the undo that took it back; its record may be gone
    Column("rules_id", BigInteger),  # of ops.routing_rules, whose rows stay; by hand there is none
    personal("facts", JSONB),  # what the rules read of the lead
    Column("tried", JSONB),  # the targets in order, each with its candidates
    CheckConstraint(
        "num_nonnulls(lead_id, contact_id, deal_id) = 1 "
        "OR withdrawn_by IS NOT NULL AND num_nonnulls(lead_id, contact_id, deal_id) = 0",
        name="of_one_record",
    ),
    where_present("contact_id", "why a contact has its owner; removal of a contact"),
    where_present("deal_id", "why a deal has its owner; removal of a deal"),
    Index(None, "lead_id", info=because("why a lead has its owner; removal of a lead")),
    Index(None, "user_id", info=because("the assignments of a user")),
    schema="ops",
)

routing_rules = Table(
    "routing_rules",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("document", JSONB, nullable=False),
    Column("first_at", UTC, nullable=False, server_default=text("clock_timestamp()")),
    schema="ops",
)

source_record = source_record_tables.source_record
record_version = source_record_tables.record_version
pending = source_record_tables.pending
wanted = source_record_tables.wanted
derivation = source_record_tables.derivation
entity = entity_tables.entity
employment = entity_tables.employment
survivorship = entity_tables.survivorship
edit = entity_tables.edit
match_key = matching_tables.match_key
company_key = matching_tables.company_key
edge = matching_tables.edge
review = matching_tables.review
match_model = matching_tables.match_model
consent_event = consent_tables.consent_event
company_question = company_tables.company_question
name_change = name_tables.name_change
