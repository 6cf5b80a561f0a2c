"""The evidence of a proof: the batches that a run opened or continued, and their waiting records.

Reads what `batches` writes. Not here: the proof itself (`hub.etl.proof`).
"""

from sqlalchemy import Connection, text

from hub.records.batches import Batch

_OF_RUN = text("""
SELECT id, kind, source, lane, state FROM ops.batch
WHERE source = :source AND CAST(:run AS text) = ANY(runs) ORDER BY id
""")


def of_run(conn: Connection, source: str, run_id: str) -> list[tuple[Batch, str]]:
    """Return the batches of a source that a run opened or took up, each with its state."""
    rows = conn.execute(_OF_RUN, {"source": source, "run": run_id})
    return [(Batch(row.id, row.kind, row.source, row.lane), row.state) for row in rows]


_SETTLED = text("""
SELECT NOT EXISTS (SELECT 1 FROM ops.pending WHERE batch_id = :batch)
   AND NOT EXISTS (SELECT 1 FROM ops.entity WHERE batch_id = :batch AND version > folded_version)
   AND NOT EXISTS (
     SELECT 1 FROM ops.verdict v CROSS JOIN LATERAL (
       SELECT 1 FROM ops.source_record s WHERE s.source = v.source AND s.stream = v.stream
         AND s.source_id = v.source_id AND s.batch_id = v.batch_id LIMIT 1) s
     WHERE v.batch_id = :batch AND v.verdict IS NULL)
""")


def is_settled(conn: Connection, batch_id: int) -> bool:
    """Tell whether a batch has no records left to map, to match or to fold.

    An open verdict counts where the object's record is still of this batch: no later stage gives
    one to an object that was lost, or that a later batch has brought again.
    """
    return bool(conn.execute(_SETTLED, {"batch": batch_id}).scalar_one())
