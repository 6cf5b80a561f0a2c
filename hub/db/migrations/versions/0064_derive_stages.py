"""What activities change on people and deals waits in the queue, and is derived once for many of them."""

from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two stages to the queue."""
    op.drop_constraint(op.f("ck_pending_stage"), "pending", schema="ops")
    op.create_check_constraint(
        op.f("ck_pending_stage"),
        "pending",
        "stage IN ('normalize','match','companies','owners','tickets','deals','activities',"
        "'derive people','derive deals')",
        schema="ops",
    )
