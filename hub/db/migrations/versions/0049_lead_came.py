"""A lead that is dated ahead of the clock came when the hub had it: figures, index, first responses.

Activities are found by their moment, for the report of activity.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_FILE = Path(__file__).parent.parent / f"revision_{revision}" / "1_lead_came.sql"


def upgrade() -> None:
    """Count and answer such leads by the new rule."""
    op.get_bind().exec_driver_sql(_FILE.read_text())
    for table, column in (("call", "made_at"), ("visit", "visited_at"), ("message", "sent_at")):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], schema="crm")
    op.create_index(
        "task_done",
        "task",
        ["completed_at"],
        schema="crm",
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )
    op.create_index(
        "note_written",
        "note",
        [sa.text("coalesce(created_at, recorded_at)")],
        schema="crm",
        postgresql_where=sa.text("who IS NOT NULL"),
    )
