"""Run the stages over a migration's records: once over a copy, once over the hub's own database."""

from collections.abc import Callable

from hub.etl import flow
from hub.etl.context import Hub
from hub.etl.waiting import unfinished_n
from hub.records.batches import Batch

Say = Callable[[str], None]
"""Told which stage begins."""
_ROUNDS = 20


def run_quietly(hub: Hub, batch: Batch, say: Say = lambda _: None) -> None:
    """Map, match, load and route the records of a batch; nothing is sent to anyone.

    Ends when nothing of the batch is left in a queue, or after a round without progress.
    """
    left = _left(hub, batch)
    for _ in range(_ROUNDS):
        flow.run_to_owner(hub, say)
        now = _left(hub, batch)
        if not now or now >= left > 0:
            return
        left = now


def _left(hub: Hub, batch: Batch) -> int:
    with hub.engine.begin() as conn:
        return unfinished_n(conn, batch.id)
