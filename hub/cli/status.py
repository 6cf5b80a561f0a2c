"""What `hub status` reads."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from hub.db.engine import Database
from hub.etl import consent_changes, derivations
from hub.etl.drifting import drift_of
from hub.etl.refresh_interval import interval
from hub.etl.waiting import waiting_n
from hub.landing import silent
from hub.mappings.document import MappingDocument
from hub.mappings.loader import load_all
from hub.records import batches, budgets
from hub.records.erasure_key import work_file
from hub.settings import Settings

_DRIFT_SHOWN = 10
# An emulator's clock may run ahead of ours: nothing lags less than not at all.
_STREAMS = text("""
WITH waits AS (
  SELECT r.source, r.stream, count(*) AS n FROM ops.pending p JOIN landing.raw r ON r.id = p.ref
  WHERE p.stage = 'normalize' GROUP BY r.source, r.stream
  UNION ALL
  SELECT s.source, s.stream, count(*) FROM ops.pending p JOIN ops.source_record s ON s.id = p.ref
  WHERE p.stage <> 'normalize' GROUP BY s.source, s.stream
), refused AS (
  SELECT source, stream, count(*) AS n FROM landing.quarantine WHERE resolved_at IS NULL
  GROUP BY source, stream
)
SELECT c.source, c.stream, c.cursor ->> 'watermark' AS watermark, c.updated_at,
       CAST(greatest(0, EXTRACT(EPOCH FROM now() - CAST(c.cursor ->> 'watermark' AS timestamptz)))
         AS float8) AS lag_s,
       (SELECT count(*) FROM landing.head h WHERE h.source = c.source AND h.stream = c.stream)
         AS landed,
       coalesce((SELECT sum(n) FROM waits w WHERE w.source = c.source AND w.stream = c.stream), 0)
         AS pending,
       coalesce((SELECT n FROM refused q WHERE q.source = c.source AND q.stream = c.stream), 0)
         AS quarantine
FROM landing.checkpoint c WHERE c.slice = '' ORDER BY c.source, c.stream
""")
_NUMBERS = text("""
SELECT (SELECT count(*) FROM landing.quarantine WHERE resolved_at IS NULL) AS quarantine,
       (SELECT count(*) FROM ops.review WHERE decided_at IS NULL)
         + (SELECT count(*) FROM (SELECT 1 FROM ops.company_question GROUP BY name
                                  HAVING count(*) > 1) q) AS review,
       (SELECT count(*) FROM ops.outbox WHERE state = 'pending') AS outbox_pending,
       (SELECT count(*) FROM ops.outbox WHERE state = 'dead') AS outbox_dead,
       (SELECT count(*) FROM crm.lead WHERE merged_into IS NULL AND archived_at IS NULL) AS leads
""")
_BATCHES = text("""
SELECT id, source, kind, lane, state, started_at, finished_at FROM ops.batch
ORDER BY id DESC LIMIT 10
""")


def read_status(database: Database, settings: Settings) -> dict[str, Any]:
    """Return sources, queues, numbers, derivations and the latest batches."""
    mappings = load_all(Path(settings.mappings_dir) if settings.mappings_dir else None)
    with database.engine.begin() as conn:
        return {
            "home": str(settings.home),
            "streams": [
                {**row, "pending": int(row["pending"])} for row in conn.execute(_STREAMS).mappings()
            ],
            "pending": waiting_n(conn),
            **dict(conn.execute(_NUMBERS).mappings().one()),
            "budgets": budgets.all_rows(conn),
            "silent": _silent(conn, settings),
            **_drift(conn, mappings),
            "opt_outs_held": len(consent_changes.held(conn)),
            "derivations": [asdict(one) for one in derivations.stale(conn, mappings)],
            "undoing": batches.half_undone(conn),
            "erase_under_way": work_file(settings.home).exists(),
            "batches": [dict(row) for row in conn.execute(_BATCHES).mappings()],
        }


def _silent(conn: Connection, settings: Settings) -> list[dict[str, Any]]:
    """Return the values that change without the record's time, and when each was last read."""
    return [
        {
            "source": source,
            "stream": stream,
            "field": key,
            "read_at": one.at,
            "every_s": interval(settings, source, often=one.often).total_seconds(),
            "compared": one.compared,
            "changed": one.changed,
            "under_way": state.walk is not None and key in state.walk.keys,
        }
        for (source, stream), state in silent.read_all(conn).items()
        for key, one in sorted(state.fields.items())
    ]


def _drift(conn: Connection, mappings: Mapping[str, MappingDocument]) -> dict[str, Any]:
    """Return `drift` with suggestions, `placeholders`, `vanished` fields and `fill` rates by stream."""
    found = {name: drift_of(conn, document) for name, document in mappings.items()}
    unknown = [d for one in found.values() for d in one.unknown]
    placeholders = [d for one in found.values() for d in one.placeholders]
    return {
        "placeholders": sorted(placeholders, key=lambda d: -d["n"])[:_DRIFT_SHOWN],
        "drift": sorted(unknown, key=lambda d: -d["n"])[:_DRIFT_SHOWN],
        "vanished": {name: dict(one.vanished) for name, one in found.items() if one.vanished},
        "fill": {name: dict(one.fill) for name, one in found.items() if one.fill},
    }
