"""The versions of the rules that the stored data was derived with."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. What is stored by now was derived with rules whose version is not known: ''."""
    op.create_table(
        "derivation",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column(
            "since", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("walked_to", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "name IN ('keys','model','fold','links')", name=op.f("ck_derivation_name")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_derivation")),
        schema="ops",
    )
    op.execute("""
INSERT INTO ops.derivation (name, version, until)
SELECT name, '', coalesce(newest, 0)
FROM (SELECT max(id) FROM ops.source_record) r (record), (SELECT max(id) FROM ops.entity) e (entity),
  LATERAL (VALUES ('keys', record), ('model', record), ('fold', entity), ('links', entity))
    AS d (name, newest)
""")
