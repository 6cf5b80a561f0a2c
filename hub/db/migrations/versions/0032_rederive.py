"""Each mapping has a row in `ops.derivation`; quiet folds; held edges are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. What has landed by now was mapped with a version that is not known: ''."""
    op.add_column(
        "derivation",
        sa.Column("part", sa.Text(), server_default="", nullable=False),
        schema="ops",
    )
    op.drop_constraint(op.f("pk_derivation"), "derivation", schema="ops")
    op.create_primary_key(op.f("pk_derivation"), "derivation", ["name", "part"], schema="ops")
    op.drop_constraint(op.f("ck_derivation_name"), "derivation", schema="ops")
    op.create_check_constraint(
        op.f("ck_derivation_name"),
        "derivation",
        "name IN ('mapping','keys','model','fold','links')",
        schema="ops",
    )
    op.execute("""
INSERT INTO ops.derivation (name, part, version, until)
SELECT 'mapping', source || '/' || stream, '', max(id) + 1 FROM landing.raw GROUP BY source, stream
""")
    op.add_column(
        "entity",
        sa.Column("quiet_version", sa.BigInteger(), server_default="0", nullable=False),
        schema="ops",
    )
    op.create_index(
        "edge_held",
        "edge",
        ["a", "b"],
        schema="ops",
        postgresql_where=sa.text("made_by = 'held' AND revoked_at IS NULL"),
    )
