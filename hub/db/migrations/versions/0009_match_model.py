"""Trained models of matching; who was merged into a record is found by index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "match_model",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column(
            "trained_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_model")),
        sa.UniqueConstraint("version", name=op.f("uq_match_model_version")),
        schema="ops",
    )
    op.create_index(
        "one_active_model",
        "match_model",
        ["is_active"],
        unique=True,
        schema="ops",
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "source_record_alias",
        "source_record",
        ["source", "stream", "alias_of"],
        schema="ops",
        postgresql_where=sa.text("alias_of IS NOT NULL"),
    )
