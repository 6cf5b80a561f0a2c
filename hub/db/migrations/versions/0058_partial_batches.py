"""A batch of which a run has read a part, or that a used-up quota stopped, is `partial`."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Allow the state; a source still has one open sync and one open migration."""
    op.drop_index("one_running_read_a_source", "batch", schema="ops")
    op.drop_constraint(op.f("ck_batch_state"), "batch", schema="ops")
    op.create_check_constraint(
        op.f("ck_batch_state"),
        "batch",
        "state IN ('planned','running','partial','done','failed','undoing','undone')",
        schema="ops",
    )
    op.create_index(
        "one_open_read_a_source",
        "batch",
        ["source", "kind"],
        unique=True,
        schema="ops",
        postgresql_where=sa.text("state IN ('running','partial') AND kind IN ('sync','migrate')"),
    )
