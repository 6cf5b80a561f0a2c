"""Companies: the keys that find them, who works for whom, and the account that a lead belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_CONTACTS = """
CREATE OR REPLACE VIEW reporting.contacts AS
SELECT c.id, c.is_organization,
       CASE WHEN c.is_organization THEN c.organization_name
            ELSE concat_ws(' ', c.first_name, c.last_name) END AS name,
       c.email, c.company_id, u.email AS owner_email
FROM crm.contact c LEFT JOIN crm."user" u ON u.id = c.owner_id
WHERE c.merged_into IS NULL
"""


def upgrade() -> None:
    """Add what companies need; a company of the CRM is a contact that is an organisation."""
    op.drop_constraint(op.f("ck_pending_stage"), "pending", schema="ops")
    op.create_check_constraint(
        op.f("ck_pending_stage"),
        "pending",
        "stage IN ('normalize','match','companies')",
        schema="ops",
    )
    op.create_index(
        "source_record_company",
        "source_record",
        ["source", sa.literal_column("(refs ->> 'company')")],
        schema="ops",
        postgresql_where=sa.text("(refs ->> 'company') IS NOT NULL"),
    )
    _company_key()
    _employment()
    op.add_column("lead", sa.Column("account_id", sa.BigInteger()), schema="crm")
    op.add_column("lead", sa.Column("account_why", sa.Text()), schema="crm")
    op.create_foreign_key(
        op.f("fk_lead_account_id_contact"),
        "lead",
        "contact",
        ["account_id"],
        ["id"],
        source_schema="crm",
        referent_schema="crm",
    )
    op.create_index(op.f("ix_lead_account_id"), "lead", ["account_id"], schema="crm")
    op.execute(_CONTACTS)


def _company_key() -> None:
    op.create_table(
        "company_key",
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("is_company", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('domain','name','name_place')", name=op.f("ck_company_key_kind")
        ),
        sa.ForeignKeyConstraint(
            ["entity_id"], ["ops.entity.id"], name=op.f("fk_company_key_entity_id_entity")
        ),
        sa.PrimaryKeyConstraint("entity_id", "kind", "value", name=op.f("pk_company_key")),
        schema="ops",
    )
    op.create_index(
        op.f("ix_company_key_kind_value_is_company"),
        "company_key",
        ["kind", "value", "is_company"],
        schema="ops",
    )


def _employment() -> None:
    op.create_table(
        "employment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["person_id"], ["ops.entity.id"], name=op.f("fk_employment_person_id_entity")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["ops.entity.id"], name=op.f("fk_employment_company_id_entity")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employment")),
        schema="ops",
    )
    for name in ("person_id", "company_id"):
        op.create_index(op.f(f"ix_employment_{name}"), "employment", [name], schema="ops")
