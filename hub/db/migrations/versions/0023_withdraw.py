"""What a batch replaced is kept, so that the batch can be withdrawn."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the kept versions, and the marks of what was withdrawn."""
    op.create_table(
        "record_version",
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("replaced_by", sa.BigInteger(), nullable=False),
        sa.Column("raw_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("mapping_version", sa.Text(), nullable=False),
        sa.Column("trust", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("canonical", JSONB(), nullable=False),
        sa.Column("canonical_hash", sa.LargeBinary(), nullable=False),
        sa.Column("refs", JSONB(), nullable=False),
        sa.Column("source_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.BigInteger(), nullable=True),
        sa.Column("alias_of", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["record_id"],
            ["ops.source_record.id"],
            name=op.f("fk_record_version_record_id_source_record"),
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by"], ["landing.raw.id"], name=op.f("fk_record_version_replaced_by_raw")
        ),
        sa.PrimaryKeyConstraint("record_id", "replaced_by", name=op.f("pk_record_version")),
        schema="ops",
    )
    op.create_index(
        op.f("ix_record_version_replaced_by"), "record_version", ["replaced_by"], schema="ops"
    )
    op.add_column("raw", sa.Column("withdrawn_by", sa.BigInteger()), schema="landing")
    op.add_column("turn", sa.Column("withdrawn_by", sa.BigInteger()), schema="ops")
    op.drop_constraint(op.f("ck_turn_of_one_record"), "turn", schema="ops")
    op.create_check_constraint(
        op.f("ck_turn_of_one_record"),
        "turn",
        "num_nonnulls(lead_id, contact_id, deal_id) = 1 "
        "OR withdrawn_by IS NOT NULL AND num_nonnulls(lead_id, contact_id, deal_id) = 0",
        schema="ops",
    )
