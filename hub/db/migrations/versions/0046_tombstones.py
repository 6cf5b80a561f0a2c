"""Tombstones of erased people: keyed digests that keep sources from bringing them back."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tombstone",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("erasure", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("blocked_n", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("blocked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind IN ('email','phone','tail','record','named')", name="kind"),
        sa.PrimaryKeyConstraint("digest", name="pk_tombstone"),
        schema="ops",
    )
