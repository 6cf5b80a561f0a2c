"""What a user did to many records at once is kept record by record: it goes on, and is undone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "bulk",
        sa.Column("batch_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("wanted", JSONB(), nullable=False),
        sa.CheckConstraint("kind IN ('lead','contact','deal')", name=op.f("ck_bulk_kind")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["ops.batch.id"], name=op.f("fk_bulk_batch_id_batch")
        ),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_bulk")),
        schema="ops",
    )
    op.create_table(
        "bulk_item",
        sa.Column("batch_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("n", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("why", sa.Text()),
        sa.Column("before", JSONB()),
        sa.Column("after", JSONB()),
        sa.Column("undone", sa.Text()),
        sa.CheckConstraint(
            "outcome IN ('changed','unchanged','refused')", name=op.f("ck_bulk_item_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["ops.bulk.batch_id"], name=op.f("fk_bulk_item_batch_id_bulk")
        ),
        sa.PrimaryKeyConstraint("batch_id", "n", name=op.f("pk_bulk_item")),
        schema="ops",
    )
