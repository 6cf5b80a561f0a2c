"""Bulk rows through PostgreSQL's COPY, on the connection of the caller's transaction."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from hub.errors import ConfigError, TransientError


class CopyRefusedError(RuntimeError):
    """PostgreSQL refused rows.

    Attributes:
        sqlstate: PostgreSQL's code of the reason.
    """

    def __init__(self, message: str, sqlstate: str | None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


def copy_rows(
    conn: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Append rows to a table; `table` may name its schema (`landing.raw`).

    Raises:
        CopyRefusedError: PostgreSQL refuses a row, or has ended the transaction for another one.
        TransientError: the connection was lost.
    """
    with _copying(conn, table, columns, sql.SQL("")) as copy:
        for row in rows:
            copy.write_row(row)


_BINARY = sql.SQL(" WITH (FORMAT BINARY)")
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


def copy_binary(
    conn: Connection, table: str, columns: Sequence[str], rows: Iterable[bytes]
) -> None:
    """Append rows in the binary format of COPY, without its header and its end.

    For tables of numbers: a row made with `struct` costs a fraction of a microsecond.
    """
    with _copying(conn, table, columns, _BINARY) as copy:
        copy.write(_HEADER)
        for some in rows:
            copy.write(some)
        copy.write(_TRAILER)


@contextmanager
def _copying(
    conn: Connection, table: str, columns: Sequence[str], how: sql.SQL
) -> Iterator[psycopg.Copy]:
    driver = conn.connection.driver_connection
    if driver is None:
        raise RuntimeError("the connection is closed")
    statement = sql.SQL("COPY {} ({}) FROM STDIN{}").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns)), how
    )
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy
    except psycopg.errors.TransactionRollback as exc:
        raise CopyRefusedError(f"COPY {table}: {without_values(exc)}", exc.sqlstate) from None
    except psycopg.errors.DiskFull as exc:
        raise disk_full() from exc
    except psycopg.OperationalError as exc:
        raise connection_lost() from exc
    except psycopg.Error as exc:
        raise CopyRefusedError(f"COPY {table}: {without_values(exc)}", exc.sqlstate) from None


def connection_lost() -> TransientError:
    """Return the error for a server that went away."""
    return TransientError(
        "the connection to the database was lost",
        hint="run the command again: it continues where it stopped",
    )


def disk_full() -> ConfigError:
    """Return the error for a server that has no room left."""
    return ConfigError(
        "the disk of the database is full: the last step was taken back, all before it is stored",
        hint="free some space, then run the command again: it continues where it stopped",
    )


def without_values(error: BaseException | None) -> str:
    """Return PostgreSQL's error by code and name; its own text quotes the values."""
    if not isinstance(error, psycopg.Error):
        return type(error).__name__
    diag = error.diag
    names = (diag.sqlstate, diag.schema_name, diag.table_name, diag.column_name)
    return " ".join(filter(None, (type(error).__name__, *names, diag.constraint_name)))
