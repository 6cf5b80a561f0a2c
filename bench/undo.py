"""Undo of a large batch while leads arrive: how long each waits, how long a chunk holds the lock.

`python -m bench.undo` undoes a load of 20,000 contacts of the HubSpot stub; `--rows 2000` for a short
look. A second process adds live leads, one after the other, and takes each from landing to its owner.
Prints the longest way of a lead, the longest hold of the identity lock, and the seconds of the undo.
`--alone` adds no leads, and prints what an object costs.
"""

import argparse
import json
import logging
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.measure import Cost, costs, memory_mb
from bench.sync import database_of, server, stub
from bench.sync_once import hub_of
from hub import logs
from hub.actions.batches.undo import preview_undo, undo_batch
from hub.actions.context import Context, MachineOwner
from hub.clock import SystemClock
from hub.connectors.base import Page, Stream
from hub.db import engine as db_engine
from hub.db.embedded import Server
from hub.etl import flow
from hub.etl.context import Hub
from hub.etl.land import land_page
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.records import batches
from hub.undo.batch import Chunk

_SOURCE = "hubspot"
_FIRST_LIVE = 900_000_000
_PAUSE_S = 0.2
_LEFT = "SELECT count(*) FROM crm.lead WHERE owner_id IS NOT NULL"


def live_contact(number: int) -> RawRecord:
    """A lead that comes over a webhook."""
    clock = SystemClock().now()
    row = {
        "id": str(number),
        "archived": False,
        "properties": {
            "firstname": f"Live{number}",
            "lastname": f"Arrival{number}",
            "email": f"live{number}@arrivals.example.org",
            "lifecyclestage": "lead",
        },
    }
    return RawRecord(
        str(number), Op.UPSERT, clock, clock.isoformat(), json.dumps(row).encode(), None
    )


def arrive(hub: Hub, number: int) -> float:
    """Take one live lead from landing to its owner; returns the seconds."""
    started = time.monotonic()
    with hub.engine.begin() as conn:
        batch = batches.live_batch(conn, _SOURCE, hub.clock.now())
    page = Page([live_contact(number)], {})
    land_page(hub, batch, Stream("contacts"), page, move_cursor=False)
    flow.run_stages(hub)
    return time.monotonic() - started


def add_leads(running: Server, name: str, address: str) -> None:
    """Add leads until a line on standard input ends the process; print how long each took."""
    with (
        tempfile.TemporaryDirectory() as home,
        db_engine.opened_embedded(running, name) as database,
    ):
        hub = hub_of(database, address, home)
        for number in range(_FIRST_LIVE, _FIRST_LIVE + 3):
            arrive(hub, number)  # the first ones warm up
        print("ready", flush=True)
        asked_to_end = _end_of(sys.stdin.fileno())
        took: list[float] = []
        while not asked_to_end():
            took.append(arrive(hub, _FIRST_LIVE + 3 + len(took)))
            hub.clock.sleep(_PAUSE_S)
        print(json.dumps(took), flush=True)


def _end_of(stream: int) -> Any:
    return lambda: bool(select.select([stream], [], [], 0)[0])


def measure(running: Server, name: str, address: str) -> dict[str, Any]:
    """Load, then undo while a second process adds leads; returns the figures."""
    with (
        tempfile.TemporaryDirectory() as home,
        db_engine.opened_embedded(running, name) as database,
    ):
        hub = hub_of(database, address, home)
        report = flow.sync(hub, [_SOURCE])
        if not report.holds:
            raise SystemExit("the load is not complete")
        with hub.engine.begin() as conn:
            batch = int(conn.execute(text("SELECT max(id) FROM ops.batch")).scalar_one())
            loaded = int(conn.execute(text(_LEFT)).scalar_one())
        started = time.monotonic()
        said = preview_undo(hub.engine, _acting, batch).document()
        preview_s = time.monotonic() - started
        alone = [arrive(hub, _FIRST_LIVE - 1 - n) for n in range(10)]
        command = [sys.executable, "-m", "bench.undo", "--leads", name, address]
        command += [str(running.socket_dir), str(running.data_dir)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as adding:
            if adding.stdout is None or adding.stdout.readline() != "ready\n":
                raise SystemExit("the process that adds leads did not start")
            chunks: list[Chunk] = []
            started = time.monotonic()
            done = undo_batch(hub.engine, _acting, batch, chunks.append).document()
            undo_s = time.monotonic() - started
            told, _ = adding.communicate("end\n")
        took: list[float] = json.loads(told)
        flow.run_stages(hub)
        with hub.engine.begin() as conn:
            left = int(conn.execute(text(_LEFT)).scalar_one())
    return {
        "rows": loaded,
        "undone": done["reverted"],
        "preview_equals_undo": {**said, "undo": 0} == {**done, "undo": 0},
        "preview_s": round(preview_s, 1),
        "undo_s": round(undo_s, 1),
        "chunks": len(chunks),
        "longest_hold_ms": round(1000 * max(chunk.held_s for chunk in chunks)),
        "leads_added": len(took),
        "lead_alone_ms": _most(alone),
        "lead_while_undone_ms": _most(took),
        "leads_lost": len(took) + 3 + len(alone) - left,
    }


def measure_alone(running: Server, name: str, address: str) -> str:
    """Load, then undo while nothing else happens; returns what it cost, as a table."""
    with (
        tempfile.TemporaryDirectory() as home,
        db_engine.opened_embedded(running, name) as database,
    ):
        hub = hub_of(database, address, home)
        if not flow.sync(hub, [_SOURCE]).holds:
            raise SystemExit("the load is not complete")
        with hub.engine.begin() as conn:
            batch = int(conn.execute(text("SELECT max(id) FROM ops.batch")).scalar_one())
        chunks: list[Chunk] = []
        found: dict[str, Cost] = {}
        with costs(found, "undo", running.data_dir):
            undo_batch(hub.engine, _acting, batch, chunks.append)
        with hub.engine.begin() as conn:
            left = int(conn.execute(text(_LEFT)).scalar_one())
    n, cost = sum(one.objects for one in chunks), found["undo"]
    rows = {
        "objects": f"{n:,}",
        "seconds": f"{cost.wall:.1f}",
        "objects a second": f"{n / cost.wall:,.0f}",
        "CPU µs an object, client": f"{cost.client / n * 1e6:.0f}",
        "CPU µs an object, PostgreSQL": f"{cost.database / n * 1e6:.0f}",
        "chunks": f"{len(chunks):,}",
        "longest hold of the identity lock, ms": f"{1000 * max(c.held_s for c in chunks):.0f}",
        "leads left": f"{left}",
        "peak memory, MB": f"{memory_mb():.0f}",
    }
    return "\n".join(["| | |", "|---|---:|", *(f"| {k} | {v} |" for k, v in rows.items())])


def _acting(conn: Any) -> Context:
    return Context(conn, MachineOwner("bench"), SystemClock())


def _most(seconds: Sequence[float]) -> dict[str, int]:
    ordered = sorted(round(1000 * s) for s in seconds)
    return {"median": ordered[len(ordered) // 2], "max": ordered[-1]}


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m bench.undo", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--alone", action="store_true", help="add no leads meanwhile")
    parser.add_argument("--leads", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    logs.configure(json=True, level=logging.WARNING)
    if asked.leads:
        name, address, sockets, data = asked.leads
        add_leads(Server(Path(sockets), Path(data)), name, address)
        return
    with (
        server() as running,
        stub(asked.rows) as (address, _),
        database_of(running, "bench") as name,
    ):
        if asked.alone:
            print(measure_alone(running, name, address))
        else:
            print(json.dumps(measure(running, name, address), indent=2))


if __name__ == "__main__":
    main()
