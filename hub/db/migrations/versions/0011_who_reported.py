"""Whether a stage ran inside a Dagster run, so that a sensor tells Dagster of the others alone."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what has been reported so far stays untold."""
    op.add_column(
        "stage_report",
        sa.Column("in_dagster", sa.Boolean(), server_default="false", nullable=False),
        schema="ops",
    )
