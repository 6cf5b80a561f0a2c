"""The ledger of a batch: the proof that every object the source counts has a verdict.

In: a batch's verdicts, and the notes on its windows. Out: one sum for each stream.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Self

from sqlalchemy import Connection, select, text

from hub.frozen import dataclass
from hub.model.faults import Fault, faults_of
from hub.model.records import JsonValue
from hub.records.batch_tables import batch


@dataclass(frozen=True, slots=True)
class StreamLedger:
    """One stream's sum: `counted` by the source (None: it cannot), `seen` by us, and verdicts.

    `lost` are ids that were read and have neither a verdict nor a place in a queue. `shortage` is set
    if the source still counts more records than it returned, after a second read. `faults` name parts
    that could not be read; stream "" is the whole source. `recovered_n` objects are new, and their webhook
    has missed them.
    """

    source: str
    stream: str
    counted: int | None
    seen: int
    verdicts: Mapping[str, int]
    lost: Sequence[str] = ()
    lost_n: int = 0
    shortage: Mapping[str, JsonValue] = field(default_factory=dict)
    faults: Sequence[Fault] = ()
    recovered_n: int = 0

    @property
    def holds(self) -> bool:
        """Whether every record that the source counts has a verdict."""
        return not self.lost_n and not self.shortage and not self.faults

    @property
    def total(self) -> int:
        """Return how many objects have a verdict."""
        return sum(self.verdicts.values())

    @property
    def gone(self) -> int:
        """Return how many objects are deleted or merged at the source, so that it does not count them."""
        return self.total + self.lost_n - self.seen

    @property
    def missing_n(self) -> int:
        """Return how many records the source counted and did not return."""
        missing = self.shortage.get("missing", 0)
        return missing if isinstance(missing, int) else 0

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return a ledger as it was kept with its batch."""
        return cls(
            kept["source"],
            kept["stream"],
            kept.get("counted"),
            kept.get("seen", 0),
            kept.get("verdicts") or {},
            kept.get("lost") or (),
            kept.get("lost_n", 0),
            kept.get("shortage") or {},
            faults_of(kept.get("faults")),
            kept.get("recovered", 0),
        )


_COUNTS = text("""
SELECT source, stream, verdict, count(*) AS n, count(*) FILTER (WHERE is_live) AS live
FROM ops.verdict WHERE batch_id = :batch GROUP BY source, stream, verdict
""")

_LOST = text("""
SELECT v.source_id FROM ops.verdict v
WHERE v.batch_id = :batch AND v.source = :source AND v.stream = :stream AND v.verdict IS NULL
ORDER BY v.source_id LIMIT 20
""")


def of_batch(conn: Connection, batch_id: int) -> list[StreamLedger]:
    """Add up a batch, stream by stream; call when its stages have run."""
    windows = conn.execute(
        select(batch.c.windows, batch.c.source).where(batch.c.id == batch_id)
    ).one()
    scope = {"batch": batch_id, "source": windows.source}
    by_stream: dict[str, dict[str, int]] = {}
    seen_n: dict[str, int] = {}
    open_n: dict[str, int] = {}
    for row in conn.execute(_COUNTS, {"batch": batch_id}):
        seen_n[row.stream] = seen_n.get(row.stream, 0) + row.live
        if row.verdict is None:
            open_n[row.stream] = open_n.get(row.stream, 0) + row.n
        else:
            counts = by_stream.setdefault(row.stream, {})
            counts[row.verdict] = counts.get(row.verdict, 0) + row.n
    ledgers = []
    for stream in sorted({*windows.windows, *seen_n}):
        note = windows.windows.get(stream, {})
        if not stream and not note.get("faults"):
            continue  # the source itself: only its faults are of interest
        lost_n = open_n.get(stream, 0)
        lost = list(conn.execute(_LOST, {**scope, "stream": stream}).scalars()) if lost_n else []
        ledgers.append(
            StreamLedger(
                windows.source,
                stream,
                note.get("counted"),
                seen_n.get(stream, 0),
                by_stream.get(stream, {}),
                lost,
                lost_n,
                note.get("shortage") or {},
                faults_of(note.get("faults")),
                note.get("recovered", 0),
            )
        )
    return ledgers
