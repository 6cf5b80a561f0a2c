"""Subscriptions to events, their deliveries, and the scope of a token that may subscribe."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0073"
down_revision = "0071"
branch_labels = None
depends_on = None

_EVENTS = "'lead.created','lead.assigned','lead.converted','deal.stage_changed'"


def _moment(name: str, *, default: bool = False) -> "sa.Column[datetime]":
    if default:
        return sa.Column(
            name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        )
    return sa.Column(name, sa.DateTime(timezone=True))


def upgrade() -> None:
    """Add both tables, and allow the scope."""
    op.drop_constraint(op.f("ck_token_scope"), "token", schema="ops")
    op.create_check_constraint(
        op.f("ck_token_scope"), "token", "scope IN ('ingest','hooks')", schema="ops"
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("token_id", sa.BigInteger),
        sa.Column("made_by", sa.Text, nullable=False),
        _moment("made_at", default=True),
        _moment("removed_at"),
        sa.Column("removed_why", sa.Text),
        sa.Column("secret_version", sa.Integer, nullable=False, server_default="1"),
        _moment("not_before", default=True),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        _moment("delivered_at"),
        sa.Column("last_error", sa.Text),
        sa.CheckConstraint(f"event IN ({_EVENTS})", name=op.f("ck_subscription_event")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.ForeignKeyConstraint(
            ["token_id"], ["ops.token.id"], name=op.f("fk_subscription_token_id_token")
        ),
        schema="ops",
    )
    op.create_index(
        "subscription_in_force",
        "subscription",
        ["event"],
        schema="ops",
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(
        op.f("ix_subscription_token_id"),
        "subscription",
        ["token_id"],
        schema="ops",
        postgresql_where=sa.text("token_id IS NOT NULL"),
    )
    op.create_table(
        "hook_delivery",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("subscription_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("lead_id", sa.BigInteger),
        sa.Column("deal_id", sa.BigInteger),
        sa.Column("facts", JSONB, nullable=False, server_default="{}"),
        _moment("at", default=True),
        sa.Column("state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        _moment("not_before", default=True),
        _moment("give_up_from", default=True),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", sa.Text),
        _moment("done_at"),
        sa.CheckConstraint(
            "state IN ('pending','done','dead','dropped')", name=op.f("ck_hook_delivery_state")
        ),
        sa.CheckConstraint(
            "num_nonnulls(lead_id, deal_id) = 1", name=op.f("ck_hook_delivery_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_delivery")),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["ops.subscription.id"],
            name=op.f("fk_hook_delivery_subscription_id_subscription"),
        ),
        schema="ops",
    )
    for name, columns, where in (
        ("hook_delivery_pending", ["subscription_id", "not_before", "id"], "state = 'pending'"),
        ("hook_delivery_dead", ["subscription_id", "id"], "state = 'dead'"),
        ("hook_delivery_newest", ["subscription_id", "id"], None),
        (op.f("ix_hook_delivery_lead_id"), ["lead_id"], "lead_id IS NOT NULL"),
    ):
        op.create_index(
            name,
            "hook_delivery",
            columns,
            schema="ops",
            postgresql_where=sa.text(where) if where else None,
        )
