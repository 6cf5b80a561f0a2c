"""Notices: a mode for each channel, a person's language and hours, and events that are held until later."""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0074"
branch_labels = None
depends_on = None

_MODES = "IN ('instant','digest','off')"


def upgrade() -> None:
    """Change the preferences, add the table of people's hours, and the columns of the outbox."""
    for channel in ("web", "email"):
        op.alter_column(
            "notification_preference",
            channel,
            schema="crm",
            type_=sa.Text,
            postgresql_using=f"CASE WHEN {channel} THEN 'instant' ELSE 'off' END",
        )
    op.add_column(
        "notification_preference",
        sa.Column("apprise", sa.Text, nullable=False, server_default="off"),
        schema="crm",
    )
    for channel in ("web", "email", "apprise"):
        op.create_check_constraint(
            op.f(f"ck_notification_preference_{channel}"),
            "notification_preference",
            f"{channel} {_MODES}",
            schema="crm",
        )
    op.create_table(
        "notice_profile",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("language", sa.Text, nullable=False, server_default="en"),
        sa.Column("quiet_from", sa.Text),
        sa.Column("quiet_until", sa.Text),
        sa.Column("quiet_weekends", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("digest_at", sa.Text, nullable=False, server_default="08:00"),
        sa.Column("apprise", sa.Text),
        sa.CheckConstraint("language IN ('en','fr')", name=op.f("ck_notice_profile_language")),
        sa.CheckConstraint(
            "num_nonnulls(quiet_from, quiet_until) <> 1", name=op.f("ck_notice_profile_quiet")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_profile")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["crm.user.id"], name=op.f("fk_notice_profile_user_id_user")
        ),
        schema="crm",
    )
    op.add_column("outbox", sa.Column("channel", sa.Text), schema="ops")
    op.add_column("outbox", sa.Column("of_id", sa.BigInteger), schema="ops")
    op.create_foreign_key(
        op.f("fk_outbox_of_id_outbox"), "outbox", "outbox", ["of_id"], ["id"],
        source_schema="ops", referent_schema="ops",
    )  # fmt: skip
    op.drop_constraint(op.f("ck_outbox_state"), "outbox", schema="ops")
    op.create_check_constraint(
        op.f("ck_outbox_state"), "outbox", "state IN ('pending','held','done','dead')", schema="ops"
    )
    op.create_index(
        "outbox_held", "outbox", ["not_before"], schema="ops",
        postgresql_where=sa.text("state = 'held'"),
    )  # fmt: skip
    op.create_index(
        op.f("ix_outbox_of_id"), "outbox", ["of_id"], schema="ops",
        postgresql_where=sa.text("of_id IS NOT NULL"),
    )  # fmt: skip
