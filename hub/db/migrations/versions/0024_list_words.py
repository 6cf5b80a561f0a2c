"""E-mail addresses of people, and how common the words are that lists ask for."""

from alembic import op
from sqlalchemy import text

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_STANDING = "archived_at IS NULL AND merged_into IS NULL"
_WORDS = {
    "lead": "lower(status), lower(lead_source), lower(country), lower(industry), lower(city)",
    "contact": "lower(customer_status), lower(country), lower(industry), lower(city)",
}


def upgrade() -> None:
    """Add the indexes and the statistics."""
    for table, words in _WORDS.items():
        op.create_index(
            f"{table}_email",
            table,
            [text("lower(email)"), "id"],
            schema="crm",
            postgresql_where=text(_STANDING),
        )
        op.execute(f"CREATE STATISTICS crm.{table}_words (mcv) ON {words} FROM crm.{table}")
        op.execute(f"CREATE STATISTICS crm.{table}_emails ON (lower(email)) FROM crm.{table}")
