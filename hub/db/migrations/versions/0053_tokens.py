"""The search tokens of a row have their name: the column and the function that were called facts."""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename them; the values and the index stay."""
    for table in ("lead", "contact", "deal"):
        op.execute(f"ALTER TABLE crm.{table} RENAME COLUMN facts TO search_tokens")
    op.execute(
        "ALTER FUNCTION crm.facts(jsonb, jsonb, timestamptz, text[]) RENAME TO search_tokens"
    )
