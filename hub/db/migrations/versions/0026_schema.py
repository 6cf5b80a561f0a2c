"""The whole schema of revision 0026, which every later revision builds on.

Revisions 0001 to 0026 were one chain until version 0.1.0. The SQL files beside the revisions replace
them. `pg_dump` shows no difference, and a test compares both (tests/db/test_first_revision.py).
"""

from pathlib import Path

from alembic import op

revision = "0026"
down_revision = None
branch_labels = None
depends_on = None

_FILES = Path(__file__).parent.parent / "revision_0026"


def upgrade() -> None:
    """Create tables, functions, triggers, views and the rows that a team begins with."""
    connection = op.get_bind()
    connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # trusted: owners may
    for file in sorted(_FILES.glob("*.sql")):  # their numbers give the order
        connection.exec_driver_sql(file.read_text())
