"""`hub sql`: read-only access to the database.

The connection is truly the role `hub_read` (no SET ROLE to undo), which may only SELECT; the
transaction is read-only; one statement; 30 s in all; a cap on rows. Rows come through a cursor of
the server, a thousand at a time. So a statement with too many rows is refused before they are
loaded.
"""

import re
import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import tuple_row
from sqlalchemy import make_url

from hub.db.engine import Database
from hub.errors import ConfigError

# What a cursor of the server takes, https://www.postgresql.org/docs/current/sql-declare.html
_QUERIES = frozenset(("select", "with", "values", "table"))
_EXPLAIN = "explain"  # no cursor takes it; its answer is short
_TIMEOUT_MS = 30_000
_MAX_ROWS = 100_000
_AT_ONCE = 1_000
# PostgreSQL's comments nest; comments and blanks before the first word are skipped one at a time.
_SKIPPED = re.compile(r"[\s(]+|--[^\n]*")
_WORD = re.compile(r"[A-Za-z]+")
_OPENS_OR_ENDS = re.compile(r"/\*|\*/")


def run_readonly(database: Database, statement: str) -> list[dict[str, Any]]:
    """Run one SELECT, WITH, VALUES, TABLE or EXPLAIN; returns its rows as dictionaries.

    A column whose name another one has is called `name_2`, `name_3` and so on.

    Raises:
        ConfigError: it is not one such statement, it is refused, it takes too long, or it finds too
            many rows. Also if the connection may do more than read.
    """
    word = first_word(statement)
    if word not in _QUERIES and word != _EXPLAIN:
        raise ConfigError(
            "hub sql takes one SELECT, WITH, VALUES, TABLE or EXPLAIN",
            hint='hub sql "SELECT * FROM reporting.leads LIMIT 10"',
        )
    try:
        sent = statement.encode()
    except UnicodeEncodeError as exc:
        raise ConfigError("the statement is not text in UTF-8") from exc
    url = make_url(database.read_url).set(drivername="postgresql")
    try:
        with psycopg.connect(
            url.render_as_string(hide_password=False), row_factory=tuple_row
        ) as conn:
            conn.read_only = True
            _refuse_superuser(conn)
            rows = _explained(conn, sent) if word == _EXPLAIN else _fetched(conn, sent)
    except psycopg.Error as exc:
        told = (exc.diag.message_primary or str(exc)).strip().splitlines()[0]
        raise ConfigError(
            f"the database refused: {told}", hint="hub sql reads; it never writes"
        ) from exc
    return rows


def first_word(statement: str) -> str:
    """Return the first word in lower case, after comments and brackets; "" without one."""
    at = 0
    while at < len(statement):
        if skipped := _SKIPPED.match(statement, at):
            at = skipped.end()
        elif statement.startswith("/*", at):
            at = _end_of_comment(statement, at)
        else:
            break
    found = _WORD.match(statement, at)
    return found.group().lower() if found else ""


def _end_of_comment(statement: str, at: int) -> int:
    """Return where a comment ends that begins at `at`; the end of the text if it never does."""
    depth = 0
    for mark in _OPENS_OR_ENDS.finditer(statement, at):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return mark.end()
    return len(statement)


def _fetched(conn: Connection[tuple[Any, ...]], sent: bytes) -> list[dict[str, Any]]:
    ends_at = time.monotonic() + _TIMEOUT_MS / 1000
    _give_time(conn, ends_at)
    rows: list[dict[str, Any]] = []
    # The extended protocol, which psycopg always declares with, takes only one statement.
    with conn.cursor("hub_sql") as cursor:
        cursor.execute(sent)
        names = _distinct_names([column.name for column in cursor.description or ()])
        while chunk := cursor.fetchmany(_AT_ONCE):
            rows += (dict(zip(names, row, strict=True)) for row in chunk)
            if len(rows) > _MAX_ROWS:
                raise ConfigError(f"more than {_MAX_ROWS} rows", hint="add a LIMIT")
            _give_time(conn, ends_at)
    return rows


def _explained(conn: Connection[tuple[Any, ...]], sent: bytes) -> list[dict[str, Any]]:
    _give_time(conn, time.monotonic() + _TIMEOUT_MS / 1000)
    cursor = conn.execute(sent, prepare=True)
    names = _distinct_names([column.name for column in cursor.description or ()])
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _give_time(conn: Connection[tuple[Any, ...]], ends_at: float) -> None:
    """Limit the next call to the rest of the time: the server counts each call for itself.

    Set again before each call, because a function in the statement may have changed it.
    """
    left_ms = max(int((ends_at - time.monotonic()) * 1000), 1)
    conn.execute(f"SET LOCAL statement_timeout = {left_ms}")


def _distinct_names(names: Sequence[str]) -> list[str]:
    """Return distinct names of the columns."""
    taken, found = set(names), list[str]()
    for name in names:
        new = name if name not in found else next(n for n in _others(name) if n not in taken)
        taken.add(new)
        found.append(new)
    return found


def _others(name: str) -> Iterator[str]:
    return (f"{name}_{n}" for n in count(2))


def _refuse_superuser(conn: Connection[tuple[Any, ...]]) -> None:
    row = conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row is None or row[0]:
        raise ConfigError(
            "HUB_DATABASE_URL connects as a superuser; hub sql refuses to run with these rights",
            hint="let the hub connect as an ordinary role that owns its database",
        )
