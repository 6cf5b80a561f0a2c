"""Open tasks of everybody, those due first before all, without reading those that are done."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "task_open",
        "task",
        ["due_at", "id"],
        schema="crm",
        postgresql_where=sa.text("completed_at IS NULL AND archived_at IS NULL"),
    )
