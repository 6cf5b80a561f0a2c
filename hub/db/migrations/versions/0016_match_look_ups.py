"""What matching one record looks up: who names a person, and the persons a record was before."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_index(
        "source_record_requester",
        "source_record",
        ["source", sa.text("(refs ->> 'requester')")],
        schema="ops",
        postgresql_where=sa.text("(refs ->> 'requester') IS NOT NULL"),
    )
    op.create_index(
        "entity_lost",
        "entity",
        ["anchor_id"],
        schema="ops",
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
