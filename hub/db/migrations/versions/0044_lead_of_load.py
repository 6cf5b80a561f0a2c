"""The leads of an initial load are found by an index: each route asks for those that nobody was told of."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "lead_of_load",
        "lead",
        ["batch_id"],
        schema="crm",
        postgresql_where=sa.text("lane = 'bulk'"),
    )
