"""One new lead against a base in PostgreSQL: candidate look-up, scoring, decision; p50 and p95.

The base is loaded into the hub's own tables on an embedded server in a temporary folder. Two
figures: reading and deciding alone, and the whole `match_chunk` of one record, which also stores keys
and edges and settles the person (rolled back each time).
"""

import json
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
from hub.matching.keys import keys, limit, view
from hub.matching.model import DEFAULT
from hub.matching.scoring import worth
from hub.model.verdicts import Trust
from hub.pipeline.match import match_chunk
from hub.records import identity

_LEADS = 300
_CHUNK = 50_000
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


def _values(row: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {k: v or None for k, v in row.items()}
    found["organization_name"] = found.pop("company")
    return found


def measure(base: int) -> None:
    """Load so many records, then match held-out ones, one at a time."""
    rows = [_values(r) for r in people(61, round((base + _LEADS) / 1.96)).rows][: base + _LEADS]
    with tempfile.TemporaryDirectory(prefix="hub") as folder:
        Path(folder).chmod(0o755)  # noqa: S103 - the server runs as another user
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
                _show(
                    "look-up, scoring, decision",
                    [_read(conn, n, rows[-_LEADS + n]) for n in range(_LEADS)],
                )
                _show("the same, stored and settled", [_whole(conn, i) for i in ids])
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
        with driver.cursor().copy("COPY ops.match_key (record_id, kind, value) FROM STDIN") as copy:
            for record, n in found:
                for kind, value in set(keys(view(record, str(n), Trust.TRUSTED, rows[n - first]))):
                    copy.write_row((record, kind, value))
    conn.commit()
    return [row.id for row in sorted(found, key=lambda r: r.n)]


def _read(conn: Connection, n: int, values: dict[str, Any]) -> float:
    start = time.perf_counter()
    new = view(-1, f"new/{n}", Trust.TRUSTED, values)
    own = keys(new)
    limits = [limit(kind) for kind, _ in own]
    found: defaultdict[int, list[int]] = defaultdict(list)
    for key, record in conn.execute(
        _LOOK_UP, {"kinds": [k for k, _ in own], "values": [v for _, v in own], "limits": limits}
    ):
        found[key].append(record)
    near = {i for key, records in found.items() if len(records) <= limits[key - 1] for i in records}
    stored = identity.load_records(conn, near)
    best = None
    for record in stored.values():
        other = view(record.id, record.stable_key, Trust.TRUSTED, record.values)
        scored = worth(new, other, DEFAULT)
        if scored is not None and (best is None or scored.weight > best.weight):
            best = scored
    seconds = time.perf_counter() - start
    conn.rollback()
    return seconds


def _whole(conn: Connection, record: int) -> float:
    start = time.perf_counter()
    match_chunk(conn, [record], DEFAULT)
    seconds = time.perf_counter() - start
    conn.rollback()
    return seconds


def _show(what: str, seconds: Sequence[float]) -> None:
    ordered = sorted(1000 * s for s in seconds[20:])  # the first ones warm the cache
    p50, p95 = ordered[len(ordered) // 2], ordered[int(0.95 * len(ordered))]
    print(f"{what:30} p50 {p50:7.2f} ms  p95 {p95:7.2f} ms  ({len(ordered)} leads)", flush=True)
