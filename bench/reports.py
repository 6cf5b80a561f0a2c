"""Every report on a large business: one month and all time, p50 and p95; and what the rollups cost.

`python -m bench.reports [leads [deals]]`; 1,000,000 leads and 200,000 deals by default; with other
numbers, without the cost of the rollups.
"""

import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, text

from bench.business import seed_business
from hub.clock import SystemClock
from hub.crm import rollups
from hub.db import engine as db_engine
from hub.db.embedded import EmbeddedServer
from hub.db.engine import Database
from hub.reports import REPORTS, Scope

LEADS, DEALS, OWNERS, ROUNDS = 1_000_000, 200_000, 20, 21
LOADED = 100_000
MONTH = Scope(date(2026, 3, 1), date(2026, 3, 31))
_TEAM = """
INSERT INTO crm."user" (email, name, is_active, managed_by)
SELECT 'p' || g || '@a.example.com', 'P' || g, true, 'bench' FROM generate_series(1, :n) g
"""
_CUSTOMER = (
    "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane) VALUES ('person', 1, 1, 'bulk')",
    "INSERT INTO crm.contact (entity_id, last_name, batch_id) SELECT id, 'C', 1 FROM ops.entity",
)


def main() -> None:
    """Load, measure, print."""
    given = [int(n) for n in sys.argv[1:]]
    leads, deals = (given + [LEADS, DEALS][len(given) :])[:2]
    with tempfile.TemporaryDirectory(prefix="hb") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(Path(folder), SystemClock())
        try:
            with db_engine.opened_embedded(server.attach()) as database:
                team(database)
                if not given:
                    load_cost(database)
                fill(database, leads, deals)
                measure(database)
        finally:
            server.detach()


def team(database: Database) -> None:
    """Write who owns, and who buys."""
    with database.engine.begin() as conn:
        conn.execute(text(_TEAM), {"n": OWNERS})
        for statement in _CUSTOMER:
            conn.execute(text(statement))


def load_cost(database: Database) -> None:
    """Time so many leads in one INSERT and in chunks of 500, with the triggers and without."""
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(3):
        for state in ("DISABLE", "ENABLE"):
            for how, chunk in (("at once", LOADED), ("by 500", 500)):
                with database.owner_engine().connect() as conn:
                    conn.execute(text(f"ALTER TABLE crm.lead {state} TRIGGER rollup_lead_insert"))
                    started = time.perf_counter()
                    for _n in range(LOADED // 5 // chunk if how == "by 500" else 1):
                        seed_business(conn, leads=chunk, deals=0, owners=OWNERS)
                    found.setdefault((how, state), []).append(time.perf_counter() - started)
                    conn.rollback()
    for how in ("at once", "by 500"):
        without, with_ = (min(found[how, state]) for state in ("DISABLE", "ENABLE"))
        n = LOADED if how == "at once" else LOADED // 5
        print(f"insert {n:,} leads {how}: {without:.2f} s without, {with_:.2f} s with rollups")


def fill(database: Database, leads: int, deals: int) -> None:
    """Write the business, fold the rollups, analyse."""
    started = time.perf_counter()
    with database.engine.begin() as conn:
        seed_business(conn, leads=leads, deals=deals, owners=OWNERS)
    print(f"{leads:,} leads, {deals:,} deals: {time.perf_counter() - started:.0f} s")
    analyse(database)
    for name, work in (("compact", rollups.compact), ("refresh", rollups.refresh)):
        with database.engine.begin() as conn:
            started = time.perf_counter()
            rows = work(conn)
            print(f"{name}: {time.perf_counter() - started:.1f} s, {rows}")
    analyse(database)


def analyse(database: Database) -> None:
    """Do what the server does by itself a little later."""
    with database.owner_engine().connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")


def measure(database: Database) -> None:
    """Print p50 and p95 of each report in ms."""
    print("| report | one month, p50 / p95 ms | all time, p50 / p95 ms |\n|---|---|---|")
    with database.engine.begin() as conn:
        for name in REPORTS:
            month = "-" if name == "pipeline" else timed(conn, name, MONTH)
            print(f"| {name} | {month} | {timed(conn, name, Scope())} |")


def timed(conn: Connection, name: str, scope: Scope) -> str:
    """Return p50 and p95 of a report, the first call left out."""
    REPORTS[name](conn, scope)
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        REPORTS[name](conn, scope)
        times.append(1000 * (time.perf_counter() - started))
    return f"{statistics.median(times):.0f} / {statistics.quantiles(times, n=20)[-1]:.0f}"


if __name__ == "__main__":
    main()
