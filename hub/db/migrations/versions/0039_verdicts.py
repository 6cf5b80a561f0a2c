"""The verdict stands in `ops.verdict` alone, and is given without an index entry."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

# Owners and tickets wait for load in the queue; so far it found them by their open verdicts.
_QUEUE = """
INSERT INTO ops.pending (stage, ref, lane, batch_id)
SELECT CASE s.target WHEN 'user' THEN 'owners' ELSE 'tickets' END, s.id, s.lane, s.batch_id
FROM ops.source_record s JOIN ops.verdict v USING (batch_id, source, stream, source_id)
WHERE s.target IN ('user', 'ticket') AND v.verdict IS NULL AND s.gone_at IS NULL
  AND s.withdrawn_by IS NULL
"""
# The verdict of an object is that of the batch that brought its newest version, or mapped it again;
# `unchanged` hides no other. What a mapping leaves out that gave it before, its record says.
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
    AND s.planned_by IS NULL
    AND s.target IN ('user', 'person', 'organisation', 'deal', 'ticket')
  ORDER BY s.target = 'ticket' DESC, s.target LIMIT 1
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
    """Queue what waits, derive the verdict of the view, then drop the copies and the indexes."""
    op.drop_constraint("ck_pending_stage", "pending", schema="ops")
    op.create_check_constraint(
        op.f("ck_pending_stage"),
        "pending",
        "stage IN ('normalize','match','companies','owners','tickets')",
        schema="ops",
    )
    op.execute(_QUEUE)
    op.execute(_VIEW)
    op.drop_column("source_record", "verdict", schema="ops")
    op.drop_column("record_version", "verdict", schema="ops")
    op.drop_index("ix_verdict_source_stream_source_id_batch_id", "verdict", schema="ops")
    op.drop_index("verdict_open", "verdict", schema="ops")
    op.execute("ALTER TABLE ops.verdict SET (fillfactor = 50)")
