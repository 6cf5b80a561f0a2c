"""An employment has a beginning and an end: what was done in this time counts for its company."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; an employment of before has neither, and counts as ever."""
    for name in ("since", "until"):
        op.add_column("employment", sa.Column(name, sa.DateTime(timezone=True)), schema="ops")
