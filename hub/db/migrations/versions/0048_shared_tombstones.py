"""A tombstone may be of a shared address: it stays shared when the others who have it are erased too."""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the kind be said."""
    op.drop_constraint("kind", "tombstone", schema="ops", type_="check")
    op.create_check_constraint(
        "kind",
        "tombstone",
        "kind IN ('email','phone','tail','record','named','shared')",
        schema="ops",
    )
