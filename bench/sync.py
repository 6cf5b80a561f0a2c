"""How fast a sync is: HubSpot contacts from a stub into the CRM, beside a script written by hand.

`python -m bench.sync` for 200,000 contacts, `--rows 20000 --small 5000` for a short look. Starts a
stub and an embedded PostgreSQL of its own in a temporary folder. Loads with each loader in its own
process, one after the other. Prints the cost of a record and what is written for it. Ends all
processes that it has started. See sync.md.
"""

import argparse
import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bench.by_dlt import LOADERS as DLT_LOADERS
from bench.measure import cpu_of_tree
from bench.sync_report import document, render
from hub import logs
from hub.clock import SystemClock
from hub.db import engine as db_engine
from hub.db.embedded import SUPERUSER, EmbeddedServer, Server

STAGES = ("land", "normalise", "match", "load", "route")
# What `--peer` runs: dlt in each of its formats, for the best of them is the measure, or in one.
PEERS = {"dlt": DLT_LOADERS, **{loader: (loader,) for loader in DLT_LOADERS}}


@contextmanager
def stub(n: int) -> Iterator[tuple[str, int]]:
    """Serve n contacts; gives the address and the process id."""
    command = [sys.executable, "-m", "bench.hubspot_stub", str(n)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout is None or not (address := process.stdout.readline().strip()):
            raise SystemExit("the stub did not start")
        yield address, process.pid
    finally:
        process.kill()
        process.communicate()


@contextmanager
def server() -> Iterator[Server]:
    """Run PostgreSQL as the hub runs it, fsync on, with the migrated database as the template."""
    folder = Path(tempfile.mkdtemp(prefix="hub"))
    folder.chmod(0o755)  # the server may run as another user
    (folder / "home").mkdir()
    embedded = EmbeddedServer(folder / "home", SystemClock())
    try:
        running = embedded.attach()
        with db_engine.opened_embedded(running):
            pass
        yield running
    finally:
        embedded.detach()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database_of(running: Server, name: str) -> Iterator[str]:
    """Make a database of the template and drop it; the disk has caught up before the block."""
    url = running.url(SUPERUSER, database="postgres")
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE hub OWNER hub_owner"))
        conn.execute(text("CHECKPOINT"))
    try:
        yield name
    finally:
        with engine.connect() as conn:
            conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _once(running: Server, loader: str, rows: int, asked: argparse.Namespace) -> dict[str, Any]:
    with stub(rows) as (address, stub_pid), database_of(running, "bench") as name:
        before = cpu_of_tree(stub_pid)
        command = [sys.executable, "-m", "bench.sync_once", loader, address]
        command += [str(running.socket_dir), str(running.data_dir), name]
        command += ["--profile", asked.profile] if asked.profile and loader == "hub" else []
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, timeout=asked.timeout
        )
        said: dict[str, Any] = json.loads(done.stdout)
        said |= {"loader": loader, "asked": rows, "stub": cpu_of_tree(stub_pid) - before}
    if said["rows"] != rows or not said.get("holds", True):
        raise SystemExit(f"{loader} brought {said['rows']} of {rows} contacts: {said}")
    return said


def measure(running: Server, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the measured loads of all rounds; each is a line of JSON on standard error, too.

    Raises:
        SystemExit: a load is not whole, or its ledger does not add up.
    """
    peers = [loader for peer in asked.peer for loader in PEERS[peer]]
    loads = [("hub", asked.small), *((peer, asked.rows) for peer in ("hand", *peers))]
    found = []
    for _ in range(asked.rounds):
        for loader, rows in (*loads, ("hub", asked.rows)):
            found.append(_once(running, loader, rows, asked))
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    return found


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--rows", type=int, default=200_000)
    made.add_argument("--small", type=int, default=50_000, help="for the comparison of memory")
    made.add_argument("--rounds", type=int, default=1)
    made.add_argument(
        "--peer", action="append", choices=PEERS, default=[], help="land the stub with it, too"
    )
    made.add_argument("--tables", action="store_true", help="print what is written per table")
    made.add_argument("--json", action="store_true", help="print one JSON document")
    made.add_argument("--profile", default="", help=f"profile one of {', '.join(STAGES)}")
    made.add_argument("--timeout", type=float, default=900.0, help="seconds a load may take")
    return made


def main() -> None:
    """Measure and print."""
    asked = parser().parse_args()
    logs.configure(json=True, level=logging.WARNING)  # standard output is the report's
    with server() as running:
        found = measure(running, asked)
    said = document(found, asked.rows, asked.small)
    print(json.dumps(said) if asked.json else render(said, tables=asked.tables))


if __name__ == "__main__":
    main()
