"""The schema of the database: its revisions, and the upgrade to the newest.

Alembic runs the files in `migrations/versions`. The first one, 0026, replaces the chain of version
0.1.0. A database of an older revision is refused: version 0.1.0 upgrades it to 0026.
"""

from pathlib import Path

from sqlalchemy import Connection, text

from hub.errors import ConfigError

MIGRATIONS = Path(__file__).parent / "migrations"
SCHEMAS = ("landing", "ops", "crm", "reporting", "dagster")
_LAST_WITH_OLDER = (
    "0.1.0"  # the last version that upgrades a database older than the first revision
)


def revisions() -> list[str]:
    """Return the schema's revisions, oldest first: the numbers that the files begin with."""
    return sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def current_revision(conn: Connection) -> str | None:
    """Return the revision of the database, or None if it has no schema yet."""
    there = conn.execute(text("SELECT to_regclass('ops.alembic_version')")).scalar()
    if there is None:
        return None
    revision: str | None = conn.execute(
        text("SELECT version_num FROM ops.alembic_version")
    ).scalar()
    return revision


def check_revision(current: str | None) -> None:
    """Refuse a revision that this program cannot upgrade.

    Raises:
        ConfigError: the revision is older than the first or newer than the last one known.
    """
    known = revisions()
    if current is None or current in known:
        return
    if current < known[0]:
        raise ConfigError(
            f"the database's schema ({current}) is older than {known[0]}, the oldest that this hub"
            " can upgrade",
            hint=f"install lead-hub {_LAST_WITH_OLDER}, run `hub status` once with it, then install"
            " this version again",
        )
    raise ConfigError(
        f"the database's schema ({current}) is newer than this hub",
        hint="install the version of the hub that wrote it, or a newer one",
    )


def upgrade(conn: Connection, *, is_embedded: bool) -> None:
    """Run the revisions that are missing, in one transaction; the caller commits.

    Tables and rights are one transaction. A kill between them would leave a database that the other
    roles cannot read.
    """
    from alembic import command  # noqa: PLC0415 a tenth of a second, and seldom needed
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    if not conn.in_transaction():
        conn.begin()  # otherwise Alembic commits by itself, before the rights exist
    command.upgrade(config, "head")
    if is_embedded:
        _grant(conn)


def _grant(conn: Connection) -> None:
    for statement in grants(own_schemas_only=True):
        conn.exec_driver_sql(statement)


def grants(*, own_schemas_only: bool) -> list[str]:
    """Return the statements that give the embedded server's roles their rights on the schemas.

    Args:
        own_schemas_only: leave out Dagster's tables. Dagster makes them as the role `hub_app`, so
            that the role of the migrations may grant nothing on them. Their readers have default
            privileges.
    """
    statements = ["GRANT CREATE ON SCHEMA dagster TO hub_app"]
    for schema in SCHEMAS:
        statements.append(f"GRANT USAGE ON SCHEMA {schema} TO hub_app, hub_read")
        if own_schemas_only and schema == "dagster":
            continue
        statements += [
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO hub_app",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO hub_app",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO hub_read",
        ]
    return statements
