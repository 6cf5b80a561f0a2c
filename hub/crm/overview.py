"""The counts that the status shows: of streams, of what waits for a person, of notifications, of batches.

Reads only. In: an open connection. Out: rows. Not here: what the status is (`hub.views.status`).
"""

from typing import Any

from sqlalchemy import Connection, text

# An emulator's clock may run ahead of the hub's: nothing lags less than not at all.
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
       CAST(coalesce((SELECT sum(n) FROM waits w WHERE w.source = c.source AND w.stream = c.stream),
         0) AS bigint) AS pending,
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
ORDER BY id DESC LIMIT :limit
""")


def streams(conn: Connection) -> list[dict[str, Any]]:
    """Return each stream with its cursor, and how many records landed, wait, and are in quarantine."""
    return [dict(row) for row in conn.execute(_STREAMS).mappings()]


def numbers(conn: Connection) -> dict[str, int]:
    """Return `quarantine`, `review`, `outbox_pending`, `outbox_dead` and `leads`."""
    return dict(conn.execute(_NUMBERS).mappings().one())


def batches(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the newest batches, the newest first."""
    return [dict(row) for row in conn.execute(_BATCHES, {"limit": limit}).mappings()]
