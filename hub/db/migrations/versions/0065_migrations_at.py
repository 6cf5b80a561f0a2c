"""A migration can start by itself at a set time, and goes on by itself when a quota is there again."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the moments of a migration that runs by itself."""
    for name in ("starts_at", "waits_until"):
        op.add_column("migration", sa.Column(name, sa.DateTime(timezone=True)), schema="ops")
