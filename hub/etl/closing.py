"""Close batches: add up the ledger, and end batches with nothing left in a queue.

A sync is closed by its own run. An interrupted batch and a live batch are closed here, when their
work is done. Each closed read leaves a report of the stage `proof`, and so does any batch that does not
add up. The transaction that closes a batch writes the alerts too. Not here: the proof of a run
(`hub.etl.proof`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.db.transactions import ask, run_transaction
from hub.etl import alerts, relations
from hub.etl.context import Hub
from hub.etl.load import load_pending
from hub.etl.notify import deliver_alerts
from hub.logs import get_logger
from hub.model.records import JsonValue
from hub.records import batches, ledger, proofs, stage_reports
from hub.records.batches import Batch
from hub.records.ledger import StreamLedger

log = get_logger()


def finish_interrupted(hub: Hub, source: str) -> None:
    """Close interrupted batches of repeated mapping that have nothing left in a queue.

    Call under the source's lock: then no other process works on such a batch.
    """
    with hub.engine.begin() as conn:
        left = batches.interrupted(conn, source)
    for batch in left:
        end_waiting(hub, batch)
    with hub.engine.begin() as conn:
        still = batches.lock_open(conn, [batch.id for batch in left])
        settled = [batch for batch in still if proofs.is_drained(conn, batch.id)]
        is_bad = [not _holds(_close(conn, batch)) for batch in settled]
        if any(is_bad):
            alerts.after_fault(conn, hub, source)
    if any(is_bad):
        deliver_alerts(hub)


def close_live(hub: Hub) -> list[Batch]:
    """Close live batches that are over a minute old and have nothing left in a queue.

    Any number of processes may call this. The transaction that closes a batch has locked it before it looks
    whether the batch is settled: so one process closes it, and no record comes in meanwhile.
    """
    now = hub.clock.now()
    due = ask(hub.engine, lambda conn: batches.due_live(conn, now))
    if not due:
        return []
    for batch in due:
        end_waiting(hub, batch)
    with hub.engine.begin() as conn:
        locked = batches.due_live(conn, now)
        done = [batch for batch in locked if proofs.is_drained(conn, batch.id)]
        bad = {batch.source for batch in done if not _holds(_close(conn, batch))}
        for source in sorted(bad):  # in this order, so that no two processes wait for each other
            alerts.after_fault(conn, hub, source)
    if bad:
        deliver_alerts(hub)
    return done


def end_waiting(hub: Hub, batch: Batch) -> int:
    """Reject the records of a batch that name an object which never arrived; returns how many.

    They are loaded again before, because a load that ran beside may have missed the object. People and
    companies that name such an object are folded again with them, so that nothing is left in a queue.
    """
    if not ask(hub.engine, lambda conn: relations.waits(conn, batch.id)):
        return 0
    run_transaction(hub.engine, relations.wake_all)
    load_pending(hub)
    return run_transaction(hub.engine, lambda conn: relations.reject(conn, batch.id))


def finish(hub: Hub, batch: Batch) -> list[StreamLedger]:
    """Add up the batch and close it: done if every record has a verdict, else failed.

    A batch that another process has closed meanwhile is only added up.
    """
    end_waiting(hub, batch)
    with hub.engine.begin() as conn:
        if not batches.lock_open(conn, [batch.id]):
            return ledger.of_batch(conn, batch.id)
        ledgers = _close(conn, batch, in_dagster=hub.in_dagster)
        if batch.kind in batches.READS:
            alerts.after_read(conn, hub, batch.source)
        elif not _holds(ledgers):
            alerts.after_fault(conn, hub, batch.source)
    deliver_alerts(hub)
    return ledgers


def _holds(ledgers: Sequence[StreamLedger]) -> bool:
    return all(entry.holds for entry in ledgers)


def _close(conn: Connection, batch: Batch, *, in_dagster: bool = False) -> list[StreamLedger]:
    ledgers = ledger.of_batch(conn, batch.id)
    ok = _holds(ledgers)
    batches.close_batch(
        conn, batch.id, ledger_json=[ledger_json(entry) for entry in ledgers], ok=ok
    )
    if batch.kind in batches.READS or not ok:
        _report(conn, batch, ledgers, in_dagster=in_dagster)
    for entry in ledgers:
        is_broken = entry.lost_n or entry.shortage  # a fault has a message of its own
        say, event = (log.error, "ledger_broken") if is_broken else (log.info, "ledger_added_up")
        say(
            event,
            source=entry.source,
            stream=entry.stream,
            counted=entry.counted,
            seen=entry.seen,
            lost=entry.lost_n,
        )
    return ledgers


def _report(
    conn: Connection, batch: Batch, ledgers: Sequence[StreamLedger], *, in_dagster: bool
) -> None:
    counts = {
        "seen": sum(entry.seen for entry in ledgers),
        "lost": sum(entry.lost_n for entry in ledgers),
        "missing": sum(entry.missing_n for entry in ledgers),
    }
    stage_reports.report_stage(
        conn,
        "proof",
        counts,
        seconds=0,
        batch_id=batch.id,
        source=batch.source,
        in_dagster=in_dagster,
    )


def ledger_json(entry: StreamLedger) -> dict[str, JsonValue]:
    """Return a ledger as it is kept with its batch and shown by `--json`."""
    return {
        "source": entry.source,
        "stream": entry.stream,
        "counted": entry.counted,
        "seen": entry.seen,
        "verdicts": dict(entry.verdicts),
        "lost": list(entry.lost),
        "lost_n": entry.lost_n,
        "shortage": dict(entry.shortage),
        "faults": [fault.to_json() for fault in entry.faults],
        "recovered": entry.recovered_n,
        "holds": entry.holds,
    }
