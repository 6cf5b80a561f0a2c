"""How long a conversion takes, and a new owner for ten thousand leads, in a small and in a big database.

`python -m bench.conversion [--big N] [--small N] [--runs N]`: leads are written in bulk, then some of
them are converted one after the other, each in a transaction of its own, as `hub lead convert` does;
then ten thousand go to a group of three, by turns, and back to one person, as `hub lead assign` does.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, text

from hub.actions.context import Context, MachineOwner
from hub.actions.leads.convert import convert
from hub.actions.leads.reopen import reopen
from hub.actions.people.assign import assign_many
from hub.clock import SystemClock
from hub.crm import owners
from hub.db import engine as db_engine
from hub.db.embedded import EmbeddedServer
from hub.db.engine import Database
from hub.db.transactions import run_transaction
from hub.etl.groups import Group, apply_groups
from tests.db.conftest import seed_leads

_WHO = MachineOwner("bench")
_TEAM = ("ann", "bob", "cid")
_MANY = 10_000


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser()
    options.add_argument("--big", type=int, default=1_000_000)
    options.add_argument("--small", type=int, default=10_000)
    options.add_argument("--runs", type=int, default=200)
    asked = options.parse_args()
    print(f"{'leads':>10} {'what':<10} {'p50 ms':>8} {'p95 ms':>8} {'max ms':>8}")
    p95 = {}
    for n in (asked.small, asked.big):
        with tempfile.TemporaryDirectory(prefix="hub") as folder:
            Path(folder).chmod(0o755)
            server = EmbeddedServer(Path(folder), SystemClock())
            with db_engine.opened_embedded(server.attach()) as database:
                _fill(database, n)
                for what, times in _measure(database, n, asked.runs).items():
                    p95[n, what] = _p95(times)
                    print(
                        f"{n:>10} {what:<10} {statistics.median(times):>8.1f} "
                        f"{p95[n, what]:>8.1f} {max(times):>8.1f}",
                        flush=True,
                    )
            server.detach()
    for what in ("convert", "reopen", "give 10k"):
        print(f"{what}: p95 big / small = {p95[asked.big, what] / p95[asked.small, what]:.2f}")


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


def _measure(database: Database, n: int, runs: int) -> dict[str, list[float]]:
    with database.engine.begin() as conn:
        leads = conn.execute(
            text("SELECT id FROM crm.lead WHERE id % :step = 0 ORDER BY id LIMIT :runs"),
            {"step": max(1, n // runs), "runs": runs},
        ).scalars()
        names = [str(lead) for lead in leads]
    times: dict[str, list[float]] = {}
    for what, verb in (("convert", convert), ("reopen", reopen)):
        times[what] = [_timed(partial(_run, database, verb, name)) for name in names]
    with database.engine.begin() as conn:
        ids = conn.execute(text("SELECT id FROM crm.lead ORDER BY id DESC LIMIT :n"), {"n": _MANY})
        many = list(ids.scalars())
    receivers = ("sales", "ann@example.com") * 3
    times["give 10k"] = [_timed(partial(_set_owners, database, many, to)) for to in receivers]
    return times


def _by(conn: Connection) -> Context:
    return Context(conn, _WHO, SystemClock())


def _set_owners(database: Database, leads: list[int], to: str) -> None:
    run_transaction(database.engine, lambda conn: assign_many(_by(conn), "lead", leads, to))


def _run(database: Database, verb: Callable[..., object], name: str) -> None:
    run_transaction(database.engine, lambda conn: verb(_by(conn), name))


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


if __name__ == "__main__":
    main()
