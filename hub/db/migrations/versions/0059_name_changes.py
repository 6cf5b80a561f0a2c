"""The history of names: who renamed or removed a status, tag, user, group or list, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; renames of before are not known."""
    op.create_table(
        "name_change",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, server_default="", nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("old", sa.Text, nullable=False),
        sa.Column("new", sa.Text),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "what IN ('renamed','replaced','removed','restored')", name=op.f("ck_name_change_what")
        ),
        sa.CheckConstraint(
            "(new IS NOT NULL) = (what IN ('renamed','replaced'))", name=op.f("ck_name_change_new")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_name_change")),
        schema="ops",
    )
