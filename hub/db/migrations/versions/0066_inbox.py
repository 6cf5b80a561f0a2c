"""The inbox of what sources send by themselves, and the deliveries that were seen."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("door", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True)),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("is_record", sa.Boolean, nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column(
            "next_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
        sa.Column("last_error", sa.Text),
        sa.Column("dead_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("door IN ('hook','form','lead')", name=op.f("ck_inbox_door")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        schema="landing",
    )
    op.create_index(
        "inbox_waiting",
        "inbox",
        ["next_at", "id"],
        schema="landing",
        postgresql_where=sa.text("dead_at IS NULL"),
    )
    op.create_table(
        "seen_delivery",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("source", "hash", name=op.f("pk_seen_delivery")),
        schema="landing",
    )
    op.create_index(
        "seen_delivery_at", "seen_delivery", ["at"], schema="landing", postgresql_using="brin"
    )
