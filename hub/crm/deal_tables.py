"""Tables of schema `crm`: pipelines, deals, and what became of a lead.

A deal is held: commands write it, nothing folds it. Its contacts are rows that may have been merged
since; readers follow `contact.merged_into`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.crm import list_columns
from hub.crm.source_columns import from_source
from hub.db.metadata import NOW, UTC, because, metadata, personal, where_present

_CATEGORIES = "'incoming','in_progress','won','unqualified','lost'"

pipeline = Table(
    "pipeline",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_disabled", Boolean, nullable=False, server_default="false"),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    # a deal lost here ends what was sold before: the customer is a past one
    Column("is_renewal", Boolean, nullable=False, server_default="false"),
    Column("archived_at", UTC),  # nothing is open in it, and nothing begins in it
    Index(
        "pipeline_name",
        text("lower(name)"),
        unique=True,
        info=because("one pipeline a name; finds it by the name"),
    ),
    schema="crm",
)

# `is_active`: the deal is open there; false of the closing stages
stage = Table(
    "stage",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("pipeline_id", BigInteger, ForeignKey("crm.pipeline.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("likelihood", SmallInteger, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    Column("archived_at", UTC),  # removed: the history of deals still names it
    CheckConstraint(f"category IN ({_CATEGORIES})", name="category"),
    CheckConstraint("likelihood BETWEEN 0 AND 100", name="likelihood"),
    Index(
        "stage_name",
        "pipeline_id",
        text("lower(name)"),
        unique=True,
        postgresql_where=text("archived_at IS NULL"),
        info=because("one stage a name; the stages of a pipeline"),
    ),
    schema="crm",
)

# what must hold before a deal leaves a stage for a later one
stage_criterion = Table(
    "stage_criterion",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("stage_id", BigInteger, ForeignKey("crm.stage.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),  # a field's name, or the words of a check
    Column("severity", Text, nullable=False),
    Column("position", Integer, nullable=False),
    CheckConstraint("kind IN ('field','check')", name="kind"),
    CheckConstraint("severity IN ('warn','refuse')", name="severity"),
    Index(
        "stage_criterion_once",
        "stage_id",
        "kind",
        "what",
        unique=True,
        info=because("one criterion of a kind; the criteria of a stage"),
    ),
    schema="crm",
)

# why something was lost or refused; names that a person chooses from
reason = Table(
    "reason",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("batch_id", BigInteger),  # the batch that brought it; none: the team's own
    CheckConstraint("kind IN ('loss','deal_unqualified','lead_unqualified')", name="kind"),
    Index(
        "reason_name",
        "kind",
        text("lower(name)"),
        unique=True,
        info=because("one reason a name; finds it by the name"),
    ),
    schema="crm",
)

deal = Table(
    "deal",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    personal("name", Text, nullable=False),
    Column("contact_id", BigInteger, ForeignKey("crm.contact.id"), nullable=False),
    Column("organization_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("owner_id", BigInteger, ForeignKey("crm.user.id")),
    Column("pipeline_id", BigInteger, ForeignKey("crm.pipeline.id"), nullable=False),
    Column("stage_id", BigInteger, ForeignKey("crm.stage.id"), nullable=False),
    Column("value", Numeric(18, 2), nullable=False, server_default="0"),
    Column("currency", Text, nullable=False),
    Column("is_hot", Boolean, nullable=False, server_default="false"),
    Column("source", Text),
    Column("loss_reason_id", BigInteger, ForeignKey("crm.reason.id")),
    Column("unqualified_reason_id", BigInteger, ForeignKey("crm.reason.id")),
    Column("estimated_close_date", Date),
    Column("customized_win_likelihood", SmallInteger),
    Column("added_at", UTC, nullable=False, server_default=NOW),  # may be dated back
    Column("closed_at", UTC),
    Column("last_stage_change_at", UTC, nullable=False, server_default=NOW),
    Column("last_activity_at", UTC),
    Column("last_communication_at", UTC),
    Column("next_task_at", UTC),
    Column("tags", JSONB, nullable=False, server_default="[]"),
    personal("custom_fields", JSONB, nullable=False, server_default="{}"),
    Column("lead_id", BigInteger, ForeignKey("crm.lead.id")),  # the conversion it came from
    Column("cloned_from", BigInteger, ForeignKey("crm.deal.id")),
    Column("archived_at", UTC),
    Column("recorded_at", UTC, nullable=False, server_default=NOW),
    list_columns.search_tokens("deal"),
    *from_source(),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    CheckConstraint("customized_win_likelihood BETWEEN 0 AND 100", name="likelihood"),
    Index(None, "contact_id", info=because("the deals of a person; their status as a customer")),
    Index(
        None, "organization_id", info=because("the deals of a company; its status as a customer")
    ),
    Index(
        None, "owner_id", info=because("the deals of an owner; how many are open, for capacities")
    ),
    Index(None, "stage_id", info=because("the deals of a stage: the board, and its removal")),
    Index(None, "lead_id", info=because("the deals of a lead, which its rollups count")),
    Index(None, "cloned_from", info=because("removal of a deal asks for its clones")),
    Index("deal_added", "added_at", info=because("reports count the deals added in a span")),
    Index(
        "deal_closed",
        "closed_at",
        postgresql_where=text("closed_at IS NOT NULL"),
        info=because("reports count the deals closed in a span"),
    ),
    schema="crm",
)

deal_contact = Table(
    "deal_contact",
    metadata,
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id"), primary_key=True),
    Column("contact_id", BigInteger, ForeignKey("crm.contact.id"), primary_key=True),
    Column("role", Text, nullable=False, server_default="involved"),
    Column("is_from_source", Boolean, nullable=False, server_default="false"),
    Index(None, "contact_id", info=because("the deals in which a person is involved")),
    schema="crm",
)

# a criterion of kind `check` that a user has ticked
deal_check = Table(
    "deal_check",
    metadata,
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id"), primary_key=True),
    Column("criterion_id", BigInteger, ForeignKey("crm.stage_criterion.id"), primary_key=True),
    personal("who", Text, nullable=False),
    Column("at", UTC, nullable=False, server_default=NOW),
    Index(None, "criterion_id", info=because("removal of a criterion takes its ticks")),
    schema="crm",
)

# every visit of a stage is the time from a transition to the next; the first comes from nowhere
stage_transition = Table(
    "stage_transition",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id"), nullable=False),
    Column("from_stage_id", BigInteger, ForeignKey("crm.stage.id")),
    Column("to_stage_id", BigInteger, ForeignKey("crm.stage.id"), nullable=False),
    personal("who", Text, nullable=False),
    Column("at", UTC, nullable=False, server_default=text("clock_timestamp()")),
    Column("is_from_source", Boolean, nullable=False, server_default="false"),
    Index(None, "deal_id", "at", info=because("the way of a deal, in its order")),
    Index(None, "at", info=because("reports read the moves of a span")),
    schema="crm",
)

# one row for each lead that is converted now; a reopened one stays as history
conversion = Table(
    "conversion",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("lead_id", BigInteger, ForeignKey("crm.lead.id"), nullable=False),
    Column("person_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("company_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id")),
    Column("made", JSONB, nullable=False, server_default="{}"),  # which of them it made itself
    personal("who", Text, nullable=False),
    Column("at", UTC, nullable=False, server_default=NOW),
    Column("reopened_at", UTC),
    personal("reopened_by", Text),
    # the lead's record, if its source has converted it
    Column("record_id", BigInteger, ForeignKey("ops.source_record.id")),
    where_present("record_id", "undo of a batch takes the conversions of its records"),
    Index(
        "conversion_standing",
        "lead_id",
        unique=True,
        postgresql_where=text("reopened_at IS NULL"),
        info=because("one conversion of a lead stands"),
    ),
    Index(None, "lead_id", info=because("the conversions of a lead")),
    Index(None, "person_id", info=because("removal of a contact asks for its conversions")),
    Index(None, "company_id", info=because("removal of a company asks for its conversions")),
    schema="crm",
)
