"""One measured load in a process of its own: Lead Hub's, the hand script's or a peer's; prints JSON.

`python -m bench.sync_once hub|hand|PEER ADDRESS SOCKET_DIR DATA_DIR DATABASE [--profile STAGE]`. The database is fresh and migrated.
Stages are run by the functions that a sync runs, one after the other, so that each has a cost of
its own: land, normalise, match, load, route.
"""

import argparse
import cProfile
import json
import logging
import pstats
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from bench import by_dlt, by_hand
from bench.figures import REREAD
from bench.hubspot_stub import TOKEN
from bench.measure import Cost, costs, memory_mb
from bench.write_counters import WriteCounter, flush_connection, flush_pool
from hub import logs
from hub.clock import SystemClock
from hub.connectors.base import Connector
from hub.connectors.registry import connect, limits_of
from hub.crm import owners
from hub.db import engine as db_engine
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.etl import flow
from hub.etl.assemble import group_of
from hub.etl.budget import SharedBudget, account_of
from hub.etl.context import Hub
from hub.etl.groups import apply_groups
from hub.mappings.loader import load_all
from hub.records.batches import Batch
from hub.settings import Settings

_NO_LIMIT = (
    1e9  # the vendor's clock, so much faster than the machine's that no rate is ever reached
)
_SOURCE = "hubspot"
# What came of the contacts: every one has a person, every person a row, every lead an owner.
_OUTCOME = """
SELECT count(*) AS rows, count(DISTINCT entity_id) AS people,
  (SELECT count(*) FROM (SELECT entity_id FROM crm.lead UNION
    SELECT entity_id FROM crm.contact WHERE NOT is_organization) AS t) AS in_crm,
  (SELECT count(*) FROM crm.lead WHERE owner_id IS NULL) AS unowned,
  (SELECT count(*) FROM landing.quarantine) AS refused
FROM ops.source_record
WHERE stream = 'contacts' AND target = 'person' AND entity_id IS NOT NULL
"""


def hub_of(database: Database, address: str, home: str) -> Hub:
    """Return a hub whose only source is the stub, and one person who can take leads."""
    settings = Settings.model_validate(
        {
            "home": home,
            "sources": {_SOURCE: {"base_url": address, "token": TOKEN, "time_scale": _NO_LIMIT}},
            "people": [{"email": "ann@owners.example", "name": "Ann"}],
            "groups": [{"name": "sales", "members": ["ann@owners.example"]}],
            "routing": {"fallback": "group:sales"},
            "smtp": {"sender": "hub@leadhub.example", "port": 9},
        }
    )
    block = settings.sources.hubspot
    clock = SystemClock()
    budget = SharedBudget(
        database.engine,
        account_of(_SOURCE, block),
        limits_of(_SOURCE),
        clock,
        time_scale=_NO_LIMIT,
        jitter_s=0,
    )
    made: Connector = connect(_SOURCE, block, clock, budget=budget)
    with database.engine.begin() as conn:
        owners.apply_people(
            conn, [owners.Person(p.email, p.name, p.active, "UTC", {}) for p in settings.people]
        )
        apply_groups(conn, [group_of(g) for g in settings.groups])
    return Hub(database.engine, clock, settings, load_all(None), lambda _source: made)


class Measured:
    """What the stages cost and write, and a profile of one of them if that is wanted."""

    def __init__(self, data_dir: Path, counter: WriteCounter, profiled: str = "") -> None:
        self.stages: dict[str, dict[str, Any]] = {}
        self._data_dir = data_dir
        self._counter = counter
        self._profiled = profiled

    def run(self, name: str, work: Callable[[], object], flush: Callable[[], None]) -> None:
        """Measure `work`; `flush` makes all its connections report what they wrote."""
        profile = cProfile.Profile() if name == self._profiled else None
        watching: AbstractContextManager[Any] = profile or nullcontext()
        cost: dict[str, Cost] = {}
        flush()
        before = self._counter.read()
        with costs(cost, name, self._data_dir), watching:
            work()
        flush()
        self.stages[name] = asdict(cost[name]) | asdict(self._counter.read().since(before))
        if profile is not None:
            pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)


@contextmanager
def measured(database_url: str, data_dir: Path, profiled: str = "") -> Iterator[Measured]:
    """Measure in a database, by a connection that is open all the while."""
    with psycopg.connect(database_url) as conn:
        yield Measured(data_dir, WriteCounter(conn), profiled)


def load(hub: Hub, measured: Measured) -> dict[str, Any]:
    """Bring all contacts of the stub to their owners, stage by stage; then read all of them again."""
    base = memory_mb("VmRSS")
    batch = flow.begin(hub, _SOURCE)
    stages = _stages(hub, batch)
    for name, work in stages.items():
        measured.run(name, work, lambda: flush_pool(hub.engine))
    ledgers = flow.finish(hub, batch)
    with hub.engine.begin() as conn:
        found = conn.execute(text(_OUTCOME)).one()._asdict()
    is_whole = found["people"] == found["in_crm"] and not found["unowned"]
    holds = is_whole and all(entry.holds for entry in ledgers)
    said = _summary(measured, found["rows"], base) | found | {"holds": holds}
    return said | {"reread": _read_again(hub, measured)}


def _stages(hub: Hub, batch: Batch) -> dict[str, Callable[[], object]]:
    def land() -> None:
        for stream in hub.connector(_SOURCE).streams():
            flow.land_stream(hub, batch, stream)

    return {
        "land": land,
        "normalise": lambda: flow.run_normalize(hub),
        "match": lambda: flow.run_match(hub),
        "load": lambda: flow.run_load(hub),
        "route": lambda: flow.run_route(hub),
    }


def _read_again(hub: Hub, measured: Measured) -> dict[str, Any]:
    """Measure a full read of the source, of which nothing changed; all stages as one."""
    batch = flow.begin(hub, _SOURCE, full=True)

    def all_stages() -> None:
        for work in _stages(hub, batch).values():
            work()

    measured.run(REREAD, all_stages, lambda: flush_pool(hub.engine))
    flow.finish(hub, batch)
    return measured.stages[REREAD]


def _by_hub(address: str, running: Server, name: str, profiled: str) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as home,
        db_engine.opened_embedded(running, name) as database,
        measured(_url(running, name), running.data_dir, profiled) as found,
    ):
        return load(hub_of(database, address, home), found)


def _by_hand(address: str, running: Server, name: str) -> dict[str, Any]:
    base, rows = memory_mb("VmRSS"), 0

    def work() -> None:
        nonlocal rows
        rows = by_hand.load(address, TOKEN, conn)

    # The connection outlives the measuring: the CPU of a backend that is ending is counted nowhere.
    with (
        measured(_url(running, name), running.data_dir) as found,
        psycopg.connect(_url(running, name)) as conn,
    ):
        found.run("all", work, lambda: flush_connection(conn))
    return _summary(found, rows, base)


def _by_dlt(loader: str, address: str, running: Server, name: str) -> dict[str, Any]:
    """Load with dlt; its connections are its own, so their end is waited for, and measured."""
    run = by_dlt.loader(loader, address, TOKEN, running.socket_dir, name)
    base, rows = memory_mb("VmRSS"), 0

    def work() -> None:
        nonlocal rows
        rows = run(Path(folder))
        counter.wait_until_alone()

    with (
        tempfile.TemporaryDirectory() as folder,
        psycopg.connect(_url(running, name)) as conn,
    ):
        counter = WriteCounter(conn)
        found = Measured(running.data_dir, counter)
        found.run("all", work, counter.wait_until_alone)
    return _summary(found, rows, base)


def _url(running: Server, name: str) -> str:
    return f"host={running.socket_dir} user=hub_owner dbname={name}"


def _summary(found: Measured, rows: int, base: float) -> dict[str, Any]:
    return {"stages": dict(found.stages), "rows": rows, "base_mb": base, "peak_mb": memory_mb()}


def main() -> None:
    """Load once and say what it cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("loader", choices=("hub", "hand", *by_dlt.LOADERS))
    parser.add_argument("address")
    parser.add_argument("socket_dir", type=Path)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("database")
    parser.add_argument("--profile", default="")
    asked = parser.parse_args()
    logs.configure(json=True, level=logging.WARNING)
    running = Server(asked.socket_dir, asked.data_dir)
    if asked.loader == "hub":
        said = _by_hub(asked.address, running, asked.database, asked.profile)
    elif asked.loader == "hand":
        said = _by_hand(asked.address, running, asked.database)
    else:
        said = _by_dlt(asked.loader, asked.address, running, asked.database)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
