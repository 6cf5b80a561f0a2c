"""Back up the database, and restore a backup."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from hub.db.backup import backup_path, restore_backup, revision_in, write_backup
from hub.db.place import Place
from hub.db.schema import check_revision, current_revision
from hub.errors import ConfigError, HubError
from hub.logs import get_logger

log = get_logger()
# A role sees neither the kind nor the query of another role's session; PostgreSQL's own have no user.
_OTHERS = text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
  AND coalesce(backend_type, 'client backend') = 'client backend'
""")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written: its file, bytes, and the revision of its schema."""

    file: Path
    size: int
    revision: str


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that was restored.

    Args:
        revision: of its schema; the next command upgrades an older one.
        before: the backup of what it replaced, or None if there was nothing.
        problem: why what it replaced could not be backed up; "" if it was.
    """

    revision: str
    before: Backup | None
    problem: str = ""


def back_up(place: Place, file: Path | None = None, *, why: str = "hub") -> Backup:
    """Write a backup, by default into HUB_HOME/backups; the schema is not upgraded before.

    Raises:
        ConfigError: there is nothing to back up, the file is there already or cannot be written,
            or PostgreSQL's programs are missing.
        HubError: pg_dump failed.
    """
    with place.connected() as conn:
        revision = current_revision(conn)
    if revision is None:
        raise ConfigError(
            "there is nothing to back up: the database has no tables yet",
            hint="run `hub sync` first; is HUB_HOME right?",
        )
    if file is not None and file.exists():
        raise ConfigError(f"{file} exists already", hint="choose another name, or remove the file")
    made = file or backup_path(place.home, place.clock.now(), revision, why=why)
    return Backup(made, write_backup(place.programs(), made), revision)


def restore(place: Place, file: Path) -> Restored:
    """Replace the database by a backup; the present database is backed up before, if possible.

    Raises:
        ConfigError: the file is no backup, its schema is newer or too old, or another process uses
            the database.
        HubError: it failed; the database is as it was.
    """
    programs = place.programs()
    revision = revision_in(programs, file)
    check_revision(revision)
    with place.connected() as conn:
        _refuse_others(conn)
    before, problem = _kept(place)
    restore_backup(programs, file, is_embedded=place.is_embedded)
    with place.connected() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    log.info("backup_restored", file=str(file), revision=revision)
    return Restored(revision, before, problem)


def _refuse_others(conn: Connection) -> None:
    others = conn.execute(_OTHERS).scalar_one()
    if others:
        raise ConfigError(
            f"other programs use the database ({others} connections)",
            hint="stop `hub up` and every other command, then restore",
        )


def _kept(place: Place) -> tuple[Backup | None, str]:
    """Back up the database that is about to be replaced; if it is damaged, report that."""
    try:
        with place.connected() as conn:
            if current_revision(conn) is None:
                return None, ""
        return back_up(place, why="before-restore"), ""
    except (HubError, SQLAlchemyError) as exc:
        return None, exc.message if isinstance(exc, HubError) else str(exc).splitlines()[0]
