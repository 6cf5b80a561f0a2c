"""Rows that no source asks for, leads that their source has converted, statuses that are held."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_UTC = sa.DateTime(timezone=True)

# The history tells who spoke of the status last. An undo gave back what was there before.
_HELD = """
UPDATE crm.lead l SET status_set_by = CASE c.who WHEN 'inquiry' THEN 'inquiry' ELSE 'person' END
FROM (
  SELECT DISTINCT ON (entity_id) entity_id, who FROM ops.change
  WHERE fields ?| ARRAY['status', 'unqualified_reason'] AND who <> 'sync' AND NOT fields ? 'undone'
  ORDER BY entity_id, id DESC) c
WHERE c.entity_id = l.entity_id
"""


def upgrade() -> None:
    """Add the columns, and mark the statuses that somebody, or an inquiry, has set."""
    for table, name, kind in (
        ("contact", "unasked_since", _UTC),
        ("lead", "unasked_since", _UTC),
        ("lead", "source_converted_at", _UTC),
        ("lead", "status_set_by", sa.Text()),
    ):
        op.add_column(table, sa.Column(name, kind), schema="crm")
    op.execute(_HELD)
    op.create_check_constraint(
        op.f("ck_lead_status_set_by"),
        "lead",
        "status_set_by IN ('person','inquiry')",
        schema="crm",
    )
    op.drop_constraint(op.f("ck_contact_kept_by"), "contact", schema="crm")
    op.create_check_constraint(
        op.f("ck_contact_kept_by"),
        "contact",
        "kept_by IN ('source','person','nobody')",
        schema="crm",
    )
    op.add_column("source_record", sa.Column("left_entity_id", sa.BigInteger()), schema="ops")
    op.create_index(
        "source_record_left",
        "source_record",
        ["left_entity_id"],
        schema="ops",
        postgresql_where=sa.text("left_entity_id IS NOT NULL"),
    )
