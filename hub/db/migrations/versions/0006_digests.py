"""What is said of many leads at once belongs to no single one."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let an event and an alert stand without a lead."""
    op.alter_column("outbox", "lead_id", nullable=True, schema="ops")
    op.alter_column("alert", "lead_id", nullable=True, schema="crm")
