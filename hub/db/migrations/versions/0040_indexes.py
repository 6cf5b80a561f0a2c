"""Indexes and references of landing and ops that nothing asks for go; two become partial."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Raw rows and batches are never deleted, and what refers to them is written with them."""
    for name, table, schema in (
        ("fk_head_raw_id_raw", "head", "landing"),
        ("fk_source_record_raw_id_raw", "source_record", "ops"),
        ("fk_record_version_replaced_by_raw", "record_version", "ops"),
        ("fk_verdict_batch_id_batch", "verdict", "ops"),
    ):
        op.drop_constraint(name, table, schema=schema)
    for name, table, schema in (
        ("ix_head_raw_id", "head", "landing"),
        ("ix_source_record_raw_id", "source_record", "ops"),
        ("ix_source_record_entity_id", "source_record", "ops"),
        ("ix_record_version_replaced_by", "record_version", "ops"),
        ("pending_next", "pending", "ops"),
    ):
        op.drop_index(name, table, schema=schema)
    op.create_index(
        "source_record_entity",
        "source_record",
        ["entity_id"],
        schema="ops",
        postgresql_where=sa.text("entity_id IS NOT NULL"),
    )
    op.create_index(
        "pending_live",
        "pending",
        ["stage", "ref"],
        schema="ops",
        postgresql_where=sa.text("lane = 'live'"),
    )
    op.execute("ALTER TABLE ops.source_record SET (fillfactor = 45)")
