"""The state of a stream after a read: counts, lag, and the budget that its account has left.

In: the batch's notes, the cursor, the account's budget. Nothing is changed.
"""

from dataclasses import dataclass
from datetime import datetime

from hub.etl.budget import account_of
from hub.etl.context import Hub
from hub.landing import store
from hub.model.faults import Fault, faults_of
from hub.records import batches, budgets
from hub.records.batches import Batch


@dataclass(frozen=True, slots=True)
class StreamState:
    """A stream after a read.

    Args:
        counted: records that the source counts in the window; None: it cannot count.
        missing_n: records that it counted and did not return.
        narrowest: the narrowest range of the missing records, `from .. to`; "" without one.
        faults: parts that could not be read.
        lag_s: seconds between now and the cursor, in the source's time; None without a cursor.
        budget_left: requests that the account has left today; None if the vendor has no daily quota.
        recovered_n: new objects that the stream's webhook has missed.
    """

    counted: int | None
    missing_n: int
    narrowest: str
    faults: tuple[Fault, ...]
    lag_s: float | None
    budget_left: int | None
    recovered_n: int = 0


def stream_state(hub: Hub, batch: Batch, stream: str) -> StreamState:
    """Return the state of a stream in a batch."""
    block = getattr(hub.settings.sources, batch.source, None)
    with hub.engine.begin() as conn:
        note = batches.window_note(conn, batch.id, stream)
        cursor = store.read_cursor(conn, batch.source, stream) or {}
        day = None if block is None else budgets.day_of(conn, account_of(batch.source, block))
    recovered = note.get("recovered", 0)
    counted, shortage = note.get("counted"), note.get("shortage") or {}
    missing = shortage if isinstance(shortage, dict) else {}
    return StreamState(
        counted=counted if isinstance(counted, int) else None,
        missing_n=int(str(missing.get("missing", 0))),
        narrowest=str(missing.get("narrowest", "")),
        faults=tuple(faults_of(note.get("faults"))),
        lag_s=_lag(hub.clock.now(), cursor.get("watermark")),
        budget_left=None if day is None else max(0, day[1] - day[0]),
        recovered_n=recovered if isinstance(recovered, int) else 0,
    )


def _lag(now: datetime, watermark: object) -> float | None:
    if not isinstance(watermark, str):
        return None
    return max(0.0, (now - datetime.fromisoformat(watermark)).total_seconds())
