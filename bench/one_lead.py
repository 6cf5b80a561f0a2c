"""One new lead against a base in PostgreSQL: candidate look-up, scoring, decision; p50 and p95.

The base is loaded into the hub's own tables on an embedded server in a temporary folder. Two
figures: reading and deciding alone, and the whole `match_chunk` of one record, which also stores keys
and edges and settles the person (rolled back each time); then both for micro-batches of a hundred.
"""

import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from bench.people import people
from hub.clock import SystemClock
from hub.db import engine as db_engine
from hub.db.embedded import EmbeddedServer
from hub.etl.match import match_chunk
from hub.matching.keys import keys, limit, view
from hub.matching.model import DEFAULT
from hub.matching.scoring import Scored, worth
from hub.model.verdicts import Trust
from hub.records import identity

_LEADS = 300
_CHUNK = 50_000
_BATCH = 100
_BATCHES = 40
_LOOK_UP = text("""
SELECT k.n, m.record_id FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[]), CAST(:limits AS int[]))
  WITH ORDINALITY AS k(kind, value, most, n)
CROSS JOIN LATERAL (SELECT record_id FROM ops.match_key m WHERE m.kind = k.kind AND m.value = k.value
                    LIMIT k.most + 1) m
""")
_STORE = """
CREATE TEMPORARY TABLE staged (n bigint, canonical jsonb) ON COMMIT DROP
"""
_LOAD = (
    "INSERT INTO landing.raw (batch_id, source, stream, source_id, op, at, version, hash, payload) "
    "SELECT :batch, 'bench', 'rows', n::text, 'upsert', now(), '1', decode(md5(n::text), 'hex'), '{}' FROM staged",
    "INSERT INTO ops.source_record (source, stream, source_id, target, raw_id, batch_id, lane, mapping_version, trust, canonical, canonical_hash) "
    "SELECT 'bench', 'rows', s.n::text, 'person', r.id, :batch, 'bulk', '1', 'trusted', s.canonical, r.hash "
    "FROM staged s JOIN landing.raw r ON r.batch_id = :batch AND r.source_id = s.n::text",
)  # fmt: skip

_PERSONS = (
    "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, version, folded_version) "
    "SELECT 'person', id, :batch, 'bulk', 1, 1 FROM ops.source_record WHERE batch_id = :batch ORDER BY id",
    "UPDATE ops.source_record s SET entity_id = e.id FROM ops.entity e WHERE e.anchor_id = s.id AND e.batch_id = :batch AND s.batch_id = :batch",
)  # fmt: skip


def _values(row: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {k: v or None for k, v in row.items()}
    found["organization_name"] = found.pop("company")
    return found


def measure(base: int) -> None:
    """Load so many records, then match held-out ones, one at a time."""
    rows = [_values(r) for r in people(61, round((base + _LEADS) / 1.96)).rows][: base + _LEADS]
    with tempfile.TemporaryDirectory(prefix="hub") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        home.mkdir()
        server = EmbeddedServer(home, SystemClock())
        running = server.attach()
        try:
            with db_engine.opened_embedded(running) as database, database.engine.connect() as conn:
                start = time.perf_counter()
                ids = _fill(conn, rows[:-_LEADS], rows[-_LEADS:])
                print(
                    f"{len(rows) - _LEADS} records and their keys loaded in {time.perf_counter() - start:.0f} s"
                )
                new = rows[-_LEADS:]
                _show("look-up, scoring, decision", [_read(conn, [row]) for row in new])
                _show("the same, stored and settled", [_whole(conn, [i]) for i in ids])
                rng = random.Random(7)
                batches = [rng.sample(range(_LEADS), _BATCH) for _ in range(_BATCHES)]
                _show(
                    f"{_BATCH}: look-up, scoring",
                    [_read(conn, [new[n] for n in b]) for b in batches],
                )
                _show(
                    f"{_BATCH}: stored and settled",
                    [_whole(conn, [ids[n] for n in b]) for b in batches],
                )
        finally:
            server.detach()


def _fill(
    conn: Connection, base: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]
) -> list[int]:
    """Load the base with its keys, and the new records without; return the latter's ids."""
    for start in range(0, len(base), _CHUNK):
        _store(conn, start, base[start : start + _CHUNK], with_keys=True)
    ids = _store(conn, len(base), new, with_keys=False)
    conn.execute(text("ANALYZE ops.match_key"))
    conn.execute(text("ANALYZE ops.source_record"))
    conn.execute(text("ANALYZE ops.entity"))
    conn.commit()
    return ids


def _store(
    conn: Connection, first: int, rows: Sequence[dict[str, Any]], *, with_keys: bool
) -> list[int]:
    batch = conn.execute(
        text("INSERT INTO ops.batch (kind, source, lane, state) VALUES ('sync', 'bench', 'bulk', 'done') RETURNING id")
    ).scalar_one()  # fmt: skip
    conn.execute(text(_STORE))
    driver: Any = conn.connection.driver_connection
    with driver.cursor().copy("COPY staged FROM STDIN") as copy:
        for n, row in enumerate(rows, first):
            copy.write_row((n, json.dumps(row)))
    for statement in _LOAD:
        conn.execute(text(statement), {"batch": batch})
    found = conn.execute(
        text("SELECT id, source_id::bigint AS n FROM ops.source_record WHERE batch_id = :batch ORDER BY id"),
        {"batch": batch},
    ).all()  # fmt: skip
    if with_keys:
        for statement in _PERSONS:
            conn.execute(text(statement), {"batch": batch})
        with driver.cursor().copy("COPY ops.match_key (record_id, kind, value) FROM STDIN") as copy:
            for record, n in found:
                for kind, value in set(keys(view(record, str(n), Trust.TRUSTED, rows[n - first]))):
                    copy.write_row((record, kind, value))
    conn.commit()
    return [row.id for row in sorted(found, key=lambda r: r.n)]


def _read(conn: Connection, rows: Sequence[dict[str, Any]]) -> float:
    start = time.perf_counter()
    new = [view(-1 - n, f"new/{n}", Trust.TRUSTED, row) for n, row in enumerate(rows)]
    own = [(n, key) for n, v in enumerate(new) for key in keys(v)]
    limits = [limit(kind) for _, (kind, _) in own]
    found: defaultdict[int, list[int]] = defaultdict(list)
    for place, record in conn.execute(
        _LOOK_UP,
        {"kinds": [k for _, (k, _) in own], "values": [v for _, (_, v) in own], "limits": limits},
    ):
        found[place - 1].append(record)
    pairs = {(own[p][0], i) for p, near in found.items() if len(near) <= limits[p] for i in near}
    stored = identity.load_records(conn, {i for _, i in pairs})
    others = {
        i: view(i, record.stable_key, Trust.TRUSTED, record.values) for i, record in stored.items()
    }
    best: dict[int, Scored] = {}
    for n, i in sorted(pairs):
        scored = worth(new[n], others[i], DEFAULT)
        if scored is not None and (n not in best or scored.weight > best[n].weight):
            best[n] = scored
    seconds = time.perf_counter() - start
    conn.rollback()
    return seconds


def _whole(conn: Connection, records: Sequence[int]) -> float:
    start = time.perf_counter()
    match_chunk(conn, records, DEFAULT)
    seconds = time.perf_counter() - start
    conn.rollback()
    return seconds


def _show(what: str, seconds: Sequence[float]) -> None:
    ordered = sorted(
        1000 * s for s in seconds[len(seconds) // 10 :]
    )  # the first ones warm the cache
    p50, p95 = ordered[len(ordered) // 2], ordered[int(0.95 * len(ordered))]
    print(f"{what:30} p50 {p50:7.2f} ms  p95 {p95:7.2f} ms  ({len(ordered)} times)", flush=True)
