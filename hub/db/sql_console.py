"""`hub sql`: a look into the database that can do no harm.

The connection is truly the role `hub_read` (no SET ROLE to take back), which may only SELECT; the
transaction is read-only; one statement; 30 s; a cap on rows.
"""

import re
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url

from hub.db.engine import Database
from hub.errors import ConfigError

_FIRST_WORDS = {"select", "with", "values", "table", "explain"}
_TIMEOUT_MS = 30_000
_MAX_ROWS = 100_000
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def run_readonly(database: Database, statement: str) -> list[dict[str, Any]]:
    """Run one SELECT and return its rows as dictionaries.

    Raises:
        ConfigError: it is not one SELECT, it is refused, or the connection may do more than read.
    """
    words = _COMMENT.sub(" ", statement).split()
    if not words or words[0].lower().lstrip("(") not in _FIRST_WORDS:
        raise ConfigError(
            "hub sql takes one SELECT", hint='hub sql "SELECT * FROM reporting.leads LIMIT 10"'
        )
    try:
        sent = statement.encode()
    except UnicodeEncodeError as exc:
        raise ConfigError("the statement is not text in UTF-8") from exc
    url = make_url(database.read_url).set(drivername="postgresql")
    try:
        with psycopg.connect(
            url.render_as_string(hide_password=False), row_factory=dict_row
        ) as conn:
            conn.read_only = True
            _refuse_superuser(conn)
            conn.execute(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}")
            with conn.cursor() as cursor:
                # The extended protocol (prepare) takes one statement and no more.
                cursor.execute(sent, prepare=True)
                if cursor.description is None:
                    return []
                rows = cursor.fetchmany(_MAX_ROWS + 1)
    except psycopg.Error as exc:
        told = (exc.diag.message_primary or str(exc)).strip().splitlines()[0]
        raise ConfigError(
            f"the database refused: {told}", hint="hub sql reads; it never writes"
        ) from exc
    if len(rows) > _MAX_ROWS:
        raise ConfigError(f"more than {_MAX_ROWS} rows", hint="add a LIMIT")
    return [dict(row) for row in rows]


def _refuse_superuser(conn: psycopg.Connection[Any]) -> None:
    row = conn.execute(
        "SELECT rolsuper AS is_super FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is None or row["is_super"]:
        raise ConfigError(
            "HUB_DATABASE_URL connects as a superuser; hub sql will not run with such power",
            hint="let the hub connect as an ordinary role that owns its database",
        )
