"""The sales process: activities, pipelines and deals, conversions, and what a team sets up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0011"
branch_labels = None
depends_on = None

# Zendesk Sell's own stages; it publishes no likelihoods for them, so these are our choice.
_DEFAULTS = (
    "INSERT INTO crm.pipeline (name, position) VALUES ('Sales', 1)",
    """
INSERT INTO crm.stage (pipeline_id, name, category, position, likelihood, is_active)
SELECT p.id, s.* FROM crm.pipeline p, (VALUES
  ('Incoming', 'incoming', 1, 10, true), ('Qualified', 'in_progress', 2, 25, true),
  ('Quote', 'in_progress', 3, 50, true), ('Closure', 'in_progress', 4, 75, true),
  ('Won', 'won', 5, 100, false), ('Unqualified', 'unqualified', 6, 0, false),
  ('Lost', 'lost', 7, 0, false)) AS s
""",
    """
INSERT INTO crm.lead_status (name, position, is_unqualified)
VALUES ('New', 1, false), ('Working', 2, false), ('Qualified', 3, false), ('Unqualified', 4, true)
""",
    """
INSERT INTO crm.reason (kind, name) VALUES
  ('loss', 'Price'), ('loss', 'Competitor'), ('loss', 'No decision'), ('loss', 'Timing'),
  ('deal_unqualified', 'No budget'), ('deal_unqualified', 'No need'),
  ('deal_unqualified', 'No authority'),
  ('lead_unqualified', 'Not a lead'), ('lead_unqualified', 'No budget'),
  ('lead_unqualified', 'No need'), ('lead_unqualified', 'Not reachable'),
  ('lead_unqualified', 'Bad timing')
""",
    """
INSERT INTO crm.outcome (kind, name) VALUES
  ('call', 'Interested'), ('call', 'Not interested'), ('call', 'No answer'),
  ('call', 'Left a message'), ('visit', 'Interested'), ('visit', 'Not interested'),
  ('visit', 'Nobody there')
""",
)


def upgrade() -> None:
    """Add the tables, what other tables need for them, and what a team begins with."""
    op.create_table(
        "custom_field",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("choices", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("is_filterable", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "object IN ('lead','person','company','deal')", name=op.f("ck_custom_field_object")
        ),
        sa.CheckConstraint(
            "type IN ('number','string','text','bool','date','datetime','email','phone','url','address','list','multi_select_list')",
            name=op.f("ck_custom_field_type"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_field")),
        schema="crm",
    )
    op.create_index(
        "custom_field_key", "custom_field", ["object", "key"], unique=True, schema="crm"
    )
    op.create_index(
        "custom_field_name",
        "custom_field",
        ["object", sa.literal_column("lower(name)")],
        unique=True,
        schema="crm",
    )
    op.create_table(
        "layout",
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("sections", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "object IN ('lead','person','company','deal')", name=op.f("ck_layout_object")
        ),
        sa.PrimaryKeyConstraint("object", name=op.f("pk_layout")),
        schema="crm",
    )
    op.create_table(
        "lead_status",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_unqualified", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_status")),
        schema="crm",
    )
    op.create_index(
        "lead_status_name",
        "lead_status",
        [sa.literal_column("lower(name)")],
        unique=True,
        schema="crm",
    )
    op.create_table(
        "outcome",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('call','visit')", name=op.f("ck_outcome_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
        schema="crm",
    )
    op.create_index(
        "outcome_name",
        "outcome",
        ["kind", sa.literal_column("lower(name)")],
        unique=True,
        schema="crm",
    )
    op.create_table(
        "pipeline",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_disabled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline")),
        schema="crm",
    )
    op.create_index(
        "pipeline_name", "pipeline", [sa.literal_column("lower(name)")], unique=True, schema="crm"
    )
    op.create_table(
        "reason",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('loss','deal_unqualified','lead_unqualified')", name=op.f("ck_reason_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reason")),
        schema="crm",
    )
    op.create_index(
        "reason_name",
        "reason",
        ["kind", sa.literal_column("lower(name)")],
        unique=True,
        schema="crm",
    )
    op.create_table(
        "record_source",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('lead','deal')", name=op.f("ck_record_source_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_source")),
        schema="crm",
    )
    op.create_index(
        "record_source_name",
        "record_source",
        ["kind", sa.literal_column("lower(name)")],
        unique=True,
        schema="crm",
    )
    op.create_table(
        "smart_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "object IN ('lead','person','company','deal')", name=op.f("ck_smart_link_object")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_smart_link")),
        schema="crm",
    )
    op.create_index(
        "smart_link_name",
        "smart_link",
        ["object", sa.literal_column("lower(name)")],
        unique=True,
        schema="crm",
    )
    op.create_table(
        "smart_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filter", postgresql.JSONB(), nullable=False),
        sa.Column("sort", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("columns", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("is_shared", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_template", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "object IN ('lead','person','company','deal')", name=op.f("ck_smart_list_object")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["crm.user.id"], name=op.f("fk_smart_list_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_smart_list")),
        schema="crm",
    )
    op.create_index(
        op.f("ix_smart_list_user_id"), "smart_list", ["user_id"], unique=False, schema="crm"
    )
    op.create_index(
        "smart_list_name",
        "smart_list",
        ["object", sa.literal_column("coalesce(user_id, 0)"), sa.literal_column("lower(name)")],
        unique=True,
        schema="crm",
    )
    op.create_table(
        "stage",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("pipeline_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("likelihood", sa.SmallInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "category IN ('incoming','in_progress','won','unqualified','lost')",
            name=op.f("ck_stage_category"),
        ),
        sa.CheckConstraint("likelihood BETWEEN 0 AND 100", name=op.f("ck_stage_likelihood")),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["crm.pipeline.id"], name=op.f("fk_stage_pipeline_id_pipeline")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
        schema="crm",
    )
    op.create_index(
        "stage_name",
        "stage",
        ["pipeline_id", sa.literal_column("lower(name)")],
        unique=True,
        schema="crm",
    )
    op.create_table(
        "stage_criterion",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("stage_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('field','check')", name=op.f("ck_stage_criterion_kind")),
        sa.CheckConstraint(
            "severity IN ('warn','refuse')", name=op.f("ck_stage_criterion_severity")
        ),
        sa.ForeignKeyConstraint(
            ["stage_id"], ["crm.stage.id"], name=op.f("fk_stage_criterion_stage_id_stage")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_criterion")),
        schema="crm",
    )
    op.create_index(
        "stage_criterion_once",
        "stage_criterion",
        ["stage_id", "kind", "what"],
        unique=True,
        schema="crm",
    )
    op.create_table(
        "deal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("pipeline_id", sa.BigInteger(), nullable=False),
        sa.Column("stage_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Numeric(precision=18, scale=2), server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("is_hot", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("loss_reason_id", sa.BigInteger(), nullable=True),
        sa.Column("unqualified_reason_id", sa.BigInteger(), nullable=True),
        sa.Column("estimated_close_date", sa.Date(), nullable=True),
        sa.Column("customized_win_likelihood", sa.SmallInteger(), nullable=True),
        sa.Column(
            "added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "last_stage_change_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("last_activity_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_communication_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_task_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tags", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("custom_fields", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=True),
        sa.Column("cloned_from", sa.BigInteger(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_deal_currency")),
        sa.CheckConstraint(
            "customized_win_likelihood BETWEEN 0 AND 100", name=op.f("ck_deal_likelihood")
        ),
        sa.ForeignKeyConstraint(
            ["cloned_from"], ["crm.deal.id"], name=op.f("fk_deal_cloned_from_deal")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["crm.contact.id"], name=op.f("fk_deal_contact_id_contact")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["crm.lead.id"], name=op.f("fk_deal_lead_id_lead")),
        sa.ForeignKeyConstraint(
            ["loss_reason_id"], ["crm.reason.id"], name=op.f("fk_deal_loss_reason_id_reason")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["crm.contact.id"], name=op.f("fk_deal_organization_id_contact")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["crm.user.id"], name=op.f("fk_deal_owner_id_user")),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["crm.pipeline.id"], name=op.f("fk_deal_pipeline_id_pipeline")
        ),
        sa.ForeignKeyConstraint(
            ["stage_id"], ["crm.stage.id"], name=op.f("fk_deal_stage_id_stage")
        ),
        sa.ForeignKeyConstraint(
            ["unqualified_reason_id"],
            ["crm.reason.id"],
            name=op.f("fk_deal_unqualified_reason_id_reason"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal")),
        schema="crm",
    )
    op.create_index(
        op.f("ix_deal_cloned_from"), "deal", ["cloned_from"], unique=False, schema="crm"
    )
    op.create_index(op.f("ix_deal_contact_id"), "deal", ["contact_id"], unique=False, schema="crm")
    op.create_index(op.f("ix_deal_lead_id"), "deal", ["lead_id"], unique=False, schema="crm")
    op.create_index(
        op.f("ix_deal_organization_id"), "deal", ["organization_id"], unique=False, schema="crm"
    )
    op.create_index(op.f("ix_deal_owner_id"), "deal", ["owner_id"], unique=False, schema="crm")
    op.create_index(op.f("ix_deal_stage_id"), "deal", ["stage_id"], unique=False, schema="crm")
    op.create_table(
        "call",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_incoming", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_missed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=True),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("outcome_id", sa.BigInteger(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("recording_url", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "entity_id IS NOT NULL OR deal_id IS NOT NULL", name=op.f("ck_call_on_something")
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["crm.deal.id"], name=op.f("fk_call_deal_id_deal")),
        sa.ForeignKeyConstraint(
            ["entity_id"], ["ops.entity.id"], name=op.f("fk_call_entity_id_entity")
        ),
        sa.ForeignKeyConstraint(
            ["outcome_id"], ["crm.outcome.id"], name=op.f("fk_call_outcome_id_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        schema="crm",
    )
    op.create_index(op.f("ix_call_deal_id"), "call", ["deal_id"], unique=False, schema="crm")
    op.create_index(op.f("ix_call_entity_id"), "call", ["entity_id"], unique=False, schema="crm")
    op.create_table(
        "conversion",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("made", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["crm.contact.id"], name=op.f("fk_conversion_company_id_contact")
        ),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["crm.deal.id"], name=op.f("fk_conversion_deal_id_deal")
        ),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["crm.lead.id"], name=op.f("fk_conversion_lead_id_lead")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["crm.contact.id"], name=op.f("fk_conversion_person_id_contact")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversion")),
        schema="crm",
    )
    op.create_index(
        "conversion_standing",
        "conversion",
        ["lead_id"],
        unique=True,
        schema="crm",
        postgresql_where=sa.text("reopened_at IS NULL"),
    )
    op.create_index(
        op.f("ix_conversion_company_id"), "conversion", ["company_id"], unique=False, schema="crm"
    )
    op.create_index(
        op.f("ix_conversion_lead_id"), "conversion", ["lead_id"], unique=False, schema="crm"
    )
    op.create_index(
        op.f("ix_conversion_person_id"), "conversion", ["person_id"], unique=False, schema="crm"
    )
    op.create_table(
        "deal_check",
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("criterion_id", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["criterion_id"],
            ["crm.stage_criterion.id"],
            name=op.f("fk_deal_check_criterion_id_stage_criterion"),
        ),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["crm.deal.id"], name=op.f("fk_deal_check_deal_id_deal")
        ),
        sa.PrimaryKeyConstraint("deal_id", "criterion_id", name=op.f("pk_deal_check")),
        schema="crm",
    )
    op.create_index(
        op.f("ix_deal_check_criterion_id"),
        "deal_check",
        ["criterion_id"],
        unique=False,
        schema="crm",
    )
    op.create_table(
        "deal_contact",
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), server_default="involved", nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["crm.contact.id"], name=op.f("fk_deal_contact_contact_id_contact")
        ),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["crm.deal.id"], name=op.f("fk_deal_contact_deal_id_deal")
        ),
        sa.PrimaryKeyConstraint("deal_id", "contact_id", name=op.f("pk_deal_contact")),
        schema="crm",
    )
    op.create_index(
        op.f("ix_deal_contact_contact_id"),
        "deal_contact",
        ["contact_id"],
        unique=False,
        schema="crm",
    )
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_incoming", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('email','text','chat')", name=op.f("ck_message_kind")),
        sa.CheckConstraint(
            "entity_id IS NOT NULL OR deal_id IS NOT NULL", name=op.f("ck_message_on_something")
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["crm.deal.id"], name=op.f("fk_message_deal_id_deal")),
        sa.ForeignKeyConstraint(
            ["entity_id"], ["ops.entity.id"], name=op.f("fk_message_entity_id_entity")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        schema="crm",
    )
    op.create_index(op.f("ix_message_deal_id"), "message", ["deal_id"], unique=False, schema="crm")
    op.create_index(
        op.f("ix_message_entity_id"), "message", ["entity_id"], unique=False, schema="crm"
    )
    op.create_table(
        "stage_transition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("from_stage_id", sa.BigInteger(), nullable=True),
        sa.Column("to_stage_id", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["crm.deal.id"], name=op.f("fk_stage_transition_deal_id_deal")
        ),
        sa.ForeignKeyConstraint(
            ["from_stage_id"],
            ["crm.stage.id"],
            name=op.f("fk_stage_transition_from_stage_id_stage"),
        ),
        sa.ForeignKeyConstraint(
            ["to_stage_id"], ["crm.stage.id"], name=op.f("fk_stage_transition_to_stage_id_stage")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_transition")),
        schema="crm",
    )
    op.create_index(
        op.f("ix_stage_transition_at"), "stage_transition", ["at"], unique=False, schema="crm"
    )
    op.create_index(
        op.f("ix_stage_transition_deal_id_at"),
        "stage_transition",
        ["deal_id", "at"],
        unique=False,
        schema="crm",
    )
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["deal_id"], ["crm.deal.id"], name=op.f("fk_task_deal_id_deal")),
        sa.ForeignKeyConstraint(
            ["entity_id"], ["ops.entity.id"], name=op.f("fk_task_entity_id_entity")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["crm.user.id"], name=op.f("fk_task_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        schema="crm",
    )
    op.create_index(op.f("ix_task_deal_id"), "task", ["deal_id"], unique=False, schema="crm")
    op.create_index(op.f("ix_task_entity_id"), "task", ["entity_id"], unique=False, schema="crm")
    op.create_index(
        "task_due",
        "task",
        ["owner_id", "due_at"],
        unique=False,
        schema="crm",
        postgresql_where=sa.text("completed_at IS NULL AND archived_at IS NULL"),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("outcome_id", sa.BigInteger(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "entity_id IS NOT NULL OR deal_id IS NOT NULL", name=op.f("ck_visit_on_something")
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["crm.deal.id"], name=op.f("fk_visit_deal_id_deal")),
        sa.ForeignKeyConstraint(
            ["entity_id"], ["ops.entity.id"], name=op.f("fk_visit_entity_id_entity")
        ),
        sa.ForeignKeyConstraint(
            ["outcome_id"], ["crm.outcome.id"], name=op.f("fk_visit_outcome_id_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        schema="crm",
    )
    op.create_index(op.f("ix_visit_deal_id"), "visit", ["deal_id"], unique=False, schema="crm")
    op.create_index(op.f("ix_visit_entity_id"), "visit", ["entity_id"], unique=False, schema="crm")
    op.add_column("alert", sa.Column("contact_id", sa.BigInteger(), nullable=True), schema="crm")
    op.add_column("alert", sa.Column("deal_id", sa.BigInteger(), nullable=True), schema="crm")
    op.create_index(
        op.f("ix_alert_contact_id"), "alert", ["contact_id"], unique=False, schema="crm"
    )
    op.create_index(op.f("ix_alert_deal_id"), "alert", ["deal_id"], unique=False, schema="crm")
    op.create_foreign_key(
        op.f("fk_alert_deal_id_deal"),
        "alert",
        "deal",
        ["deal_id"],
        ["id"],
        source_schema="crm",
        referent_schema="crm",
    )
    op.create_foreign_key(
        op.f("fk_alert_contact_id_contact"),
        "alert",
        "contact",
        ["contact_id"],
        ["id"],
        source_schema="crm",
        referent_schema="crm",
    )
    op.add_column(
        "contact",
        sa.Column("last_communication_at", sa.DateTime(timezone=True), nullable=True),
        schema="crm",
    )
    op.add_column(
        "contact",
        sa.Column("next_task_at", sa.DateTime(timezone=True), nullable=True),
        schema="crm",
    )
    op.add_column(
        "contact",
        sa.Column("customer_status", sa.Text(), server_default="none", nullable=False),
        schema="crm",
    )
    op.add_column(
        "contact",
        sa.Column("prospect_status", sa.Text(), server_default="none", nullable=False),
        schema="crm",
    )
    op.add_column(
        "lead",
        sa.Column("last_communication_at", sa.DateTime(timezone=True), nullable=True),
        schema="crm",
    )
    op.add_column(
        "lead", sa.Column("next_task_at", sa.DateTime(timezone=True), nullable=True), schema="crm"
    )
    op.add_column(
        "lead",
        sa.Column("first_response_at", sa.DateTime(timezone=True), nullable=True),
        schema="crm",
    )
    op.add_column("note", sa.Column("deal_id", sa.BigInteger(), nullable=True), schema="crm")
    op.add_column("note", sa.Column("who", sa.Text(), nullable=True), schema="crm")
    op.add_column(
        "note",
        sa.Column("is_important", sa.Boolean(), server_default="false", nullable=False),
        schema="crm",
    )
    op.add_column(
        "note", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True), schema="crm"
    )
    op.alter_column("note", "record_id", existing_type=sa.BIGINT(), nullable=True, schema="crm")
    op.alter_column("note", "entity_id", existing_type=sa.BIGINT(), nullable=True, schema="crm")
    op.create_index(op.f("ix_note_deal_id"), "note", ["deal_id"], unique=False, schema="crm")
    op.create_foreign_key(
        op.f("fk_note_deal_id_deal"),
        "note",
        "deal",
        ["deal_id"],
        ["id"],
        source_schema="crm",
        referent_schema="crm",
    )
    op.add_column(
        "user", sa.Column("role", sa.Text(), server_default="rep", nullable=False), schema="crm"
    )
    op.add_column("change", sa.Column("deal_id", sa.BigInteger(), nullable=True), schema="ops")
    op.alter_column("change", "entity_id", existing_type=sa.BIGINT(), nullable=True, schema="ops")
    op.create_index(op.f("ix_change_deal_id"), "change", ["deal_id"], unique=False, schema="ops")
    op.create_foreign_key(
        op.f("fk_change_deal_id_deal"),
        "change",
        "deal",
        ["deal_id"],
        ["id"],
        source_schema="ops",
        referent_schema="crm",
    )
    op.add_column("outbox", sa.Column("contact_id", sa.BigInteger(), nullable=True), schema="ops")
    op.add_column("outbox", sa.Column("deal_id", sa.BigInteger(), nullable=True), schema="ops")
    op.create_index(
        op.f("ix_outbox_contact_id"), "outbox", ["contact_id"], unique=False, schema="ops"
    )
    op.create_index(op.f("ix_outbox_deal_id"), "outbox", ["deal_id"], unique=False, schema="ops")
    op.create_foreign_key(
        op.f("fk_outbox_contact_id_contact"),
        "outbox",
        "contact",
        ["contact_id"],
        ["id"],
        source_schema="ops",
        referent_schema="crm",
    )
    op.create_foreign_key(
        op.f("fk_outbox_deal_id_deal"),
        "outbox",
        "deal",
        ["deal_id"],
        ["id"],
        source_schema="ops",
        referent_schema="crm",
    )
    op.add_column("turn", sa.Column("contact_id", sa.BigInteger(), nullable=True), schema="ops")
    op.add_column("turn", sa.Column("deal_id", sa.BigInteger(), nullable=True), schema="ops")
    op.alter_column("turn", "lead_id", existing_type=sa.BIGINT(), nullable=True, schema="ops")
    op.create_index(op.f("ix_turn_contact_id"), "turn", ["contact_id"], unique=False, schema="ops")
    op.create_index(op.f("ix_turn_deal_id"), "turn", ["deal_id"], unique=False, schema="ops")
    op.create_foreign_key(
        op.f("fk_turn_deal_id_deal"),
        "turn",
        "deal",
        ["deal_id"],
        ["id"],
        source_schema="ops",
        referent_schema="crm",
    )
    op.create_foreign_key(
        op.f("fk_turn_contact_id_contact"),
        "turn",
        "contact",
        ["contact_id"],
        ["id"],
        source_schema="ops",
        referent_schema="crm",
    )

    op.create_check_constraint(
        op.f("ck_user_role"), "user", "role IN ('admin','manager','rep','viewer')", schema="crm"
    )
    op.create_check_constraint(
        op.f("ck_distribution_group_record_kind"),
        "distribution_group",
        "record_kind IN ('lead','contact','deal')",
        schema="crm",
    )
    op.create_check_constraint(
        op.f("ck_note_on_something"),
        "note",
        "entity_id IS NOT NULL OR deal_id IS NOT NULL",
        schema="crm",
    )
    op.create_check_constraint(
        op.f("ck_change_of_something"),
        "change",
        "entity_id IS NOT NULL OR deal_id IS NOT NULL",
        schema="ops",
    )
    op.create_check_constraint(
        op.f("ck_turn_of_one_record"),
        "turn",
        "num_nonnulls(lead_id, contact_id, deal_id) = 1",
        schema="ops",
    )
    for statement in _DEFAULTS:
        op.execute(statement)
