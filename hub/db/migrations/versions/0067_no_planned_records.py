"""`ops.source_record` has only records in force: a dry run works on a copy, so `planned_by` goes.

See docs/decisions/0009-rehearsal.md. Rows of planned batches, which no other part of the hub read, are
deleted with the column.
"""

from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

_VIEW = """
CREATE OR REPLACE VIEW reporting.source_records AS
WITH again AS MATERIALIZED (
  SELECT id, source FROM ops.batch WHERE kind IN ('retry', 'fix', 'remap', 'rederive')
)
SELECT h.source, h.stream, h.source_id,
       coalesce(s.kind, 'none') AS entity_kind, s.entity_id,
       CASE WHEN s.gone_why IN ('excluded', 'rejected') THEN s.gone_why ELSE v.verdict END AS verdict
FROM landing.head h
LEFT JOIN LATERAL (
  SELECT CASE WHEN s.target = 'person' AND s.role = 'lead' THEN 'lead' ELSE s.target END AS kind,
         s.entity_id, s.batch_id, s.raw_id, s.gone_why
  FROM ops.source_record s
  WHERE s.source = h.source AND s.stream = h.stream AND s.source_id = h.source_id
    AND s.target IN ('user', 'person', 'organisation', 'deal', 'ticket', 'task', 'call',
                     'visit', 'message', 'note')
  ORDER BY s.target = 'ticket' DESC, s.target = 'deal' DESC,
           s.target IN ('person', 'organisation', 'user') DESC, s.target LIMIT 1
) s ON true
LEFT JOIN LATERAL (
  SELECT v.verdict FROM (
    SELECT r.batch_id, r.id AS raw_id, false AS is_again FROM landing.raw r
    WHERE r.source = h.source AND r.stream = h.stream AND r.source_id = h.source_id
      AND r.withdrawn_by IS NULL
    UNION ALL SELECT s.batch_id, s.raw_id, true WHERE s.batch_id IS NOT NULL
    UNION ALL SELECT a.id, h.raw_id, true FROM again a WHERE a.source = h.source AND s.batch_id IS NULL
  ) b JOIN ops.verdict v ON v.batch_id = b.batch_id AND v.source = h.source
    AND v.stream = h.stream AND v.source_id = h.source_id
  WHERE v.verdict IS NOT NULL
  ORDER BY v.verdict = 'unchanged', b.raw_id DESC, b.is_again DESC, b.batch_id DESC LIMIT 1
) v ON true
"""


def upgrade() -> None:
    """Delete planned records; the key of a record is its object and target again."""
    op.execute(_VIEW)
    op.execute("DELETE FROM ops.source_record WHERE planned_by IS NOT NULL")
    op.drop_index("source_record_key", "source_record", schema="ops")
    op.drop_constraint(op.f("ck_source_record_visibility"), "source_record", schema="ops")
    op.drop_column("source_record", "planned_by", schema="ops")
    op.create_index(
        "source_record_key",
        "source_record",
        ["source", "stream", "source_id", "target"],
        unique=True,
        schema="ops",
    )
