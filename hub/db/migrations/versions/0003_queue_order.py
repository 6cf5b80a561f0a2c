"""The queue is read in its own order: a chunk of a long one is not a sort of all of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("pending_next", "pending", ["stage", sa.text("lane DESC"), "ref"], schema="ops")
