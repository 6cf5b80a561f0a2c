"""The first page of a smart list: p50 and p95 of thirty shapes at two sizes, in one run.

    python -m bench.lists                        10,000 and 1,000,000 leads
    python -m bench.lists --sizes 10000,100000 --rounds 5

A page is the whole act: who asks, the catalogue with its custom fields, the ids, the rows. Rounds of
the two sizes take turns, and every round draws other values. What a lead costs to write with and
without the lists' indexes is measured too (`--writes`).
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from bench.list_rows import seed
from bench.list_shapes import SHAPES
from hub.actions.context import Context
from hub.actions.rights import member_named
from hub.actions.setup import smart_list
from hub.clock import FixedClock, SystemClock
from hub.db import engine as db_engine
from hub.db.embedded import SUPERUSER, EmbeddedServer, Server
from hub.db.engine import Database
from hub.lists.document import read

NOW = datetime(2026, 11, 27, 14, tzinfo=UTC)
CLOCK = FixedClock(NOW)
WHO = "rep3@team.example.com"
LIMIT = 50


def one(database: Database, shape: str, rng: random.Random) -> float:
    """Return the seconds that one page takes."""
    document = read(SHAPES[shape](rng))
    start = time.perf_counter()
    with database.engine.begin() as conn:
        smart_list.page(Context(conn, member_named(conn, WHO), CLOCK), document, limit=LIMIT)
    return time.perf_counter() - start


def p95(times: Sequence[float]) -> float:
    """Return the time that one page in twenty takes longer than."""
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.95))]


def filled(
    server: Server, name: str, n: int, more: Callable[[Connection], None] = lambda _conn: None
) -> ExitStack:
    """Open the database of so many leads, and more; it is made if it is not there."""
    admin = create_engine(
        server.url(SUPERUSER, database="postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as conn:
        known = conn.execute(text("SELECT datname FROM pg_database")).scalars().all()
        if name not in known:
            conn.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE hub OWNER hub_owner")
    stack = ExitStack()
    stack.database = stack.enter_context(db_engine.opened_embedded(server, name))  # type: ignore[attr-defined]
    if name in known:
        return stack
    start = time.perf_counter()
    owner = stack.database.owner_engine()  # type: ignore[attr-defined]
    with owner.begin() as conn:
        seed(conn, n, NOW)
        more(conn)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE")
    print(f"{n:,} leads written and indexed in {time.perf_counter() - start:.0f} s", flush=True)
    return stack


def measure(databases: dict[int, Database], rounds: int) -> None:
    """Print a line a shape, and what all of them come to."""
    found: dict[tuple[str, int], list[float]] = {}
    for turn in range(-1, rounds):  # the first round only warms
        for shape in SHAPES:
            for n, database in databases.items():
                took = one(database, shape, random.Random(f"{turn} {shape}"))
                if turn >= 0:
                    found.setdefault((shape, n), []).append(took * 1000)
    heads = "".join(f"{n:>12,} p50 {'p95':>8}" for n in databases)
    print(f"{'shape, ms':42}{heads}")
    for shape in SHAPES:
        cells = [found[shape, n] for n in databases]
        print(
            f"{shape:42}" + "".join(f"{statistics.median(c):>16.1f} {p95(c):>8.1f}" for c in cells)
        )
    whole = {n: [t for (_, m), times in found.items() if m == n for t in times] for n in databases}
    for n, times in whole.items():
        print(
            f"{n:>12,} leads: p50 {statistics.median(times):.1f} ms, p95 {p95(times):.1f} ms, "
            f"longest {max(times):.1f} ms, {len(times)} pages of {LIMIT}"
        )
    few, many = whole.values()
    print(f"ratio of p95: {p95(many) / p95(few):.2f}")


def writes(database: Database) -> None:
    """Print what a lead costs to insert, with the lists' indexes and without."""
    for name, statements in (
        ("with the lists' indexes", ()),
        ("without the index of names, words, tags, custom fields, search tokens", ("DROP INDEX crm.lead_facets",)),
        ("without any of them", ("DROP INDEX crm.lead_facets", *(
            f"DROP INDEX crm.lead_by_{o}" for o in
            ("name", "created_at", "last_activity_at", "last_communication_at", "next_task_at")))),
    ):  # fmt: skip
        with database.owner_engine().connect() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)
            conn.exec_driver_sql(
                "CREATE TEMP TABLE taken AS SELECT * FROM crm.lead WHERE mod(id, 7) = 0 LIMIT 20000"
            )
            conn.exec_driver_sql("DELETE FROM crm.lead WHERE id IN (SELECT id FROM taken)")
            names = ", ".join(
                conn.execute(
                    text("SELECT attname FROM pg_attribute WHERE attrelid = 'crm.lead'::regclass AND attnum > 0 "
                         "AND NOT attisdropped AND attgenerated = '' AND attname <> 'id'")
                ).scalars()
            )  # fmt: skip
            start = time.perf_counter()
            made = conn.exec_driver_sql(
                f"INSERT INTO crm.lead ({names}) SELECT {names} FROM taken"  # noqa: S608 our own names
            ).rowcount
            print(f"{(time.perf_counter() - start) / made * 1e6:6.0f} µs a lead inserted {name}")
            conn.rollback()


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    options.add_argument("--sizes", default="10000,1000000")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--writes", action="store_true", help="what the indexes cost to keep")
    options.add_argument("--home", type=Path, help="keep the databases there, for another run")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub") as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)
        home = chosen.home or Path(folder) / "home"
        home.mkdir(exist_ok=True)
        server = EmbeddedServer(home, SystemClock())
        running = server.attach()
        stack.callback(server.detach)
        with db_engine.opened_embedded(running):
            pass
        databases = {}
        for n in map(int, chosen.sizes.split(",")):
            opened = filled(running, f"leads{n}", n)
            stack.push(opened)
            databases[n] = opened.database  # type: ignore[attr-defined]
        if chosen.writes:
            writes(databases[max(databases)])
        measure(databases, chosen.rounds)


if __name__ == "__main__":
    main()
