"""The open database: engines by role, and Dagster's address.

By default the embedded server of HUB_HOME; any PostgreSQL ≥ 15 by HUB_DATABASE_URL.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from hub.clock import Clock
from hub.db.copy import connection_lost, disk_full, without_values
from hub.db.embedded import DATABASE, SUPERUSER, Server
from hub.db.json_text import read_json
from hub.db.list_dumper import write_lists_at_once
from hub.db.place import Place, connect_retrying, create_roles, embedded_urls, reached
from hub.db.schema import SCHEMAS, check_revision, current_revision, revisions, upgrade
from hub.errors import HubError
from hub.frozen import dataclass
from hub.settings import Settings

_DOWN = {None, "57P01", "57P03"}
"""No answer at all; the server is stopped at the moment; it starts at the moment."""
BeforeUpgrade = Callable[[Connection, str], None]


@dataclass(frozen=True, slots=True)
class Database:
    """An open, migrated database.

    Args:
        engine: role app; what the stages use.
        owner_url: role owner; migrations.
        read_url: role read; `hub sql`.
        dagster_url: for Dagster's storage (psycopg2), its tables in a schema of their own.
        is_embedded: whether the server is the embedded one.
    """

    engine: Engine
    owner_url: str
    read_url: str
    dagster_url: str
    is_embedded: bool

    def owner_engine(self) -> Engine:
        """Return an engine of the role that owns the schema."""
        return create_engine(self.owner_url, poolclass=NullPool)


@contextmanager
def open_database(settings: Settings, clock: Clock) -> Iterator[Database]:
    """Attach to the database, upgrade its schema, and detach at the end.

    Raises:
        ConfigError: it cannot be reached, or its schema is newer or too old.
    """
    with reached(settings, clock, furnished=False) as place:
        yield from _opened(
            place.urls, place.furnish, place.is_embedded, before=place.prepare_upgrade,
            session={"hub.plain_lists": "on"} if settings.crm.plain_lists else {},
        )  # fmt: skip


@contextmanager
def opened_embedded(running: Server, database: str = DATABASE) -> Iterator[Database]:
    """Open a database of a running embedded server."""

    def furnish() -> None:
        if database == DATABASE:
            create_roles(running.url(SUPERUSER))

    yield from _opened(embedded_urls(running, database), furnish, is_embedded=True)


@contextmanager
def opened_at(place: Place) -> Iterator[Database]:
    """Open a database that exists, with the schema of this version."""
    yield from _opened(place.urls, place.furnish, place.is_embedded)


def _opened(
    urls: Mapping[str, str],
    furnish: Callable[[], None],
    is_embedded: bool,  # noqa: FBT001 a fact about the urls
    before: BeforeUpgrade | None = None,
    session: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Database]:
    engine = create_engine(
        urls["app"],
        pool_size=5,
        max_overflow=20,
        pool_pre_ping=True,
        hide_parameters=True,
        json_deserializer=read_json,
    )
    event.listen(engine, "handle_error", _tell)
    event.listen(engine, "connect", lambda driver, _record: write_lists_at_once(driver))
    if session:
        event.listen(engine, "connect", lambda driver, _record: _set(driver, session))
    try:
        if not _is_current(engine):
            furnish()
            _migrate(urls["owner"], is_embedded=is_embedded, before=before)
        joint = "&" if "?" in urls["dagster"] else "?"
        yield Database(
            engine,
            urls["owner"],
            urls["read"],
            f"{urls['dagster']}{joint}options=-csearch_path%3Ddagster",
            is_embedded,
        )
    finally:
        engine.dispose()


def _set(driver: Any, session: Mapping[str, str]) -> None:
    """Set parameters for a whole session."""
    with driver.cursor() as cursor:
        for name, value in session.items():
            cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
    driver.commit()


def _tell(context: ExceptionContext) -> None:
    """Return an error of the database without quoted values, because these may be personal."""
    if not isinstance(context.original_exception, psycopg.Error):
        return  # Ctrl-C during a query
    if (context.is_disconnect or _is_unreachable(context)) and not context.is_pre_ping:
        raise connection_lost() from context.original_exception
    if isinstance(context.original_exception, psycopg.errors.DiskFull):
        raise disk_full() from context.original_exception
    for error in (context.original_exception, context.sqlalchemy_exception):
        if isinstance(error, psycopg.Error | SQLAlchemyError):
            error.args = (without_values(context.original_exception), *error.args[1:])


def _is_unreachable(context: ExceptionContext) -> bool:
    """Return whether a new connection failed because the server is down, or not yet up."""
    error = context.original_exception
    is_down = isinstance(error, psycopg.OperationalError) and error.sqlstate in _DOWN
    return context.connection is None and is_down


def _is_current(engine: Engine) -> bool:
    """Return whether the database exists and has the schema of this version; one query tells."""
    try:
        with engine.connect() as conn:
            return current_revision(conn) == revisions()[-1]
    except (SQLAlchemyError, HubError):
        return False


def _migrate(owner_url: str, *, is_embedded: bool, before: BeforeUpgrade | None) -> None:
    engine = create_engine(owner_url, poolclass=NullPool)
    with connect_retrying(engine) as conn:
        # Two processes that start at once must not both migrate.
        conn.execute(text("SELECT pg_advisory_lock(18517, 1)"))
        conn.commit()
        for schema in SCHEMAS:
            conn.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        conn.commit()
        current = current_revision(conn)
        check_revision(current)
        if current != revisions()[-1]:
            if before is not None and current is not None:
                before(conn, current)
                conn.commit()
            upgrade(conn, is_embedded=is_embedded)
            conn.commit()
