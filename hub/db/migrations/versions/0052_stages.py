"""A stage can be removed, and a pipeline archived; the history of deals goes on naming them."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the moments, and let the name of a removed stage be given again."""
    for table in ("pipeline", "stage"):
        moment = sa.Column("archived_at", sa.DateTime(timezone=True))
        op.add_column(table, moment, schema="crm")
    op.drop_index("stage_name", "stage", schema="crm")
    op.create_index(
        "stage_name", "stage", ["pipeline_id", sa.text("lower(name)")], unique=True, schema="crm",
        postgresql_where=sa.text("archived_at IS NULL"),
    )  # fmt: skip
