"""A copy of the hub's database beside it, for a rehearsal; it is dropped at the end.

The copy is written by pg_dump and put back by pg_restore, as a backup is, so it shows the database at
one moment while the hub runs. Dagster's tables are copied empty: no stage reads them.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hub.db.backup import restore_backup, write_backup
from hub.db.engine import Database, opened_at
from hub.db.place import Place, furnish
from hub.errors import ConfigError

_WITHOUT_ROWS = ("dagster.*",)


@contextmanager
def copied(place: Place, name: str) -> Iterator[Database]:
    """Yield a copy of the database under another name; an older copy of that name is dropped first.

    Args:
        place: the hub's database.
        name: of the copy: letters, digits and underscores.

    Raises:
        ConfigError: the role may not create databases.
        HubError: pg_dump or pg_restore failed, for example because the disk is full.
    """
    if not name.isidentifier():
        raise ValueError(name)
    urls = {role: _named(url, name) for role, url in place.urls.items()}
    there = replace(place, urls=urls, programs_url=_named(place.programs_url, name))
    with _admin(place) as conn:
        _drop(conn, name)
        _create(conn, place, name)
    try:
        if place.is_embedded:
            furnish(make_url(there.programs_url))
        with tempfile.TemporaryDirectory(dir=place.home) as folder:
            file = Path(folder) / "copy.dump"
            write_backup(place.programs(), file, without_rows=_WITHOUT_ROWS, compressed=False)
            restore_backup(there.programs(), file, is_embedded=place.is_embedded)
        with there.connected() as conn:
            conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
        with opened_at(there) as database:
            yield database
    finally:
        with _admin(place) as conn:
            _drop(conn, name)


def _named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def _admin(place: Place) -> Iterator[Connection]:
    """Connect to the server's own database, from which others are created and dropped."""
    url = make_url(place.programs_url)
    url = url.set(database="postgres") if place.is_embedded else url
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        yield conn


def _drop(conn: Connection, name: str) -> None:
    conn.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _create(conn: Connection, place: Place, name: str) -> None:
    owner = " OWNER hub_owner" if place.is_embedded else ""
    try:
        conn.exec_driver_sql(f"CREATE DATABASE {name}{owner}")
    except DBAPIError as exc:
        if getattr(exc.orig, "sqlstate", None) != "42501":
            raise
        raise ConfigError(
            "the role of HUB_DATABASE_URL may not create a database, which a dry run needs",
            hint="ALTER ROLE … CREATEDB, or migrate without --dry-run",
        ) from exc
