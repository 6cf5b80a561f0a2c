"""Keys of companies are hashes in one index, found by the key; only companies find theirs by their number."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_CARRY_OVER = """
INSERT INTO ops.company_key (hash, is_company, entity_id)
SELECT DISTINCT hashtextextended(kind || '=' || value, 0), is_company, entity_id
FROM ops.company_key_before ORDER BY 1, 2, 3
"""


def upgrade() -> None:
    """Carry the keys over: companies and their people go on finding each other."""
    op.rename_table("company_key", "company_key_before", schema="ops")
    op.create_table(
        "company_key",
        sa.Column("hash", sa.BigInteger()),  # the primary key makes them NOT NULL
        sa.Column("is_company", sa.Boolean()),
        sa.Column("entity_id", sa.BigInteger()),
        schema="ops",
    )
    op.execute(_CARRY_OVER)
    op.drop_table("company_key_before", schema="ops")
    columns = ["hash", "is_company", "entity_id"]
    op.create_primary_key(op.f("pk_company_key"), "company_key", columns, schema="ops")
    op.create_index(
        "company_key_own",
        "company_key",
        ["entity_id"],
        schema="ops",
        postgresql_where=sa.text("is_company"),
    )
