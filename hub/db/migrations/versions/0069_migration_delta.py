"""A migration can be a delta, which moves what has changed since another one; it can define custom fields."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the migration that a delta is of, and custom fields; those that stand have neither."""
    op.add_column(
        "migration",
        sa.Column("delta_of", sa.BigInteger, sa.ForeignKey("ops.batch.id")),
        schema="ops",
    )
    op.add_column(
        "migration",
        sa.Column("fields", JSONB, nullable=False, server_default="[]"),
        schema="ops",
    )
    op.add_column("migration", sa.Column("defined", JSONB), schema="ops")
