"""Routing decisions with the version of the rules, the facts and the candidates, so that they can be replayed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of versions, and the columns of a decision."""
    op.create_table(
        "routing_rules",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column(
            "first_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_rules")),
        sa.UniqueConstraint("digest", name=op.f("uq_routing_rules_digest")),
        schema="ops",
    )
    op.add_column("assignment", sa.Column("rules_id", sa.BigInteger), schema="ops")
    op.add_column("assignment", sa.Column("facts", JSONB), schema="ops")
    op.add_column("assignment", sa.Column("tried", JSONB), schema="ops")
