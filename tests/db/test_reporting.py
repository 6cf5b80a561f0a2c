"""The views for BI tools: every column is described, in its place, and says what the tables say."""

from pathlib import Path

from sqlalchemy import text

from hub.db.engine import Database

ROOT = Path(__file__).parents[2]
_COLUMNS = text("""
SELECT c.relname AS view, a.attname AS name, col_description(c.oid, a.attnum) AS words,
       obj_description(c.oid) AS about
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = 'reporting' ORDER BY c.relname, a.attnum
""")


def test_every_column_has_its_comment_and_its_line_in_the_reference(db: Database) -> None:
    with db.engine.connect() as conn:
        rows = conn.execute(_COLUMNS).all()
    assert not [(row.view, row.name) for row in rows if not row.words or not row.about]
    page = (ROOT / "docs/reference/reporting.md").read_text()
    told = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    assert [(cells[1].strip(" `"), cells[2].strip()) for cells in told] == [
        (row.name, row.words) for row in rows
    ]
