"""How fast a sync is: HubSpot contacts from a stub into the CRM, beside a script written by hand.

`python -m bench.sync` for 200,000 contacts, `--rows 20000 --small 5000` for a short look. Starts a stub
and an embedded PostgreSQL of its own in a temporary folder, loads with each loader in a process
of its own, one after the other, prints one table, and ends all it has started. See sync.md.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bench.measure import cpu_of_tree
from hub.clock import SystemClock
from hub.db import engine as db_engine
from hub.db.embedded import SUPERUSER, EmbeddedServer, Server

STAGES = ("land", "normalise", "match", "load", "route")
_FLAT = 1.2  # peak memory of the large load may be so many times that of the small one


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
def _server() -> Iterator[Server]:
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
def _database(running: Server, name: str) -> Iterator[str]:
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
    with stub(rows) as (address, stub_pid), _database(running, "bench") as name:
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


def _line(name: str, rows: int, costs: list[dict[str, float]], hand_us: float) -> str:
    client, database, wall = (
        median(cost[key] for cost in costs) for key in ("client", "database", "wall")
    )
    us = (client + database) / rows * 1e6
    return (
        f"| {name} | {client / rows * 1e6:.0f} | {database / rows * 1e6:.0f} | {us:.0f} |"
        f" {us / hand_us:.1f} | {wall:.1f} | {rows / wall:,.0f} |"
    )


def _total(said: dict[str, Any]) -> dict[str, float]:
    keys = ("wall", "client", "database")
    return {key: sum(stage[key] for stage in said["stages"].values()) for key in keys}


def report(found: list[dict[str, Any]], rows: int, small: int) -> str:
    """Return the table: medians over the rounds, ratios to the hand script."""
    hub = [one for one in found if one["loader"] == "hub" and one["asked"] == rows]
    hand = [one for one in found if one["loader"] == "hand"]
    totals = [_total(one) for one in hand]
    hand_us = median(t["client"] + t["database"] for t in totals) / rows * 1e6
    lines = [
        "| | CPU µs/record, ours | PostgreSQL | both | x hand | wall s | records/s |",
        "|---|---|---|---|---|---|---|",
        _line("hand script", rows, totals, hand_us),
    ]
    lines += [_line(s, rows, [one["stages"][s] for one in hub], hand_us) for s in STAGES]
    lines.append(_line("land to route", rows, [_total(one) for one in hub], hand_us))
    peaks = {
        n: [one["peak_mb"] for one in found if one["loader"] == "hub" and one["asked"] == n]
        for n in (small, rows)
    }
    base = median(one["base_mb"] for one in hub)
    lines.append(
        f"\npeak memory: {median(peaks[small]):.0f} MB at {small:,}, {median(peaks[rows]):.0f} MB at"
        f" {rows:,} ({base:.0f} MB before the first record); hand {median(o['peak_mb'] for o in hand):.0f} MB;"
        f" stub {median(one['stub'] for one in hub) / rows * 1e6:.1f} µs of CPU a record;"
        f" {hub[0]['people']:,} people of {rows:,} contacts; {hub[0]['refused']} values refused"
    )
    is_flat = median(peaks[rows]) <= _FLAT * median(peaks[small])
    lines.append(f"memory is {'flat' if is_flat else 'NOT FLAT'} from {small:,} to {rows:,}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--small", type=int, default=50_000, help="for the comparison of memory")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--profile", default="", help=f"profile one of {', '.join(STAGES)}")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds a load may take")
    asked = parser.parse_args()
    found = []
    with _server() as running:
        for _ in range(asked.rounds):
            for loader, rows in (("hub", asked.small), ("hand", asked.rows), ("hub", asked.rows)):
                found.append(_once(running, loader, rows, asked))
                print(json.dumps(found[-1]), file=sys.stderr)
    print(report(found, asked.rows, asked.small))


if __name__ == "__main__":
    main()
