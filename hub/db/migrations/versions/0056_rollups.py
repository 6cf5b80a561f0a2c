"""The counts that reports read are named rollups, as the field names them: tables, triggers, functions."""

from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

# Constraints include those that PostgreSQL 18 names by itself (NOT NULL). An index follows its constraint.
_RENAMES = r"""
DO $do$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT n.conname, c.relname FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
    WHERE c.relnamespace = 'ops'::regnamespace AND c.relname LIKE '%\_tally' AND n.conname LIKE '%\_tally%'
  LOOP
    EXECUTE format('ALTER TABLE ops.%I RENAME CONSTRAINT %I TO %I',
                   one.relname, one.conname, replace(one.conname, '_tally', '_rollup'));
  END LOOP;
  FOR one IN
    SELECT relname, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind FROM pg_class
    WHERE relnamespace = 'ops'::regnamespace AND relkind IN ('r', 'S') AND relname LIKE '%\_tally%'
  LOOP
    EXECUTE format('ALTER %s ops.%I RENAME TO %I',
                   one.kind, one.relname, replace(one.relname, '_tally', '_rollup'));
  END LOOP;
  FOR one IN
    SELECT t.tgname, t.tgrelid::regclass AS relation FROM pg_trigger t WHERE t.tgname LIKE 'tally\_%'
  LOOP
    EXECUTE format('ALTER TRIGGER %I ON %s RENAME TO %I',
                   one.tgname, one.relation, replace(one.tgname, 'tally_', 'rollup_'));
  END LOOP;
  FOR one IN
    SELECT oid, proname FROM pg_proc
    WHERE pronamespace = 'ops'::regnamespace AND proname LIKE 'tally\_%'
  LOOP
    EXECUTE format('ALTER FUNCTION ops.%I() RENAME TO %I',
                   one.proname, replace(one.proname, 'tally_', 'rollup_'));
    EXECUTE replace(pg_get_functiondef(one.oid), '_tally', '_rollup');
  END LOOP;
END $do$
"""


def upgrade() -> None:
    """Rename them; the counts stay."""
    op.execute(_RENAMES)
