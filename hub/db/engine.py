"""The open database: engines by role, and Dagster's address.

By default the embedded server of HUB_HOME; any PostgreSQL ≥ 15 by HUB_DATABASE_URL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from hub.clock import Clock
from hub.db.copy import connection_lost, without_values
from hub.db.embedded import DATABASE, ROLES, SUPERUSER, EmbeddedServer, Server
from hub.db.json_text import read_json
from hub.db.schema import SCHEMAS, check_revision, current_revision, revisions, upgrade
from hub.errors import ConfigError
from hub.settings import Settings

_DRAFT = f"{DATABASE}_draft"


@dataclass(frozen=True, slots=True)
class Database:
    """An open, migrated database.

    Args:
        engine: role app; what the stages use.
        owner_url: role owner; migrations.
        read_url: role read; `hub sql`.
        dagster_url: for Dagster's storage (psycopg2), its tables in a schema of their own.
        is_embedded: whether the server is ours.
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
    """Attach to the database, bring its schema up to date, and let go at the end.

    Raises:
        ConfigError: it cannot be reached, or its schema is newer or too old.
    """
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        yield from _opened(_external(url), is_embedded=False)
        return
    make_home(settings.home)
    server = EmbeddedServer(settings.home, clock)
    try:
        with opened_embedded(server.attach()) as database:
            yield database
    finally:
        server.detach()


def make_home(home: Path) -> None:
    """Make the folder for all data if it is not there.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"{home} cannot be the hub's folder: {exc.strerror}", hint="set HUB_HOME to another"
        ) from exc


@contextmanager
def opened_embedded(running: Server, database: str = DATABASE) -> Iterator[Database]:
    """Open a database of a running embedded server."""
    if database == DATABASE:
        _create_roles(running.url(SUPERUSER))
    yield from _opened(
        {
            "owner": running.url("hub_owner", database=database),
            "app": running.url("hub_app", database=database),
            "read": running.url("hub_read", database=database),
            "dagster": running.url("hub_app", driver="psycopg2", database=database),
        },
        is_embedded=True,
    )


def _external(url: str) -> dict[str, str]:
    try:
        parsed = make_url(url)
    except SQLAlchemyError as exc:
        raise ConfigError(
            "HUB_DATABASE_URL is not a database URL", hint="postgresql://user:password@host/name"
        ) from exc
    ours = parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    dagster = parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    return {"owner": ours, "app": ours, "read": ours, "dagster": dagster}


def _opened(urls: dict[str, str], *, is_embedded: bool) -> Iterator[Database]:
    engine = create_engine(
        urls["app"],
        pool_size=5,
        max_overflow=20,
        pool_pre_ping=True,
        hide_parameters=True,
        json_deserializer=read_json,
    )
    event.listen(engine, "handle_error", _tell)
    try:
        _migrate(urls["owner"], is_embedded=is_embedded)
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


def _tell(context: ExceptionContext) -> None:
    """Say what the database said, without the values it quotes: they may be personal."""
    if not isinstance(context.original_exception, psycopg.Error):
        return  # Ctrl-C while the database was asked
    if context.is_disconnect and not context.is_pre_ping:
        raise connection_lost() from context.original_exception
    for error in (context.original_exception, context.sqlalchemy_exception):
        if isinstance(error, psycopg.Error | SQLAlchemyError):
            error.args = (without_values(context.original_exception), *error.args[1:])


def _connect_retrying(engine: Engine) -> Any:
    """Return a connection; after a kill -9 of the server the first one may fail (tried)."""
    retrying = Retrying(
        stop=stop_after_attempt(10),
        wait=wait_fixed(0.3),
        retry=retry_if_exception_type(OperationalError),
        reraise=True,
    )
    try:
        return retrying(engine.connect)
    except OperationalError as exc:
        raise ConfigError(
            "the database does not answer",
            hint="is HUB_DATABASE_URL right, and the server running?",
        ) from exc


def _create_roles(super_url: str) -> None:
    """Create the database and its three roles, once; a second call changes nothing.

    The database gets its name last: one that was half made when somebody pulled the plug is
    thrown away and made again.
    """
    base = make_url(super_url)
    admin = create_engine(
        base.set(database="postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with _connect_retrying(admin) as conn:
        conn.execute(text("SELECT pg_advisory_lock(18517, 1)"))
        have = set(conn.execute(text("SELECT rolname FROM pg_roles")).scalars())
        databases = conn.execute(text("SELECT datname FROM pg_database")).scalars().all()
        if DATABASE in databases and have.issuperset(ROLES):
            return
        for role in ROLES:
            if role not in have:
                conn.exec_driver_sql(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEROLE")
        conn.exec_driver_sql("ALTER ROLE hub_read SET default_transaction_read_only = on; ")
        conn.exec_driver_sql(f"DROP DATABASE IF EXISTS {_DRAFT} WITH (FORCE)")
        conn.exec_driver_sql(f"CREATE DATABASE {_DRAFT} OWNER hub_owner")
        _furnish(base.set(database=_DRAFT))
        conn.exec_driver_sql(f"ALTER DATABASE {_DRAFT} RENAME TO {DATABASE}")


def _furnish(url: URL) -> None:
    """Give a new database its extensions, and its rights."""
    with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as conn:
        # Dagster makes its tables itself, as the app's role; hub sql may look into them.
        conn.exec_driver_sql(
            "ALTER DEFAULT PRIVILEGES FOR ROLE hub_app GRANT SELECT ON TABLES TO hub_read"
        )
        for extension in ("pg_trgm", "unaccent", "btree_gin", "fuzzystrmatch"):
            conn.exec_driver_sql(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        conn.exec_driver_sql(f"REVOKE ALL ON DATABASE {url.database} FROM PUBLIC")
        conn.exec_driver_sql("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        # Large objects belong to no schema: everybody could make some.
        conn.exec_driver_sql(
            "REVOKE EXECUTE ON FUNCTION lo_creat(int), lo_create(oid), lo_from_bytea(oid, bytea) "
            "FROM PUBLIC"
        )
        conn.exec_driver_sql(
            f"GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {url.database} TO hub_owner"
        )
        conn.exec_driver_sql(f"GRANT CONNECT, TEMPORARY ON DATABASE {url.database} TO hub_app")
        conn.exec_driver_sql(f"GRANT CONNECT ON DATABASE {url.database} TO hub_read")


def _migrate(owner_url: str, *, is_embedded: bool) -> None:
    engine = create_engine(owner_url, poolclass=NullPool)
    with _connect_retrying(engine) as conn:
        # Two processes that start at once must not both migrate.
        conn.execute(text("SELECT pg_advisory_lock(18517, 1)"))
        conn.commit()
        for schema in SCHEMAS:
            conn.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        conn.commit()
        current = current_revision(conn)
        check_revision(current)
        if current != revisions()[-1]:
            upgrade(conn, is_embedded=is_embedded)
            conn.commit()
