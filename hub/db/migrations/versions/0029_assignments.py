"""`ops.turn` is called `ops.assignment`: a row is an assignment, in turn or by hand."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_RENAME = """
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT conname FROM pg_constraint WHERE conrelid = 'ops.assignment'::regclass
           AND conname ~ '(^|_)turn(_|$)' LOOP
    EXECUTE format('ALTER TABLE ops.assignment RENAME CONSTRAINT %I TO %I', r.conname,
                   regexp_replace(r.conname, '(^|_)turn(_|$)', '\\1assignment\\2'));
  END LOOP;
  FOR r IN SELECT relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
           WHERE i.indrelid = 'ops.assignment'::regclass AND relname ~ '(^|_)turn(_|$)' LOOP
    EXECUTE format('ALTER INDEX ops.%I RENAME TO %I', r.relname,
                   regexp_replace(r.relname, '(^|_)turn(_|$)', '\\1assignment\\2'));
  END LOOP;
  IF EXISTS (SELECT FROM pg_class WHERE relname = 'turn_id_seq' AND relkind = 'S') THEN
    ALTER SEQUENCE ops.turn_id_seq RENAME TO assignment_id_seq;
  END IF;
END $$
"""


def upgrade() -> None:
    """Rename the table, its constraints, its indexes and its sequence."""
    op.execute("ALTER TABLE ops.turn RENAME TO assignment")
    op.execute(_RENAME)
