"""What a stretch of work writes: bytes of WAL, and per table rows, HOT updates and index entries.

Reads PostgreSQL's statistics of tables. A connection reports what it did at most once a second, so
flush the connections before you read the counters (`flush_pool`, `flush_connection`) or wait until
they are closed (`WriteCounter.wait_until_alone`). Temporary tables are left out: they write no WAL.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg
from sqlalchemy import Engine, text

from hub.clock import SystemClock

_FLUSH: LiteralString = "SELECT pg_stat_force_next_flush()"
_WAL: LiteralString = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
# BRIN is left out: it has an entry for a range of pages, not for a row.
_TABLES: LiteralString = """
SELECT s.schemaname || '.' || s.relname, s.n_tup_ins, s.n_tup_upd, s.n_tup_hot_upd, s.n_tup_del,
  count(i.indexrelid) FILTER (WHERE a.amname NOT IN ('gin', 'brin')),
  count(i.indexrelid) FILTER (WHERE a.amname = 'gin')
FROM pg_stat_user_tables s
LEFT JOIN pg_index i ON i.indrelid = s.relid
LEFT JOIN pg_class c ON c.oid = i.indexrelid
LEFT JOIN pg_am a ON a.oid = c.relam
WHERE s.schemaname NOT LIKE 'pg\\_temp\\_%'
GROUP BY 1, 2, 3, 4, 5
"""
_OTHERS: LiteralString = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_POLL_S = 0.02
_POLLS = 1_500


@dataclass(frozen=True, slots=True)
class TableWrites:
    """Rows written to one table, and how many indexes the table has (GIN apart, BRIN left out)."""

    inserted: int
    updated: int
    hot: int  # of the updated: those that wrote no index entry
    deleted: int
    indexes: int
    gin: int

    @property
    def versions(self) -> int:
        """Return the row versions that every index of the table has to point to."""
        return self.inserted + self.updated - self.hot

    def since(self, before: "TableWrites | None") -> "TableWrites":
        """Return what was written after `before`; the indexes are those of now."""
        if before is None:
            return self
        return TableWrites(
            self.inserted - before.inserted,
            self.updated - before.updated,
            self.hot - before.hot,
            self.deleted - before.deleted,
            self.indexes,
            self.gin,
        )


@dataclass(frozen=True, slots=True)
class Writes:
    """Bytes of WAL of the whole server, and the rows written per table."""

    wal: int = 0
    tables: Mapping[str, TableWrites] = field(default_factory=dict)

    def since(self, before: "Writes") -> "Writes":
        """Return what was written after `before`, without tables that nothing was written to."""
        tables = {name: now.since(before.tables.get(name)) for name, now in self.tables.items()}
        written = {name: t for name, t in tables.items() if t.inserted or t.updated or t.deleted}
        return Writes(self.wal - before.wal, written)


class WriteCounter:
    """Reads the counters of one database through a connection of its own."""

    def __init__(self, conn: psycopg.Connection) -> None:
        conn.autocommit = True  # within a transaction the statistics would stand still
        self._conn = conn

    def read(self) -> Writes:
        """Return what was written since the database was made."""
        tables = {row[0]: TableWrites(*row[1:]) for row in self._conn.execute(_TABLES)}
        return Writes(self._number(_WAL), tables)

    def wait_until_alone(self) -> None:
        """Wait until all other connections to the database are closed: a closing one reports.

        Raises:
            RuntimeError: another connection is still open after half a minute.
        """
        clock = SystemClock()
        for _ in range(_POLLS):
            if not self._number(_OTHERS):
                return
            clock.sleep(_POLL_S)
        raise RuntimeError("a loader left connections to the database open; its writes are unknown")

    def _number(self, question: LiteralString) -> int:
        row = self._conn.execute(question).fetchone()
        return int(row[0]) if row else 0


def flush_pool(engine: Engine) -> None:
    """Let every idle connection of a pool report what it did."""
    with ExitStack() as open_ones:
        idle = getattr(engine.pool, "checkedin", lambda: 0)()
        for conn in [open_ones.enter_context(engine.connect()) for _ in range(idle)]:
            conn.execute(text(_FLUSH))
            conn.commit()


def flush_connection(conn: psycopg.Connection) -> None:
    """Let one connection, in no transaction, report what it did."""
    conn.execute(_FLUSH)
    conn.commit()
