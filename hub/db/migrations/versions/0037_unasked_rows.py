"""Few rows are asked for by no source: indexes that find them."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes, each of a column that most rows leave empty."""
    for name, table, column in (
        ("contact_unasked", "contact", "unasked_since"),
        ("lead_unasked", "lead", "unasked_since"),
        ("lead_converted_in_source", "lead", "source_converted_at"),
    ):
        op.create_index(
            name, table, [column], schema="crm", postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
