"""The proof of one source in one run: closes the batches that are complete, and judges them.

The evidence is in the database. Without evidence there is no proof. Batches of other runs do not count.
Not here: what a proof says (`hub.etl.completeness`), and how a run fails (`hub.assets`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.errors import HubError
from hub.etl import alerts
from hub.etl.closing import finish
from hub.etl.completeness import Proof, judge
from hub.etl.context import Hub
from hub.etl.flow import drain
from hub.etl.notify import deliver_alerts
from hub.records import batches, proofs
from hub.records.proofs import Evidence


def prove(hub: Hub, source: str, run_ids: Sequence[str]) -> Proof:
    """Close the batches of a run that are complete, and return their proof.

    Call under the source's lock: no other process works on its batches then.

    Args:
        hub: the hub.
        source: the source.
        run_ids: the run, then the run that it repeats; the first with batches counts.
    """
    found = _of_runs(hub, source, run_ids)
    opened = [one.batch for one in found if one.is_open]
    for batch in opened:
        drain(hub, batch)
    names = _streams(hub, source) if opened else ()
    with hub.engine.begin() as conn:
        for one in found:
            batches.note_run(conn, one.batch.id, run_ids[0])
        proof = judge(conn, source, _of_runs_in(conn, source, run_ids), names)
    if proof.is_complete:
        for batch in opened:
            finish(hub, batch)
    elif proof.unfinished_n and not proof.not_read:  # a part that a user reads by hand is no fault
        with hub.engine.begin() as conn:
            alerts.unclosed(conn, hub, [source], "records wait", proof.sentences())
        deliver_alerts(hub)
    return proof


def judge_run(hub: Hub, source: str, run_id: str) -> Proof:
    """Return the proof of what a run has read so far; nothing is changed."""
    with hub.engine.begin() as conn:
        return judge(conn, source, proofs.of_run(conn, source, run_id))


def _of_runs(hub: Hub, source: str, run_ids: Sequence[str]) -> list[Evidence]:
    with hub.engine.begin() as conn:
        return _of_runs_in(conn, source, run_ids)


def _of_runs_in(conn: Connection, source: str, run_ids: Sequence[str]) -> list[Evidence]:
    for run_id in run_ids:
        if found := proofs.of_run(conn, source, run_id):
            return found
    return []


def _streams(hub: Hub, source: str) -> list[str]:
    """Return the mapped streams of a source; none where its connector cannot be made, which is a fault."""
    try:
        streams = hub.connector(source).streams()
    except HubError:
        return []
    return [stream.name for stream in streams if f"{source}/{stream.name}" in hub.mappings]
