"""A source record stands, or is visible to one planned batch alone."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_VIEW = """
CREATE OR REPLACE VIEW reporting.source_records AS
SELECT h.source, h.stream, h.source_id,
       coalesce(s.kind, 'none') AS entity_kind, s.entity_id,
       coalesce(s.verdict, v.verdict) AS verdict
FROM landing.head h
LEFT JOIN LATERAL (
  SELECT CASE WHEN s.target = 'person' AND s.role = 'lead' THEN 'lead' ELSE s.target END AS kind,
         s.entity_id, s.verdict
  FROM ops.source_record s
  WHERE s.source = h.source AND s.stream = h.stream AND s.source_id = h.source_id
    AND s.planned_by IS NULL
    AND s.target IN ('user', 'person', 'organisation', 'deal', 'ticket')
  ORDER BY s.target = 'ticket' DESC, s.target LIMIT 1
) s ON true
LEFT JOIN LATERAL (
  SELECT verdict FROM ops.verdict v
  WHERE v.source = h.source AND v.stream = h.stream AND v.source_id = h.source_id
    AND v.verdict IS NOT NULL
  ORDER BY (v.verdict = 'unchanged'), v.batch_id DESC LIMIT 1
) v ON true
"""


def upgrade() -> None:
    """A planned batch may have a record of an object beside the one that stands."""
    op.add_column("source_record", sa.Column("planned_by", sa.BigInteger), schema="ops")
    op.create_check_constraint(
        op.f("ck_source_record_visibility"),
        "source_record",
        "planned_by IS NULL OR (withdrawn_by = planned_by AND entity_id IS NULL)",
        schema="ops",
    )
    op.drop_index("source_record_key", "source_record", schema="ops")
    op.create_index(
        "source_record_key",
        "source_record",
        ["source", "stream", "source_id", "target", sa.text("coalesce(planned_by, 0)")],
        unique=True,
        schema="ops",
    )
    op.execute(_VIEW)
