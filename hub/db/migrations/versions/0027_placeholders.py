"""Placeholders are counted beside drift."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let drift have the kind `placeholder`."""
    op.drop_constraint(op.f("ck_drift_kind"), "drift", schema="ops")
    op.create_check_constraint(
        op.f("ck_drift_kind"),
        "drift",
        "kind IN ('field','value','type','placeholder')",
        schema="ops",
    )
