"""A name that several companies have is a question: which of its companies are one."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. `hub upgrade` fills it: it places every company by the new rule."""
    op.create_table(
        "company_question",
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "asked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_company_question")),
        sa.ForeignKeyConstraint(
            ["record_id"],
            ["ops.source_record.id"],
            name=op.f("fk_company_question_record_id_source_record"),
        ),
        schema="ops",
    )
    op.create_index(op.f("ix_company_question_name"), "company_question", ["name"], schema="ops")
