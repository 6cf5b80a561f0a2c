"""What a sync did: the counts of its stages, and the ledger of each stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.etl.flow import SyncReport
from hub.etl.rederive import Rederived
from hub.model.faults import Fault
from hub.records.ledger import StreamLedger
from hub.views.results import DerivedAgain


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """The ledger of a stream.

    Args:
        source: vendor.
        stream: kind of object; empty of a whole source.
        counted: number of objects that the source counts; null where it cannot.
        seen: number of objects that were read.
        verdicts: their verdicts.
        lost: ids that were read and have no verdict; the first of them.
        lost_n: how many these are.
        shortage: what the source counts and did not return.
        faults: parts that could not be read.
        holds: whether it adds up.
        recovered: new objects that the webhook of the source has missed.
    """

    source: str
    stream: str
    counted: int | None
    seen: int
    verdicts: Mapping[str, int]
    lost: tuple[str, ...]
    lost_n: int
    shortage: Mapping[str, Any]
    faults: tuple[Fault, ...]
    holds: bool
    recovered: int


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did.

    Args:
        stages: counts by stage.
        ledgers: of every stream.
        quarantined: values and records that a mapping refused.
        stopped: sources whose quota is used up, and what they said.
        faults: parts that could not be read.
        rederived: results of older rules that were derived again.
    """

    stages: Mapping[str, Mapping[str, int]]
    ledgers: tuple[LedgerLine, ...]
    quarantined: int
    stopped: Mapping[str, str]
    faults: tuple[Fault, ...]
    rederived: DerivedAgain


def of_report(report: SyncReport, rederived: Rederived) -> Synced:
    """Return what a sync did, and what was derived again after it."""
    return Synced(
        report.stages,
        tuple(line(one) for one in report.ledgers),
        report.quarantined,
        report.stopped,
        tuple(report.faults),
        DerivedAgain(rederived.done, rederived.left, rederived.is_busy),
    )


def line(one: StreamLedger) -> LedgerLine:
    """Return the ledger of a stream."""
    return LedgerLine(
        one.source,
        one.stream,
        one.counted,
        one.seen,
        one.verdicts,
        tuple(one.lost),
        one.lost_n,
        one.shortage,
        tuple(one.faults),
        one.holds,
        one.recovered_n,
    )
