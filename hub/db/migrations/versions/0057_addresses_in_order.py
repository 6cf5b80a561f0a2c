"""Indexes of e-mail addresses find how an address begins, whatever the locale of the database."""

from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both indexes again."""
    for table in ("lead", "contact"):
        op.execute(f"DROP INDEX crm.{table}_email")
        op.execute(
            f"CREATE INDEX {table}_email ON crm.{table} (lower(email) text_pattern_ops, id)"
            " WHERE archived_at IS NULL AND merged_into IS NULL"
        )
