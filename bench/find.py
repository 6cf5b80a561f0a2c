"""`hub find` and the cards over a million records: p50 and p95 of a search and of a card, warm.

    python -m bench.find                           1,000,000 leads, 200,000 contacts, 40,000 companies and deals
    python -m bench.find --leads 100000 --rounds 20

A search is the whole command: the actor, the queries for each kind of record, and the rows that are
shown. The searches are drawn again each time: whole names, parts of names common and rare,
companies, addresses, numbers, and texts that no record has. A card is that of a
record drawn again each time. The database is kept in `--home` for the next run.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, text

from bench.lists import CLOCK, WHO, filled, p95
from hub.actions import reading
from hub.actions.context import Context
from hub.actions.rights import member_named
from hub.clock import SystemClock
from hub.db import engine as db_engine
from hub.db.embedded import EmbeddedServer
from hub.db.engine import Database

_SOME = "SELECT first_name, last_name, email, phone, organization_name FROM crm.lead WHERE id >= :id AND converted_at IS NULL AND organization_name IS NOT NULL AND email IS NOT NULL ORDER BY id LIMIT 1"
_MORE = (
    "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, version, folded_version) "
    "SELECT 'person', 0, 1, 'bulk', 1, 1 FROM generate_series(1, :contacts + :companies)",
    "INSERT INTO crm.contact (entity_id, first_name, last_name, email, phone, organization_name, city, "
    "  is_organization, created_at, owner_id, batch_id) "
    "SELECT e.id, CASE WHEN n > :companies THEN l.first_name END, CASE WHEN n > :companies THEN l.last_name END, "
    "  CASE WHEN n > :companies THEN 'c' || l.email END, l.phone, l.organization_name || CASE WHEN n > :companies "
    "  THEN '' ELSE ' ' || n END, l.city, n <= :companies, l.created_at, l.owner_id, 1 "
    "FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM ops.entity WHERE id > (SELECT max(entity_id) FROM crm.lead)) e "
    "JOIN LATERAL (SELECT * FROM crm.lead WHERE id = 1 + e.n * 7 % :leads) l ON true",
    "INSERT INTO crm.deal (name, contact_id, organization_id, pipeline_id, stage_id, currency, value, owner_id) "
    "SELECT c.organization_name || ' ' || c.id % 50 || ' seats', c.id, c.id, 1, 1 + c.id % 4, 'EUR', c.id % 9000, c.owner_id "
    "FROM crm.contact c WHERE c.is_organization AND c.organization_name IS NOT NULL",
)
KINDS = (
    "whole name", "last name", "part of a name", "company", "e-mail", "begin of an e-mail", "phone",
    "nobody",
)  # fmt: skip

_SOME_IDS = "SELECT id FROM crm.{} WHERE {} ORDER BY hashint8(id) LIMIT 5000"
_CARDS = {
    "lead": _SOME_IDS.format("lead", "merged_into IS NULL"),
    "contact": _SOME_IDS.format("contact", "NOT is_organization"),
    "company": _SOME_IDS.format("contact", "is_organization"),
    "deal": _SOME_IDS.format("deal", "archived_at IS NULL"),
}


def _rest(leads: int, conn: Connection) -> None:
    """Add contacts, companies and deals to so many leads."""
    sizes = {"leads": leads, "contacts": leads // 5, "companies": leads // 25}
    for statement in _MORE:
        conn.execute(text(statement), sizes)


def drawn(database: Database, leads: int, kind: str, rng: random.Random) -> str:
    """Return a text that some record has, or none."""
    with database.engine.begin() as conn:
        row = conn.execute(text(_SOME), {"id": rng.randint(1, leads)}).one()
    return {
        "whole name": f"{row.first_name} {row.last_name}",
        "last name": row.last_name,
        "part of a name": row.last_name[1:5],
        "company": row.organization_name,
        "e-mail": row.email,
        "begin of an e-mail": row.email.split("@")[0],
        "phone": "0" + row.phone.removeprefix("+33"),
        "nobody": f"qx{rng.randint(1, 10**6)}zj",
    }[kind]


def measure(database: Database, leads: int, rounds: int) -> None:
    """Print a line a kind of search, and what all of them come to."""
    rng = random.Random("find")
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for turn in range(-2, rounds):  # the first two rounds only warm
        for kind in KINDS:
            said = drawn(database, leads, kind, rng)
            started = time.perf_counter()
            with database.engine.begin() as conn:
                found = reading.find(Context(conn, member_named(conn, WHO), CLOCK), said)
            passed = time.perf_counter() - started
            if bool(found.items) is (kind == "nobody"):
                raise SystemExit(f"{kind}: {said!r} found {found.items}")
            if turn >= 0:
                times[kind].append(passed)
    _print("search", times)


def measure_cards(database: Database, rounds: int) -> None:
    """Print a line a kind of card: `hub lead show` and the others, without sources."""
    rng = random.Random("card")
    with database.engine.begin() as conn:
        ids = {kind: list(conn.execute(text(asked)).scalars()) for kind, asked in _CARDS.items()}
    times: dict[str, list[float]] = {kind: [] for kind in ids}
    for turn in range(-2, rounds):
        for kind, known in ids.items():
            name = str(rng.choice(known))
            started = time.perf_counter()
            with database.engine.begin() as conn:
                reading.show(Context(conn, member_named(conn, WHO), CLOCK), kind, name)
            if turn >= 0:
                times[kind].append(time.perf_counter() - started)
    _print("card", times)


def _print(what: str, times: Mapping[str, Sequence[float]]) -> None:
    print(f"{what:20} {'p50':>8} {'p95':>8}  ms")
    for kind, own in times.items():
        print(f"{kind:20} {statistics.median(own) * 1000:8.1f} {p95(own) * 1000:8.1f}")
    every = [one for own in times.values() for one in own]
    print(f"{'all':20} {statistics.median(every) * 1000:8.1f} {p95(every) * 1000:8.1f}")


def main() -> None:
    """Fill the database once, then search."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--home", type=Path)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        home = chosen.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home.mkdir(exist_ok=True)
        embedded = EmbeddedServer(home, SystemClock())
        server = embedded.attach()
        stack.callback(embedded.detach)
        with db_engine.opened_embedded(server):
            pass
        opened = stack.enter_context(
            filled(server, f"find_{chosen.leads}", chosen.leads, partial(_rest, chosen.leads))
        )
        measure(opened.database, chosen.leads, chosen.rounds)  # type: ignore[attr-defined]
        measure_cards(opened.database, chosen.rounds)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
