"""ANALYZE passes over long values of which no condition asks by the column itself."""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_PEOPLE = (
    "first_name", "last_name", "email", "emails", "phone", "mobile", "fax", "organization_name",
    "title", "website", "description", "street", "postal_code", "city", "tags", "custom_fields",
)  # fmt: skip
_COLUMNS = {
    "ops.source_record": ("canonical", "canonical_hash", "refs", "match_keys"),
    "ops.record_version": ("canonical", "canonical_hash", "refs"),
    "crm.lead": _PEOPLE,
    "crm.contact": _PEOPLE,
}


def upgrade() -> None:
    """Gather no statistics of them."""
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
