"""The proof of batches: whether every record has a verdict, which are missing, and what to do next.

In: the database, with batches, their notes, and their records in the queues. Out: a `Proof`; nothing is
changed. So a run's first event, `hub status` and an alert say the same sentence. Not here: which batches a
run has, how they are closed (`hub.etl.proof`), and who is alerted (`hub.etl.alerts`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import field

from sqlalchemy import Connection

from hub.etl.waiting import waiting_n
from hub.frozen import dataclass
from hub.model.alert_states import Cause
from hub.model.faults import Fault, FaultKind, is_paused, once_each
from hub.records import alert_states, ledger, proofs
from hub.records.ledger import StreamLedger
from hub.records.proofs import Evidence

QUARANTINE_LIMIT = 0.05  # share of rejected records above which a run fails


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence of batches of a source.

    Args:
        source: the source.
        batches_n: how many batches there are; without one there is no proof.
        ledgers: one for each stream.
        left: records of these batches that are left in a queue, by stage.
        not_read: streams of the source that an open batch has not read.
    """

    source: str
    batches_n: int
    ledgers: Sequence[StreamLedger] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    not_read: Sequence[str] = ()

    @property
    def faults(self) -> list[Fault]:
        """Return the parts that could not be read, the operator's first."""
        told = once_each(fault for entry in self.ledgers for fault in entry.faults)
        return sorted(told, key=lambda fault: fault.kind is not FaultKind.OPERATOR)

    @property
    def is_paused(self) -> bool:
        """Whether a used-up quota is the only fault of the source."""
        return is_paused(self.faults)

    @property
    def unfinished_n(self) -> int:
        """Return how many records a stage before route has not finished."""
        return sum(n for stage, n in self.left.items() if stage != "route")

    @property
    def is_complete(self) -> bool:
        """Whether the batches can be closed: all streams were read, and no record waits."""
        return not (self.is_paused or self.not_read or self.unfinished_n)

    @property
    def holds(self) -> bool:
        """Whether every record of the source that was counted or read has a verdict."""
        adds_up = all(entry.holds for entry in self.ledgers)
        return bool(self.batches_n) and not self.not_read and adds_up

    @property
    def seen(self) -> int:
        """Return how many records were read."""
        return sum(entry.seen for entry in self.ledgers)

    @property
    def rejected_share(self) -> float:
        """The share of records that the mappings refused."""
        rejected = sum(entry.verdicts.get("rejected", 0) for entry in self.ledgers)
        return rejected / max(1, self.seen)

    @property
    def needs_operator(self) -> bool:
        """Whether the operator must act before the next run can succeed."""
        return any(fault.kind is FaultKind.OPERATOR for fault in self.faults)

    def sentences(self) -> list[str]:
        """Return a sentence for each fault, the operator's first; none if the source is proved.

        Each says where, what happened, and what to do next.
        """
        return [cause.sentence for cause in self.causes()]

    def causes(self) -> list[Cause]:
        """Return what is wrong, the operator's part first; none if the source is proved."""
        if not self.batches_n:
            what = f"{self.source}: this run has read nothing of it, so nothing is proved"
            return [Cause("nothing read", f"{what}; next: run the job sync_{self.source}")]
        if self.is_paused:
            return []
        return [*self.broken(), *self._unfinished(), *self._refused()]

    def broken(self, stream: str | None = None) -> list[Cause]:
        """Return what could not be read, is hidden or is lost, of a stream or of all."""
        ledgers = [entry for entry in self.ledgers if stream in (None, entry.stream)]
        parts = {fault for entry in ledgers for fault in entry.faults}
        told = [
            Cause(f"{fault.kind} {fault.name}", fault.sentence, fault.kind is FaultKind.BUDGET)
            for fault in self.faults
            if fault in parts
        ]
        for entry in ledgers:
            name = f"{entry.source}/{entry.stream}"
            if entry.shortage:
                told.append(Cause(f"hidden {name}", _hidden(name, entry)))
            if entry.lost_n and not self.unfinished_n:  # a record in a queue is not lost
                ids = f": {', '.join(entry.lost)}" if entry.lost else ""  # empty after an erase
                next_ = f"next: hub sync {entry.source} --full"
                sentence = f"{name}: {entry.lost_n} records have no verdict{ids}; {next_}"
                told.append(Cause(f"lost {name}", sentence))
        return told

    def known(self, stream: str | None = None) -> list[str]:
        """Return the faults of a source that is not read or processed to its end yet."""
        return [cause.sentence for cause in self.known_causes(stream)]

    def known_causes(self, stream: str | None = None) -> list[Cause]:
        """Return the same with the reasons."""
        return [*self.broken(stream), *([] if stream else self._refused())]

    def _unfinished(self) -> list[Cause]:
        told = []
        if self.not_read:
            what = f"{self.source}: this run did not read {', '.join(self.not_read)}"
            then = f"so its batch stays partial; next: run the job sync_{self.source}"
            told.append(Cause("not read", f"{what}, {then}"))
        waiting = [f"{n} for {stage}" for stage, n in self.left.items() if n]
        if waiting:
            what = f"{self.source}: records of this batch still wait: {', '.join(waiting)}"
            told.append(Cause("records wait", f"{what}; next: hub sync {self.source}"))
        return told

    def _refused(self) -> list[Cause]:
        if self.rejected_share <= QUARANTINE_LIMIT:
            return []
        what = f"{self.source}: {self.rejected_share:.0%} of the records are refused"
        sentence = f"{what}, more than {QUARANTINE_LIMIT:.0%}; next: hub quarantine list"
        return [Cause("refused", sentence)]


def _hidden(name: str, entry: StreamLedger) -> str:
    first, _, last = str(entry.shortage["narrowest"]).partition(" .. ")
    return (
        f"{name}: the source counted {entry.counted}, handed out {entry.seen};"
        f" missing {entry.missing_n} between {first} and {last};"
        f" next: hub sync {entry.source} reads this window again"
    )


def latest_proof(conn: Connection, source: str) -> Proof | None:
    """Return the proof of the latest closed read of a source; None before the first."""
    found = proofs.latest(conn, source)
    return judge(conn, source, found) if found else None


def unproved(conn: Connection, source: str) -> list[str]:
    """Return the faults of a source, in the sentences of its failed run and of its alert."""
    state = alert_states.read(conn, source)
    left = [state.unclosed] if state and state.unclosed else []
    return list(dict.fromkeys([*(cause.sentence for cause in standing(conn, source)), *left]))


def standing(conn: Connection, source: str) -> list[Cause]:
    """Return the faults of the latest read of a source, and with later batches that failed.

    A read that is not at its end yet has only the faults found so far. A read under way says
    nothing.
    """
    found = proofs.latest_left(conn, source)
    later = proofs.failed_since(conn, source, max((one.batch.id for one in found), default=0))
    causes: list[Cause] = []
    if found:
        proof = judge(conn, source, found)
        is_open = any(one.is_open for one in found)
        causes += proof.known_causes() if is_open else proof.causes()
    if later:
        causes += judge(conn, source, later).broken()
    return causes


def judge(
    conn: Connection, source: str, found: Sequence[Evidence], streams: Sequence[str] = ()
) -> Proof:
    """Return the proof of batches; nothing is changed.

    Args:
        conn: an open transaction.
        source: the source.
        found: its batches.
        streams: the mapped streams that an open batch must have read to be complete.
    """
    ledgers: list[StreamLedger] = []
    left: dict[str, int] = {}
    for one in found:
        ledgers += _ledgers(conn, one)
        for stage, n in waiting_n(conn, one.batch.id).items():
            left[stage] = left.get(stage, 0) + n
    not_read = [s for s in streams if not any(one.has_read(s) for one in found)]
    return Proof(source, len(found), ledgers, left, not_read)


def _ledgers(conn: Connection, one: Evidence) -> list[StreamLedger]:
    """Return the ledger as it was kept when the batch was closed; of an open batch, as of now."""
    if one.is_open:
        return ledger.of_batch(conn, one.batch.id)
    return [StreamLedger.from_json(entry) for entry in one.ledger or ()]
