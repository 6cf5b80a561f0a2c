"""The proof of one source in one run: does every record have a verdict, and which are missing.

The evidence is in the database: the batches that the run opened or continued, their notes, and
their records in the queues. Without evidence there is no proof. Batches of other runs do not count.
Not here: how a run fails (`hub.assets`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub.etl.closing import finish
from hub.etl.contain import is_paused, once_each
from hub.etl.context import Hub
from hub.etl.flow import faults_of
from hub.etl.waiting import waiting_n
from hub.model.faults import Fault, FaultKind
from hub.records import batches, ledger, proofs
from hub.records.ledger import StreamLedger

QUARANTINE_LIMIT = 0.05  # share of rejected records above which a run fails
_NEXT = "the next sync reads this window again"


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence of a run's own batches of a source.

    Args:
        source: the source.
        batches_n: how many batches there are; without one there is no proof.
        ledgers: one for each stream.
        faults: parts that could not be read.
        left: records of these batches that are left in a queue, by stage.
    """

    source: str
    batches_n: int
    ledgers: Sequence[StreamLedger] = ()
    faults: Sequence[Fault] = ()
    left: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_paused(self) -> bool:
        """Whether a used-up quota is the only fault of the source."""
        return is_paused(self.faults)

    @property
    def rejected_share(self) -> float:
        """The share of records that the mappings refused."""
        rejected = sum(entry.verdicts.get("rejected", 0) for entry in self.ledgers)
        return rejected / max(1, sum(entry.seen for entry in self.ledgers))

    @property
    def needs_operator(self) -> bool:
        """Whether the operator must act before the next run can succeed."""
        return any(fault.kind is FaultKind.OPERATOR for fault in self.faults)

    def sentences(self) -> list[str]:
        """Return a sentence for each fault, the operator's first; none if the source is proved."""
        if not self.batches_n:
            what = f"{self.source}: this run has read nothing of it, so nothing is proved"
            return [f"{what}; run the job sync_{self.source}"]
        if self.is_paused:
            return []
        faults = sorted(
            once_each(self.faults), key=lambda fault: fault.kind is not FaultKind.OPERATOR
        )
        told = [fault.sentence for fault in faults]
        for entry in self.ledgers:
            told += _broken(entry)
        waiting = [f"{n} for {stage}" for stage, n in self.left.items() if n]
        if waiting:
            told.append(f"{self.source}: records of this batch still wait: {', '.join(waiting)}")
        if self.rejected_share > QUARANTINE_LIMIT:
            share = f"{self.rejected_share:.0%}"
            told.append(f"{self.source}: {share} of the records are refused; hub quarantine list")
        return told


def _broken(entry: StreamLedger) -> list[str]:
    """Return what does not add up in a stream: a range of hidden records, ids of lost ones."""
    name = f"{entry.source}/{entry.stream}"
    told = []
    if entry.shortage:
        told.append(
            f"{name}: the source counted {entry.counted}, handed out {entry.seen}; missing:"
            f" {entry.shortage['missing']} in {entry.shortage['narrowest']}; {_NEXT}"
        )
    if entry.lost_n:
        ids = ", ".join(entry.lost)
        told.append(f"{name}: {entry.lost_n} records have no verdict: {ids}; hub sync --full")
    return told


def prove(hub: Hub, source: str, run_ids: Sequence[str]) -> Proof:
    """Close the batches of a run and return their proof.

    Args:
        hub: the hub.
        source: the source.
        run_ids: the run, then the run that it repeats; the first with batches counts.
    """
    found: list[tuple[batches.Batch, str]] = []
    with hub.engine.begin() as conn:
        for run_id in run_ids:
            found = found or proofs.of_run(conn, source, run_id)
    ledgers: list[StreamLedger] = []
    faults: list[Fault] = []
    left: dict[str, int] = {}
    for batch, state in found:
        told = faults_of(hub, batch)
        faults += told
        with hub.engine.begin() as conn:
            for stage, n in waiting_n(conn, batch.id).items():
                left[stage] = left.get(stage, 0) + n
            ledgers += [] if state == "running" else ledger.of_batch(conn, batch.id)
        if state == "running" and not is_paused(told):
            ledgers += finish(hub, batch)
    return Proof(source, len(found), ledgers, faults, left)
