"""Mails to people outside of the team are counted by their hour, and lose an erased receiver."""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index, and allow an event without a receiver."""
    op.drop_constraint(op.f("ck_outbox_receiver"), "outbox", schema="ops")
    op.create_check_constraint(
        op.f("ck_outbox_receiver"), "outbox", "num_nonnulls(user_id, address) <= 1", schema="ops"
    )
    op.create_index(
        "outbox_letter",
        "outbox",
        ["created_at"],
        schema="ops",
        postgresql_where=sa.text("event = 'consent_confirmation'"),
    )
