"""The place of the database: its addresses by role, and the programs that back it up.

Nothing here touches the schema, which may be missing, old, newer or damaged.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from hub.clock import Clock
from hub.db.backup import backup_path, check_room, write_backup
from hub.db.client_programs import Programs, programs_for
from hub.db.embedded import DATABASE, ROLES, SUPERUSER, EmbeddedServer, Server
from hub.errors import ConfigError
from hub.frozen import dataclass
from hub.logs import get_logger
from hub.settings import Settings

_DRAFT = f"{DATABASE}_draft"
log = get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """A database that can be reached; its schema may be missing, old, new or damaged.

    Args:
        urls: by role: owner, app, read, dagster.
        programs_url: for pg_dump and psql; on the embedded server the superuser's.
        home: where the backups go.
        clock: names the backups.
        is_embedded: whether the server is the embedded one.
        backs_up: whether a backup precedes an upgrade.
    """

    urls: Mapping[str, str]
    programs_url: str
    home: Path
    clock: Clock
    is_embedded: bool
    backs_up: bool

    def furnish(self) -> None:
        """Create the embedded server's database and roles if they are missing."""
        if self.is_embedded:
            create_roles(self.programs_url)

    def programs(self) -> Programs:
        """Return PostgreSQL's programs for this server.

        Raises:
            ConfigError: the server does not answer, or there are no programs for it.
        """
        with self.connected() as conn:
            version = conn.execute(text("SHOW server_version_num")).scalar_one()
        url = make_url(self.programs_url)
        return programs_for(url, int(version) // 10_000, is_embedded=self.is_embedded)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Connect as the owner of the schema; the schema stays as it is."""
        engine = create_engine(self.urls["owner"], poolclass=NullPool, hide_parameters=True)
        with connect_retrying(engine) as conn:
            yield conn

    def prepare_upgrade(self, conn: Connection, current: str) -> None:
        """Write a backup before the first step of an upgrade.

        Raises:
            ConfigError: the disk is too full, or there is no program to do it.
        """
        if not self.backs_up:
            return
        make_home(self.home)
        size = conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        check_room(self.home, size)
        file = backup_path(self.home, self.clock.now(), current, why="before-upgrade")
        size = write_backup(self.programs(), file)
        log.info("backup_written", file=str(file), bytes=size, revision=current)


@contextmanager
def reached(settings: Settings, clock: Clock, *, furnished: bool = True) -> Iterator[Place]:
    """Connect to the database and start the embedded server if needed; the schema stays as it is.

    Args:
        settings: the address of the database, or the home of the embedded server.
        clock: for waiting, and for the names of backups.
        furnished: make sure of the embedded server's database and roles. Without it, the caller
            does so when it cannot connect.

    Raises:
        ConfigError: it cannot be reached.
    """
    home, backs_up = settings.home, settings.backup.before_upgrade
    if settings.database_url is not None:
        urls = _external(settings.database_url.get_secret_value())
        yield Place(urls, urls["owner"], home, clock, is_embedded=False, backs_up=backs_up)
        return
    make_home(settings.home)
    server = EmbeddedServer(settings.home, clock)
    try:
        running = server.attach()
        root = running.url(SUPERUSER)
        if furnished:
            create_roles(root)
        urls = embedded_urls(running, DATABASE)
        yield Place(urls, root, home, clock, is_embedded=True, backs_up=backs_up)
    finally:
        server.detach()


def make_home(home: Path) -> None:
    """Create the folder for all data if it does not exist.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"{home} cannot be the hub's folder: {exc.strerror}",
            hint="set HUB_HOME to another folder",
        ) from exc


def embedded_urls(running: Server, database: str) -> dict[str, str]:
    """Return the addresses of an embedded server's database, by role."""
    return {
        "owner": running.url("hub_owner", database=database),
        "app": running.url("hub_app", database=database),
        "read": running.url("hub_read", database=database),
        "dagster": running.url("hub_app", driver="psycopg2", database=database),
    }


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


def connect_retrying(engine: Engine) -> Connection:
    """Return a connection; after a kill -9 of the server the first one may fail (tried)."""
    with suppress(OperationalError):
        return engine.connect()
    from tenacity import (  # noqa: PLC0415 the first attempt nearly always succeeds
        Retrying,
        retry_if_exception_type,
        stop_after_attempt,
        wait_fixed,
    )

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
            hint="check HUB_DATABASE_URL, and that the server runs",
        ) from exc


def create_roles(super_url: str) -> None:
    """Create the database and its three roles, once; a second call changes nothing.

    The database gets its name last. So a half-made one, left by a crash, is dropped and made again.
    """
    base = make_url(super_url)
    admin = create_engine(
        base.set(database="postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with connect_retrying(admin) as conn:
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
        furnish(base.set(database=_DRAFT))
        conn.exec_driver_sql(f"ALTER DATABASE {_DRAFT} RENAME TO {DATABASE}")


def furnish(url: URL) -> None:
    """Add extensions and rights to a new database."""
    with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as conn:
        # Dagster makes its tables itself, as the app's role; hub sql may look into them.
        conn.exec_driver_sql(
            "ALTER DEFAULT PRIVILEGES FOR ROLE hub_app GRANT SELECT ON TABLES TO hub_read"
        )
        for extension in ("pg_trgm", "unaccent", "btree_gin", "fuzzystrmatch"):
            conn.exec_driver_sql(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        conn.exec_driver_sql(f"REVOKE ALL ON DATABASE {url.database} FROM PUBLIC")
        conn.exec_driver_sql("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        # Large objects belong to no schema, so every role could make some.
        conn.exec_driver_sql(
            "REVOKE EXECUTE ON FUNCTION lo_creat(int), lo_create(oid), lo_from_bytea(oid, bytea) "
            "FROM PUBLIC"
        )
        conn.exec_driver_sql(
            f"GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {url.database} TO hub_owner"
        )
        conn.exec_driver_sql(f"GRANT CONNECT, TEMPORARY ON DATABASE {url.database} TO hub_app")
        conn.exec_driver_sql(f"GRANT CONNECT ON DATABASE {url.database} TO hub_read")
