"""Why a source record is gone: deleted or merged by its source, or refused by our mapping."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_CAUSES = "gone_why IN ('deleted','merged','excluded','rejected','unsaid')"

# The newest raw version of the object tells a deletion or a merge. Of the rest nothing better is
# known than that the mapping left it out: a verdict says whether it was rejected.
_BACKFILL = """
UPDATE ops.source_record s SET gone_why = CASE
  WHEN s.alias_of IS NOT NULL THEN 'merged'
  WHEN EXISTS (SELECT 1 FROM landing.head h WHERE h.source = s.source AND h.stream = s.stream
               AND h.source_id = s.source_id AND h.op <> 'upsert') OR s.source = 'hub'
    THEN 'deleted'
  WHEN s.target LIKE 'consent:%' AND EXISTS (
    SELECT 1 FROM ops.source_record o WHERE o.source = s.source AND o.stream = s.stream
    AND o.source_id = s.source_id AND o.gone_at IS NULL) THEN 'unsaid'
  WHEN EXISTS (SELECT 1 FROM ops.verdict v WHERE v.source = s.source AND v.stream = s.stream
               AND v.source_id = s.source_id AND v.verdict = 'rejected') THEN 'rejected'
  ELSE 'excluded' END
WHERE s.gone_at IS NOT NULL
"""
_BACKFILL_VERSIONS = """
UPDATE ops.record_version v SET gone_why = CASE
  WHEN v.alias_of IS NOT NULL THEN 'merged'
  WHEN (SELECT r.op <> 'upsert' FROM landing.raw r WHERE r.source = s.source
        AND r.stream = s.stream AND r.source_id = s.source_id AND r.id < v.replaced_by
        ORDER BY r.id DESC LIMIT 1) THEN 'deleted'
  ELSE 'excluded' END
FROM ops.source_record s WHERE s.id = v.record_id AND v.gone_at IS NOT NULL
"""


def upgrade() -> None:
    """Add the column to both tables, and fill it for what is gone by now."""
    for table, backfill in (("source_record", _BACKFILL), ("record_version", _BACKFILL_VERSIONS)):
        op.add_column(table, sa.Column("gone_why", sa.Text()), schema="ops")
        op.execute(backfill)
        op.create_check_constraint(op.f(f"ck_{table}_gone_why"), table, _CAUSES, schema="ops")
        op.create_check_constraint(
            op.f(f"ck_{table}_gone_has_a_cause"),
            table,
            "(gone_at IS NULL) = (gone_why IS NULL)",
            schema="ops",
        )
