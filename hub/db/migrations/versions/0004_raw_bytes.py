"""A payload that is no JSON is kept as the bytes that came."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and let the payload be null where it stands in."""
    op.add_column("raw", sa.Column("body", sa.LargeBinary(), nullable=True), schema="landing")
    op.alter_column("raw", "payload", nullable=True, schema="landing")
    op.create_check_constraint(
        op.f("ck_raw_payload_or_body"),
        "raw",
        "(payload IS NULL) <> (body IS NULL)",
        schema="landing",
    )
