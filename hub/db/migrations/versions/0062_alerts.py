"""The state of each source as it was last reported, and notifications to an address without a user."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; a notification has a user or an address."""
    op.create_table(
        "alert_state",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reasons", ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("told_n", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("unclosed", sa.Text),
        sa.CheckConstraint("state IN ('ok','failed')", name=op.f("ck_alert_state_state")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_alert_state")),
        schema="ops",
    )
    op.alter_column("outbox", "user_id", nullable=True, schema="ops")
    op.add_column("outbox", sa.Column("address", sa.Text), schema="ops")
    op.create_check_constraint(
        op.f("ck_outbox_receiver"), "outbox", "num_nonnulls(user_id, address) = 1", schema="ops"
    )
    op.alter_column("delivery", "user_id", nullable=True, schema="ops")
    op.execute("""
CREATE OR REPLACE VIEW reporting.deliveries AS
SELECT d.message_id, d.channel, coalesce(u.email, d.recipient) AS owner_email, d.state, d.at
FROM ops.delivery d LEFT JOIN crm."user" u ON u.id = d.user_id
""")
