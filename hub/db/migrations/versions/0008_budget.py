"""What each vendor account has been asked, for all who share it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table of budgets."""
    op.create_table(
        "budget",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False),
        sa.Column("per_s", sa.Float(), server_default="0", nullable=False),
        sa.Column("log", postgresql.ARRAY(_UTC), server_default="{}", nullable=False),
        sa.Column("not_before", _UTC),
        sa.Column("used", sa.BigInteger()),
        sa.Column("day_limit", sa.BigInteger()),
        sa.Column("observed_at", _UTC),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_budget")),
        schema="ops",
    )
