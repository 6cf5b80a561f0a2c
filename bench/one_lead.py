"""One new lead against a base in PostgreSQL: what matching it takes, and its whole way; p50 and p95.

`python -m bench.one_lead [BASE]`, 1,000,000 records unless BASE says otherwise. The base is loaded into the
hub's own tables on an embedded server in a temporary folder, fsync on: every record has an entity, its
keys and a lead. Then, each some hundred times:

- one record is matched (`match_chunk`), and a hundred at once; rolled back each time
- one lead arrives alone: it is landed, normalised, matched, loaded and routed by the functions of a sync,
  with a commit at every step
"""

import argparse
import json
import logging
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from bench.people import people
from bench.sync_once import hub_of
from hub import logs
from hub.clock import SystemClock
from hub.connectors.base import Page
from hub.db import engine as db_engine
from hub.db.copy import copy_rows
from hub.db.embedded import EmbeddedServer
from hub.db.engine import Database
from hub.etl import flow
from hub.etl.context import Hub
from hub.etl.land import land_page
from hub.etl.match import match_chunk
from hub.matching.employers import outline
from hub.matching.key_hash import hashes
from hub.matching.keys import keys, view
from hub.matching.letters import letters
from hub.matching.model import DEFAULT
from hub.model.records import RawRecord
from hub.model.verdicts import Lane, Op, Trust
from hub.records import batches

BASE = 1_000_000
LEADS = 300
_CHUNK = 50_000
_BATCH, _BATCHES = 100, 40
_WARMING = 10  # one in so many: the first calls fill caches
_STAGED = """
CREATE TEMPORARY TABLE staged (n bigint, canonical jsonb, match_keys bigint[], letters bigint,
  outline bigint) ON COMMIT DROP
"""
_OPEN = """
INSERT INTO ops.batch (kind, source, lane, state) VALUES ('sync', 'bench', 'bulk', 'done') RETURNING id
"""
_RECORDS = (
    """
INSERT INTO landing.raw (batch_id, source, stream, source_id, op, at, version, hash, payload)
SELECT :batch, 'bench', 'rows', n::text, 'upsert', now(), '1', decode(md5(n::text), 'hex'), '{}'
FROM staged ORDER BY n
""",
    """
INSERT INTO ops.source_record (source, stream, source_id, target, role, raw_id, batch_id, lane,
  mapping_version, trust, canonical, canonical_hash, match_keys)
SELECT 'bench', 'rows', s.n::text, 'person', 'lead', r.id, :batch, 'bulk', '1', 'trusted', s.canonical,
  r.hash, s.match_keys
FROM staged s JOIN landing.raw r ON r.batch_id = :batch AND r.source_id = s.n::text ORDER BY s.n
""",
)
_UNMATCHED = "UPDATE ops.source_record SET match_keys = NULL WHERE batch_id = :batch"
_LEADS = (
    """
INSERT INTO landing.head (source, stream, source_id, raw_id, hash, op)
SELECT source, stream, source_id, id, hash, op FROM landing.raw WHERE batch_id = :batch
""",
    """
INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, version, folded_version)
SELECT 'person', id, :batch, 'bulk', 1, 1 FROM ops.source_record WHERE batch_id = :batch ORDER BY id
""",
    """
UPDATE ops.source_record s SET entity_id = e.id, joined_batch_id = s.batch_id
FROM ops.entity e WHERE e.anchor_id = s.id AND e.batch_id = :batch AND s.batch_id = :batch
""",
    """
INSERT INTO ops.match_key (hash, record_id, letters)
SELECT k.hash, r.id, CASE WHEN k.hash & 2 <> 0 THEN NULL WHEN k.hash & 1 <> 0 THEN s.letters ELSE s.outline END
FROM ops.source_record r JOIN staged s ON s.n = r.source_id::bigint, unnest(r.match_keys) k(hash)
WHERE r.batch_id = :batch ORDER BY 1
""",
    """
INSERT INTO crm.lead (entity_id, first_name, last_name, email, phone, organization_name, city, country,
  created_at, lane, batch_id, owner_id)
SELECT entity_id, canonical ->> 'first_name', coalesce(canonical ->> 'last_name', '-'),
  canonical ->> 'email', canonical ->> 'phone', canonical ->> 'organization_name',
  canonical ->> 'city', canonical ->> 'country', now(), 'bulk', :batch,
  (SELECT min(id) FROM crm."user")
FROM ops.source_record WHERE batch_id = :batch ORDER BY id
""",
)
_PROPERTIES = {
    "firstname": "first_name",
    "lastname": "last_name",
    "email": "email",
    "phone": "phone",
    "company": "organization_name",
    "address": "street",
    "city": "city",
    "zip": "postal_code",
    "country": "country",
}
Row = dict[str, Any]


def measure(base: int) -> None:
    """Fill a base and print what one more lead costs."""
    rows = [_values(r) for r in people(61, round((base + 2 * LEADS) / 1.96)).rows]
    filled, matched, arriving = rows[:base], rows[base : base + LEADS], rows[base + LEADS :][:LEADS]
    with _database() as database, tempfile.TemporaryDirectory() as home:
        hub = hub_of(database, "http://127.0.0.1:9", home)
        start = time.perf_counter()
        with database.engine.connect() as conn:
            for first in range(0, base, _CHUNK):
                _store(conn, first, filled[first : first + _CHUNK], with_leads=True)
            ids = _store(conn, base, matched, with_leads=False)
        owner = database.owner_engine().execution_options(isolation_level="AUTOCOMMIT")
        with owner.connect() as conn:
            conn.execute(text("VACUUM ANALYZE"))
        print(f"{base:,} records, keys and leads filled in {time.perf_counter() - start:.0f} s\n")
        print("| | p50 ms | p95 ms | times |\n|---|---|---|---|")
        with database.engine.connect() as conn:
            _show("matched: one", [_match(conn, [i]) for i in ids])
            rng = random.Random(7)
            some = [rng.sample(ids, min(_BATCH, len(ids))) for _ in range(_BATCHES)]
            _show(f"matched: {_BATCH} at once", [_match(conn, s) for s in some])
        ways = [_arrive(hub, n, row) for n, row in enumerate(arriving)]
        for stage in ways[0]:
            _show(f"alone: {stage}", [way[stage] for way in ways])
        _show("alone: the whole way", [sum(way.values()) for way in ways])
        _show(
            "alone: match to route",
            [sum(way[s] for s in ("match", "load", "route")) for way in ways],
        )


@contextmanager
def _database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="hub") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        home.mkdir()
        server = EmbeddedServer(home, SystemClock())
        running = server.attach()
        try:
            with db_engine.opened_embedded(running) as database:
                yield database
        finally:
            server.detach()


def _values(row: Mapping[str, str]) -> Row:
    found: Row = {k: v or None for k, v in row.items()}
    found["organization_name"] = found.pop("company")
    return found


def _store(conn: Connection, first: int, rows: Sequence[Row], *, with_leads: bool) -> list[int]:
    """Store records of a finished batch; returns their ids. Without leads they wait to be matched."""
    batch = conn.execute(text(_OPEN)).scalar_one()
    conn.execute(text(_STAGED))
    copy_rows(
        conn,
        "staged",
        ("n", "canonical", "match_keys", "letters", "outline"),
        [(n, json.dumps(row), *(_found_by(n, row))) for n, row in enumerate(rows, first)],
    )
    statements = (*_RECORDS, *_LEADS) if with_leads else (*_RECORDS, _UNMATCHED)
    for statement in statements:
        conn.execute(text(statement), {"batch": batch})
    found = conn.execute(
        text("SELECT id FROM ops.source_record WHERE batch_id = :batch ORDER BY id"),
        {"batch": batch},
    )
    ids = list(found.scalars())
    conn.commit()
    return ids


def _found_by(n: int, row: Row) -> tuple[list[int], int | None, int | None]:
    """Return the hashes of a record's keys, the letters of its last name, the outline of its employer."""
    one = view(n, str(n), Trust.TRUSTED, row)
    return [*hashes(keys(one))], letters(one), outline(one)


def _match(conn: Connection, records: Sequence[int]) -> float:
    start = time.perf_counter()
    match_chunk(conn, records, DEFAULT)
    seconds = time.perf_counter() - start
    conn.rollback()
    return seconds


def _arrive(hub: Hub, n: int, row: Row) -> dict[str, float]:
    """Take one lead from its page to its owner; returns seconds by stage."""
    source_id, now = str(900_000_000 + n), hub.clock.now()
    stamp = now.isoformat().replace("+00:00", "Z")
    said = {name: row.get(field) for name, field in _PROPERTIES.items()}
    said |= {"hs_object_id": source_id, "lifecyclestage": "lead", "createdate": stamp}
    said |= {"lastmodifieddate": stamp}
    document = {"id": source_id, "properties": said, "createdAt": stamp, "updatedAt": stamp, "archived": False}  # fmt: skip
    record = RawRecord(source_id, Op.UPSERT, now, stamp, json.dumps(document).encode(), None)
    with hub.engine.begin() as conn:
        batch = batches.open_batch(conn, source="hubspot", kind="live", lane=Lane.LIVE.value)
    stream = next(s for s in hub.connector("hubspot").streams() if s.name == "contacts")
    work = {
        "land": lambda: land_page(hub, batch, stream, Page([record], None), move_cursor=False),
        "normalise": lambda: flow.run_normalize(hub),
        "match": lambda: flow.run_match(hub),
        "load": lambda: flow.run_load(hub),
        "route": lambda: flow.run_route(hub),
    }
    taken = {}
    for stage, run in work.items():
        start = time.perf_counter()
        run()
        taken[stage] = time.perf_counter() - start
    return taken


def _show(what: str, seconds: Sequence[float]) -> None:
    ordered = sorted(1000 * s for s in seconds[len(seconds) // _WARMING :])
    p50, p95 = ordered[len(ordered) // 2], ordered[int(0.95 * len(ordered))]
    print(f"| {what} | {p50:.1f} | {p95:.1f} | {len(ordered)} |", flush=True)


def main() -> None:
    """Measure with the base that the command line asks for."""
    logs.configure(json=True, level=logging.WARNING)
    parser = argparse.ArgumentParser(prog="python -m bench.one_lead")
    parser.add_argument("base", nargs="?", type=int, default=BASE)
    measure(parser.parse_args().base)


if __name__ == "__main__":
    main()
