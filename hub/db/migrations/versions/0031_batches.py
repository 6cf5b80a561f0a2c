"""Batches of a source stand side by side; their Dagster runs and undos have columns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_RUNS = """
UPDATE ops.batch SET runs = ARRAY(SELECT jsonb_array_elements_text(windows -> '' -> 'runs'))
WHERE jsonb_typeof(windows -> '' -> 'runs') = 'array'
"""
_UNDOS = """
UPDATE ops.batch SET undoes = CAST(windows ->> 'undone' AS bigint), windows = windows - 'undone'
WHERE kind = 'undo'
"""


def upgrade() -> None:
    """One sync and one migration of a source may run, and any number of other batches."""
    op.drop_index("one_running_batch_a_source", "batch", schema="ops")
    op.create_index(
        "one_running_read_a_source",
        "batch",
        ["source", "kind"],
        unique=True,
        schema="ops",
        postgresql_where=sa.text("state = 'running' AND kind IN ('sync','migrate')"),
    )
    op.drop_constraint(op.f("ck_batch_state"), "batch", schema="ops")
    op.create_check_constraint(
        op.f("ck_batch_state"),
        "batch",
        "state IN ('planned','running','done','failed','undoing','undone')",
        schema="ops",
    )
    op.add_column(
        "batch",
        sa.Column("runs", ARRAY(sa.Text), nullable=False, server_default="{}"),
        schema="ops",
    )
    op.add_column("batch", sa.Column("undoes", sa.BigInteger), schema="ops")
    op.add_column("batch", sa.Column("who", sa.Text), schema="ops")
    op.execute(_RUNS)
    op.execute(_UNDOS)
