"""People who are not leads: contacts, members and requesters; tickets of those who asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UTC = sa.DateTime(timezone=True)
_PERSON = (
    "first_name", "last_name", "email", "emails", "phone", "mobile", "fax", "organization_name",
    "title", "industry", "website", "description", "street", "postal_code", "city", "state",
    "country", "lead_source", "tags", "custom_fields",
)  # fmt: skip
_LISTS = ("emails", "tags", "custom_fields")

_CONTACTS = """
CREATE VIEW reporting.contacts AS
SELECT c.id, c.is_organization, concat_ws(' ', c.first_name, c.last_name) AS name, c.email,
       c.company_id, u.email AS owner_email
FROM crm.contact c LEFT JOIN crm."user" u ON u.id = c.owner_id
WHERE c.merged_into IS NULL
"""
# what an object is to the CRM: a ticket that was made a lead as well is a ticket
_RECORDS = """
CREATE OR REPLACE VIEW reporting.source_records AS
SELECT h.source, h.stream, h.source_id,
       coalesce(s.kind, 'none') AS entity_kind, s.entity_id,
       coalesce(s.verdict, v.verdict) AS verdict
FROM landing.head h
LEFT JOIN LATERAL (
  SELECT CASE WHEN s.target = 'person' AND s.role = 'lead' THEN 'lead' ELSE s.target END AS kind,
         s.entity_id, s.verdict
  FROM ops.source_record s
  WHERE s.source = h.source AND s.stream = h.stream AND s.source_id = h.source_id
    AND s.target IN ('user', 'person', 'organisation', 'deal', 'ticket')
  ORDER BY s.target = 'ticket' DESC, s.target LIMIT 1
) s ON true
LEFT JOIN LATERAL (
  SELECT verdict FROM ops.verdict v
  WHERE v.source = h.source AND v.stream = h.stream AND v.source_id = h.source_id
    AND v.verdict IS NOT NULL
  ORDER BY (v.verdict = 'unchanged'), v.batch_id DESC LIMIT 1
) v ON true
"""


def upgrade() -> None:
    """Tell what a record is from what it is in the CRM; add contacts and tickets."""
    op.add_column("source_record", sa.Column("role", sa.Text()), schema="ops")
    op.execute(
        "UPDATE ops.source_record SET role = 'lead', target = 'person' WHERE target = 'lead'"
    )
    op.execute("UPDATE ops.entity SET kind = 'person' WHERE kind = 'lead'")
    _contact()
    _ticket()
    op.add_column("lead", sa.Column("contact_id", sa.BigInteger()), schema="crm")
    op.create_foreign_key(
        op.f("fk_lead_contact_id_contact"), "lead", "contact", ["contact_id"], ["id"],
        source_schema="crm", referent_schema="crm",
    )  # fmt: skip
    op.create_index(op.f("ix_lead_contact_id"), "lead", ["contact_id"], schema="crm")
    op.execute(_CONTACTS)
    op.execute(_RECORDS)


def _contact() -> None:
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        *[sa.Column(name, postgresql.JSONB() if name in _LISTS else sa.Text()) for name in _PERSON],
        sa.Column("created_at", _UTC),
        sa.Column("customer_type", sa.Text()),
        sa.Column("prospect_type", sa.Text()),
        sa.Column("is_organization", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("company_id", sa.BigInteger()),
        sa.Column("owner_id", sa.BigInteger()),
        sa.Column("last_activity_at", _UTC),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", _UTC),
        sa.Column("merged_into", sa.BigInteger()),
        sa.Column("recorded_at", _UTC, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entity_id"], ["ops.entity.id"], name=op.f("fk_contact_entity_id_entity")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["crm.contact.id"], name=op.f("fk_contact_company_id_contact")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["crm.user.id"], name=op.f("fk_contact_owner_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["crm.contact.id"], name=op.f("fk_contact_merged_into_contact")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("entity_id", name=op.f("uq_contact_entity_id")),
        schema="crm",
    )
    for column in ("company_id", "owner_id", "merged_into"):
        op.create_index(op.f(f"ix_contact_{column}"), "contact", [column], schema="crm")


def _ticket() -> None:
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text()),
        sa.Column("entity_id", sa.BigInteger()),
        *[
            sa.Column(name, sa.Text())
            for name in ("subject", "description", "status", "priority", "ticket_type", "channel",
                         "group_name", "satisfaction", "url")
        ],
        sa.Column("tags", postgresql.JSONB()),
        sa.Column("custom_fields", postgresql.JSONB()),
        sa.Column("created_at", _UTC),
        sa.Column("updated_at", _UTC),
        sa.Column("archived_at", _UTC),
        sa.Column("recorded_at", _UTC, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["ops.source_record.id"], name=op.f("fk_ticket_record_id_source_record")),
        sa.ForeignKeyConstraint(["entity_id"], ["ops.entity.id"], name=op.f("fk_ticket_entity_id_entity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("record_id", name=op.f("uq_ticket_record_id")),
        schema="crm",
    )  # fmt: skip
    op.create_index(op.f("ix_ticket_entity_id"), "ticket", ["entity_id"], schema="crm")
    op.create_index(
        op.f("ix_ticket_source_requester"), "ticket", ["source", "requester"], schema="crm"
    )
