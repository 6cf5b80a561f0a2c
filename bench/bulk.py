"""What bulk actions over ten thousand records cost, and their undo: time, CPU, memory.

`python -m bench.bulk [--records N] [--convert N]`: leads are written in bulk; then every verb of
`hub bulk` is run over N of them and undone. Conversions are single actions in chunks, so fewer are
measured.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from hub.actions.bulk.run import Asked, run
from hub.actions.bulk.take_back import take_back
from hub.actions.context import Context, MachineOwner
from hub.clock import SystemClock
from hub.crm import owners
from hub.db import engine as db_engine
from hub.db.embedded import EmbeddedServer
from hub.db.engine import Database
from hub.etl.groups import Group, apply_groups
from tests.db.conftest import seed_leads

T = TypeVar("T")
_TEAM = ("ann", "bob", "cid")
_FIELD = {"values": {"city": "Lyon"}, "region": "FR"}
_VERBS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("set-owner", {"to": "bob@example.com"}),
    ("set-owner", {"to": "sales"}),
    ("set-status", {"status": "Working"}),
    ("tag", {"tags": ["fair", "vip"]}),
    ("untag", {"tags": ["fair"]}),
    ("set", _FIELD),
    ("convert", {"currency": "EUR", "has_deal": True}),
)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser()
    options.add_argument("--records", type=int, default=10_000)
    options.add_argument("--convert", type=int, default=1_000)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(Path(folder), SystemClock())
        with db_engine.opened_embedded(server.attach()) as database:
            _fill(database, asked.records)
            print(f"{'verb':<30} {'records':>8} {'s':>7} {'CPU s':>7} {'undo s':>7} {'peak MB':>8}")
            for verb, wanted in _VERBS:
                n = min(asked.records, asked.convert) if verb == "convert" else asked.records
                _measure(database, verb, wanted, n)
        server.detach()


def _fill(database: Database, n: int) -> None:
    with database.engine.begin() as conn:
        team = [f"{name}@example.com" for name in _TEAM]
        owners.apply_people(
            conn, [owners.Person(e, e, is_active=True, timezone="UTC", notify={}) for e in team]
        )
        apply_groups(conn, [Group("sales", team)])
        seed_leads(conn, n, owned=True)
    with database.owner_engine().connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def _measure(database: Database, verb: str, wanted: Mapping[str, Any], n: int) -> None:
    with database.engine.begin() as conn:
        ids = conn.execute(text("SELECT id FROM crm.lead ORDER BY id LIMIT :n"), {"n": n}).scalars()
        names = [f"lead/{i}" for i in ids]
    if verb == "untag":  # what it takes away
        run(database.engine, _by, Asked("tag", wanted, names=names))
    done, took, cpu = _timed(partial(run, database.engine, _by, Asked(verb, wanted, names=names)))
    _, back, _ = _timed(partial(take_back, database.engine, _by, done.batch or 0))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = f"{verb} {next(iter(wanted.values()))}"[:30]
    print(
        f"{what:<30} {done.changed:>8} {took:>7.1f} {cpu:>7.1f} {back:>7.1f} {peak:>8.0f}",
        flush=True,
    )


def _timed(work: Callable[[], T]) -> tuple[T, float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    made = work()
    return made, time.perf_counter() - wall, time.process_time() - cpu


def _by(conn: Connection) -> Context:
    return Context(conn, MachineOwner("bench"), SystemClock())


if __name__ == "__main__":
    main()
