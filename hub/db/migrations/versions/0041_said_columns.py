"""Indexes of columns that most rows leave empty are partial; the turns of a group are asked by nobody."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_MOSTLY_EMPTY = (
    ("crm", "lead", "contact_id"),
    ("crm", "lead", "account_id"),
    ("crm", "lead", "merged_into"),
    ("crm", "contact", "company_id"),
    ("crm", "contact", "merged_into"),
    ("crm", "note", "deal_id"),
    ("crm", "alert", "lead_id"),
    ("crm", "alert", "contact_id"),
    ("crm", "alert", "deal_id"),
    ("ops", "assignment", "contact_id"),
    ("ops", "assignment", "deal_id"),
    ("ops", "outbox", "lead_id"),
    ("ops", "outbox", "contact_id"),
    ("ops", "outbox", "deal_id"),
)


def upgrade() -> None:
    """Make the indexes again, without the empty rows."""
    for schema, table, column in _MOSTLY_EMPTY:
        name = op.f(f"ix_{table}_{column}")
        op.drop_index(name, table, schema=schema)
        op.create_index(
            name, table, [column], schema=schema, postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
    op.drop_index(op.f("ix_assignment_group_id"), "assignment", schema="ops")
