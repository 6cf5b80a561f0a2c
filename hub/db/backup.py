"""Backups of the database: write, inspect and restore.

A backup is an archive of `pg_dump` (custom format) of all the schemas of the hub, Dagster's included.
It names no roles, so a backup of an embedded server fits an external one, and the reverse. It has no
setting, no secret and no key file: these are files outside of the database.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import IO, cast

from hub.db.client_programs import Programs, failed
from hub.db.schema import SCHEMAS, check_revision, grants
from hub.errors import ConfigError, HubError

_CHUNK = 1 << 20
_ROOM_FACTOR = 2  # free space that an upgrade needs, in sizes of the database
_DAGSTER_BACK_TO_ITS_ROLE = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT oid::regclass FROM pg_class
    WHERE relnamespace = 'dagster'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') LOOP
    EXECUTE 'ALTER TABLE ' || name || ' OWNER TO hub_app';
  END LOOP;
END $$;
"""  # a sequence of a column follows its table


def backup_path(home: Path, at: datetime, revision: str | None, *, why: str = "hub") -> Path:
    """Return the name of a new backup in the home; the folder is made, for its owner alone."""
    folder = home / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{why}-{at:%Y%m%dT%H%M%S.%fZ}-{revision or 'empty'}.dump"


def check_room(folder: Path, database_bytes: int) -> None:
    """Refuse an upgrade if the disk is too full for the backup and the rewritten tables.

    Raises:
        ConfigError: less than twice the database's size is free.
    """
    free, needed = shutil.disk_usage(folder).free, _ROOM_FACTOR * database_bytes
    if free < needed:
        raise ConfigError(
            f"the disk of {folder} is too full for an upgrade: {_mb(free)} MB are free, and"
            f" {_mb(needed)} MB are needed (twice the size of the database)",
            hint="free some space, then run the command again; nothing was changed",
        )


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"


def write_backup(
    programs: Programs, file: Path, *, without_rows: Sequence[str] = (), compressed: bool = True
) -> int:
    """Write a backup of the database and return its size in bytes; the file appears only when complete.

    The backup shows the database at one moment, also while the hub runs.

    Args:
        programs: PostgreSQL's, with the address of the database.
        file: the new file.
        without_rows: patterns of tables that are written empty.
        compressed: whether to trade time for room.

    Raises:
        ConfigError: the file's folder cannot be written.
        HubError: pg_dump failed.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
    except OSError as exc:
        raise ConfigError(
            f"cannot write {file}: {exc.strerror}",
            hint="give another file, in a folder that you can write",
        ) from exc
    os.close(handle)
    draft = Path(name)
    try:
        schemas = [f"--schema={schema}" for schema in SCHEMAS]
        left_out = [f"--exclude-table-data={pattern}" for pattern in without_rows]
        speed = () if compressed else ("--compress=0",)
        programs.run(
            "pg_dump", "--format=custom", "--no-owner", "--no-privileges", *schemas, *left_out,
            *speed, f"--file={draft}", f"--dbname={programs.database()}",
        )  # fmt: skip
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def revision_in(programs: Programs, file: Path) -> str:
    """Return the revision of the schema in a backup.

    Raises:
        ConfigError: the file is no backup of a hub.
    """
    if not file.is_file():
        raise ConfigError(
            f"there is no file {file}", hint="automatic backups are in HUB_HOME/backups"
        )
    try:
        said = programs.run(
            "pg_restore", "--data-only", "--schema=ops", "--table=alembic_version", "--file=-",
            str(file),
        )  # fmt: skip
    except HubError as exc:
        raise ConfigError(f"{file} is no backup of `hub backup`: {exc.message}") from exc
    lines = said.splitlines()
    for line, following in pairwise(lines):
        if line.startswith("COPY ops.alembic_version"):
            return following
    raise ConfigError(f"{file} is no backup of a hub: it has no revision of the schema")


def restore_backup(programs: Programs, file: Path, *, is_embedded: bool) -> None:
    """Replace the whole database by a backup, in one transaction.

    Raises:
        ConfigError: the file is no backup of a hub, or of a schema that this hub cannot read.
        HubError: pg_restore or psql failed; the database is as it was.
    """
    check_revision(revision_in(programs, file))
    with (
        tempfile.TemporaryFile() as restorer_said,
        tempfile.TemporaryFile() as client_said,
        subprocess.Popen(
            programs.command("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file)),
            env=programs.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=restorer_said,
        ) as restorer,
        subprocess.Popen(
            programs.command("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
                             "--file=-", f"--dbname={programs.database()}"),
            env=programs.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=client_said,
        ) as client,
    ):  # fmt: skip
        is_whole = _pump(restorer, client, _before(is_embedded), _after(is_embedded))
        if client.wait() != 0:
            raise failed("psql", _text(client_said))
        if not is_whole:
            raise failed("pg_restore", _text(restorer_said))


def _pump(
    restorer: "subprocess.Popen[bytes]",
    client: "subprocess.Popen[bytes]",
    before: Sequence[str],
    after: Sequence[str],
) -> bool:
    """Send the archive to psql; the COMMIT follows only if pg_restore succeeded."""
    script, into = cast(IO[bytes], restorer.stdout), cast(IO[bytes], client.stdin)
    try:
        into.write("\n".join((*before, "")).encode())
        while chunk := script.read(_CHUNK):
            into.write(chunk)
        is_whole = restorer.wait() == 0
        if is_whole:
            into.write("\n".join((*after, "COMMIT;", "")).encode())
        into.close()
    except BrokenPipeError:  # psql has stopped at an error, and reports it
        restorer.kill()
        return False
    return is_whole


def _before(is_embedded: bool) -> list[str]:  # noqa: FBT001 the only argument
    return [
        "BEGIN;",
        "SELECT pg_advisory_xact_lock(18517, 1);",  # as with an upgrade: never two at once
        "CREATE EXTENSION IF NOT EXISTS pg_trgm;",
        *(["SET LOCAL ROLE hub_owner;"] if is_embedded else []),
        f"DROP SCHEMA IF EXISTS {', '.join(SCHEMAS)} CASCADE;",
    ]


def _after(is_embedded: bool) -> list[str]:  # noqa: FBT001 the only argument
    if not is_embedded:
        return []
    return [
        "RESET ROLE;",
        _DAGSTER_BACK_TO_ITS_ROLE,
        *(f"{grant};" for grant in grants(own_schemas_only=False)),
    ]


def _text(written: IO[bytes]) -> str:
    written.seek(0)
    return written.read().decode(errors="replace")
