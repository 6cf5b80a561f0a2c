"""A migration reads all first (`landing.planned`), is rehearsed (`ops.plan`), and knows its ranges."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "migration",
        sa.Column("batch_id", sa.BigInteger, sa.ForeignKey("ops.batch.id"), primary_key=True),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("windows", JSONB, nullable=False, server_default="{}"),
        sa.Column("planned_at", _UTC),
        sa.Column("rehearsed_at", _UTC),
        sa.Column("applied_at", _UTC),
        schema="ops",
    )
    op.create_table(
        "migration_range",
        sa.Column(
            "batch_id", sa.BigInteger, sa.ForeignKey("ops.migration.batch_id"), primary_key=True
        ),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("low", sa.Text),
        sa.Column("high", sa.Text),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("cursor", JSONB),
        sa.Column("planned_n", sa.Integer),
        sa.Column("counted", sa.Integer),
        sa.Column("read_n", sa.Integer, nullable=False, server_default="0"),
        sa.Column("reason", sa.Text),
        sa.Column("updated_at", _UTC, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("state IN ('open','proven','short','failed')", name="state"),
        schema="ops",
    )
    op.create_table(
        "plan",
        sa.Column(
            "batch_id", sa.BigInteger, sa.ForeignKey("ops.migration.batch_id"), primary_key=True
        ),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("verdict", sa.Text),
        sa.Column("kind", sa.Text),
        sa.Column("is_new", sa.Boolean, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("fields", JSONB, nullable=False),
        schema="ops",
    )
    op.create_table(
        "planned",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("op", sa.Text, nullable=False),
        sa.Column("at", _UTC),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("payload", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.Column("into_id", sa.Text),
        sa.Column("is_blocked", sa.Boolean, nullable=False, server_default="false"),
        sa.CheckConstraint("(payload IS NULL) <> (body IS NULL)", name="payload_or_body"),
        schema="landing",
    )
    op.create_index(None, "planned", ["batch_id", "stream", "id"], schema="landing")
