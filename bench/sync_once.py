"""One measured load in a process of its own: Lead Hub's, or the hand script's; prints JSON.

`python -m bench.sync_once hub|hand ADDRESS SOCKET_DIR DATA_DIR DATABASE [--profile STAGE]`. The database is fresh and migrated.
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
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from bench import by_hand
from bench.hubspot_stub import TOKEN
from bench.measure import Cost, costs, memory_mb
from hub import logs
from hub.clock import SystemClock
from hub.connectors.base import Connector
from hub.connectors.registry import connect, limits_of
from hub.crm import owners
from hub.db import engine as db_engine
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.etl import flow
from hub.etl.budget import SharedBudget, account_of
from hub.etl.context import Hub
from hub.mappings.loader import load_all
from hub.settings import Settings

_NO_LIMIT = 1e9  # the vendor's clock so much faster than ours that no rate is ever reached
_SOURCE = "hubspot"
# What came of the contacts: every one has a person, every person a row, every lead an owner.
_OUTCOME = """
SELECT count(*) AS rows, count(DISTINCT entity_id) AS people,
  (SELECT count(*) FROM crm.lead) + (SELECT count(*) FROM crm.contact WHERE NOT is_organization)
    AS in_crm,
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
        owners.apply_groups(conn, [owners.Group(g.name, g.members) for g in settings.groups])
    return Hub(database.engine, clock, settings, load_all(None), lambda _source: made)


class Measured:
    """The stages' costs, and a profile of one of them if that is wanted."""

    def __init__(self, data_dir: Path, profiled: str) -> None:
        self.costs: dict[str, Cost] = {}
        self._data_dir = data_dir
        self._profiled = profiled

    def run(self, name: str, work: Callable[[], object]) -> None:
        profile = cProfile.Profile() if name == self._profiled else None
        watching: AbstractContextManager[Any] = profile or nullcontext()
        with costs(self.costs, name, self._data_dir), watching:
            work()
        if profile is not None:
            pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)


def _by_hub(address: str, running: Server, name: str, profiled: str) -> dict[str, Any]:
    measured = Measured(running.data_dir, profiled)
    with (
        tempfile.TemporaryDirectory() as home,
        db_engine.opened_embedded(running, name) as database,
    ):
        return load(hub_of(database, address, home), measured)


def load(hub: Hub, measured: Measured) -> dict[str, Any]:
    """Bring all contacts of the stub from the vendor to their owners, a stage after the other."""
    base = memory_mb("VmRSS")
    batch = flow.begin(hub, _SOURCE)

    def land() -> None:
        for stream in hub.connector(_SOURCE).streams():
            flow.land_stream(hub, batch, stream)

    measured.run("land", land)
    measured.run("normalise", lambda: flow.run_normalize(hub))
    measured.run("match", lambda: flow.run_match(hub))
    measured.run("load", lambda: flow.run_load(hub))
    measured.run("route", lambda: flow.run_route(hub))
    ledgers = flow.finish(hub, batch)
    with hub.engine.begin() as conn:
        found = conn.execute(text(_OUTCOME)).one()._asdict()
    is_whole = found["people"] == found["in_crm"] and not found["unowned"]
    holds = is_whole and all(entry.holds for entry in ledgers)
    return _said(measured.costs, found["rows"], base) | found | {"holds": holds}


def _by_hand(address: str, running: Server, name: str) -> dict[str, Any]:
    base, found, rows = memory_mb("VmRSS"), dict[str, Cost](), 0
    url = f"host={running.socket_dir} user=hub_owner dbname={name}"
    # The connection outlives the measuring: the CPU of a backend that is ending is nobody's.
    with psycopg.connect(url) as conn, costs(found, "all", running.data_dir):
        rows = by_hand.load(address, TOKEN, conn)
    return _said(found, rows, base)


def _said(found: dict[str, Cost], rows: int, base: float) -> dict[str, Any]:
    stages = {name: asdict(cost) for name, cost in found.items()}
    return {"stages": stages, "rows": rows, "base_mb": base, "peak_mb": memory_mb()}


def main() -> None:
    """Load once and say what it cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("loader", choices=("hub", "hand"))
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
    else:
        said = _by_hand(asked.address, running, asked.database)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
