"""An undo keeps what each of its chunks did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of parts."""
    op.create_table(
        "undo_part",
        sa.Column("undo_id", sa.BigInteger, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("report", JSONB, nullable=False),
        sa.Column("stale", ARRAY(sa.BigInteger), nullable=False, server_default="{}"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("undo_id", "n", name=op.f("pk_undo_part")),
        sa.ForeignKeyConstraint(
            ["undo_id"], ["ops.batch.id"], name=op.f("fk_undo_part_undo_id_batch")
        ),
        schema="ops",
    )
