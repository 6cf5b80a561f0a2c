"""The request by which a version came, up to the delivery of a notice."""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, the columns of the outbox, and the column of the view."""
    op.create_table(
        "arrival",
        sa.Column("raw_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("raw_id", name=op.f("pk_arrival")),
        schema="landing",
    )
    op.add_column("outbox", sa.Column("source", sa.Text), schema="ops")
    op.add_column("outbox", sa.Column("correlation_id", sa.Text), schema="ops")
    op.add_column("outbox", sa.Column("received_at", sa.DateTime(timezone=True)), schema="ops")
    op.execute("""
UPDATE ops.outbox SET source = split_part(substr(dedupe_key, length('lead_assigned:') + 1), '/', 1)
WHERE event = 'lead_assigned' AND dedupe_key LIKE 'lead_assigned:%/%'
""")
    op.create_index(
        "outbox_assigned",
        "outbox",
        ["source", "received_at", "created_at"],
        schema="ops",
        postgresql_where=sa.text("event = 'lead_assigned'"),
    )
    op.execute("""
CREATE OR REPLACE VIEW reporting.deliveries AS
SELECT d.message_id, d.channel, coalesce(u.email, d.recipient) AS owner_email, d.state, d.at,
  o.correlation_id
FROM ops.delivery d JOIN ops.outbox o ON o.id = d.outbox_id LEFT JOIN crm."user" u ON u.id = d.user_id;
COMMENT ON COLUMN reporting.deliveries.correlation_id IS 'the request that caused it, as logs name it; empty: a poll, a user';
""")
