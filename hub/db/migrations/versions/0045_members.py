"""Members of groups and users may be away or pause; groups may be removed and keep their history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A member who was away without an end pauses; nothing else changes."""
    is_paused: sa.Column[bool] = sa.Column(
        "is_paused", sa.Boolean(), nullable=False, server_default="false"
    )
    op.add_column("member", is_paused, schema="crm")
    op.execute("UPDATE crm.member SET is_paused = true WHERE is_away")
    op.drop_column("member", "is_away", schema="crm")
    op.add_column("member", sa.Column("in_yaml", JSONB()), schema="crm")
    op.create_check_constraint(
        op.f("ck_member_weight"), "member", sa.text("weight >= 0"), schema="crm"
    )
    op.create_check_constraint(
        op.f("ck_member_capacity"), "member", sa.text("capacity >= 0"), schema="crm"
    )
    for column in (
        sa.Column("away_from", sa.DateTime(timezone=True)),
        sa.Column("away_until", sa.DateTime(timezone=True)),
        sa.Column("is_paused", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("in_yaml", JSONB()),
    ):
        op.add_column("user", column, schema="crm")
    op.create_check_constraint(
        op.f("ck_user_away"), "user", sa.text("away_from < away_until"), schema="crm"
    )
    op.add_column(
        "distribution_group", sa.Column("removed_at", sa.DateTime(timezone=True)), schema="crm"
    )
