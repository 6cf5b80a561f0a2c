"""The evidence of a proof: the batches that a run opened or continued, and their waiting records.

Reads what `batches` writes. Not here: the proof itself (`hub.etl.proof`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.frozen import dataclass
from hub.records.batches import LIVE, OPEN, REPEATS, Batch

_EVIDENCE = """
SELECT id, kind, source, lane, state, windows, ledger FROM ops.batch WHERE {which} ORDER BY id
"""
_OF_RUN = text(_EVIDENCE.format(which="source = :source AND CAST(:run AS text) = ANY(runs)"))
_OF_BATCH = text(_EVIDENCE.format(which="id = :batch"))
_NEWEST = text(
    _EVIDENCE.format(
        which="""id = (
  SELECT max(id) FROM ops.batch
  WHERE source = :source AND kind IN ('sync', 'migrate') AND state = ANY(:states))"""
    )
)
_FAILED_SINCE = text(
    _EVIDENCE.format(
        which="source = :source AND id > :after AND state = 'failed' AND kind = ANY(:kinds)"
    )
)
_CLOSED = ("done", "failed")
_LEFT = (*_CLOSED, "partial")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a batch holds for its proof: its state, the notes on its windows, its ledger if it is closed."""

    batch: Batch
    state: str
    windows: Mapping[str, Mapping[str, Any]]
    ledger: Any

    @property
    def is_open(self) -> bool:
        """Whether the batch has no ledger yet."""
        return self.state in OPEN

    def has_ended(self, stream: str) -> bool:
        """Tell whether the stream was read to the end of a window."""
        return bool(self.windows.get(stream, {}).get("until"))

    def has_read(self, stream: str) -> bool:
        """Tell whether the stream was read to the end of a window, or has a fault that says why not."""
        return self.has_ended(stream) or bool(self.windows.get(stream, {}).get("faults"))


def of_run(conn: Connection, source: str, run_id: str) -> list[Evidence]:
    """Return the batches of a source that a run opened or took up."""
    return _found(conn.execute(_OF_RUN, {"source": source, "run": run_id}))


def of_batch(conn: Connection, batch_id: int) -> list[Evidence]:
    """Return one batch; none if there is none."""
    return _found(conn.execute(_OF_BATCH, {"batch": batch_id}))


def latest(conn: Connection, source: str) -> list[Evidence]:
    """Return the latest closed read of a source, and none before the first."""
    return _found(conn.execute(_NEWEST, {"source": source, "states": list(_CLOSED)}))


def latest_left(conn: Connection, source: str) -> list[Evidence]:
    """Return the latest read that no process works on: closed, or left partial."""
    return _found(conn.execute(_NEWEST, {"source": source, "states": list(_LEFT)}))


def failed_since(conn: Connection, source: str, after: int) -> list[Evidence]:
    """Return the failed batches of live records and of repeated mapping after a batch of this number."""
    kinds = [LIVE, *REPEATS]
    return _found(conn.execute(_FAILED_SINCE, {"source": source, "after": after, "kinds": kinds}))


def _found(rows: Iterable[Row[Any]]) -> list[Evidence]:
    return [
        Evidence(Batch(row.id, row.kind, row.source, row.lane), row.state, row.windows, row.ledger)
        for row in rows
    ]


_SETTLED = text("""
SELECT NOT EXISTS (SELECT 1 FROM ops.pending WHERE batch_id = :batch)
   AND NOT EXISTS (SELECT 1 FROM ops.entity WHERE batch_id = :batch AND version > folded_version)
   AND NOT EXISTS (
     SELECT 1 FROM ops.verdict v CROSS JOIN LATERAL (
       SELECT 1 FROM ops.source_record s WHERE s.source = v.source AND s.stream = v.stream
         AND s.source_id = v.source_id AND s.batch_id = v.batch_id LIMIT 1) s
     WHERE v.batch_id = :batch AND v.verdict IS NULL)
""")


def is_drained(conn: Connection, batch_id: int) -> bool:
    """Tell whether a batch has no records left to map, to match or to fold.

    An open verdict counts where the object's record is still of this batch: no later stage gives
    one to an object that was lost, or that a later batch has read again.
    """
    return bool(conn.execute(_SETTLED, {"batch": batch_id}).scalar_one())
