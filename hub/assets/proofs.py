"""The proof of a run in Dagster: the check of each landed stream, and `proof/<source>`.

A check shows the result of its asset, and blocks nothing: all landed records are processed. The proof
runs after all other assets of its source. Only the proof fails a run; its message tells the operator
what to do. Not here: the proof itself (`hub.etl.proof`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from hub.assets.resources import HubResource
from hub.etl.contain import is_paused
from hub.etl.proof import QUARANTINE_LIMIT, Proof, prove
from hub.model.faults import Fault

OWNERS = ["team:revops"]
_FAILED, _OPERATOR = 1, 2  # as the command line ends


def complete_check(faults: Sequence[Fault], shortage: Any) -> dg.AssetCheckResult:
    """Return the check whether a stream was read to its end, and gave the count of its source."""
    told = {fault.name: fault.sentence for fault in faults}
    missing: dict[str, Any] = {}
    if shortage:
        missing = {
            "missing": int(shortage["missing"]),
            "narrowest_range": str(shortage["narrowest"]),
        }
    severity = dg.AssetCheckSeverity
    return dg.AssetCheckResult(
        check_name="complete",
        passed=not told and not missing,
        severity=severity.WARN if is_paused(faults) and not missing else severity.ERROR,
        description="; ".join(told.values()) or None,
        metadata={**missing, **told},
    )


def proof_asset(source: str, deps: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """Return the asset that proves a source; no asset depends on it."""
    key = dg.AssetKey(["proof", source])

    @dg.asset(
        key=key,
        group_name="proof",
        deps=list(deps),
        kinds={source, "postgres"},
        owners=OWNERS,
        description=f"Completeness of {source}: everything that the run read is accounted for.",
        check_specs=[
            dg.AssetCheckSpec(
                "ledger", asset=key, description="Every record that was read has a verdict."
            ),
            dg.AssetCheckSpec(
                "queues_drained", asset=key, description="No record of the run waits for a stage."
            ),
            dg.AssetCheckSpec(
                "quarantine_rate",
                asset=key,
                description=f"At most {QUARANTINE_LIMIT:.0%} of the records are refused.",
            ),
        ],
    )
    def proof(hub: HubResource) -> Iterator[Any]:
        proved = prove(hub.hub, source, hub.runs())
        yield from _checks(proved, key)
        if sentences := proved.sentences():
            code = _OPERATOR if proved.needs_operator else _FAILED
            said = {str(n): sentence for n, sentence in enumerate(sentences, start=1)}
            raise dg.Failure("\n".join(sentences), {"exit_code": code, **said}, allow_retries=False)
        yield dg.MaterializeResult(metadata={"seen": sum(e.seen for e in proved.ledgers)})

    return proof


def _checks(proved: Proof, key: dg.AssetKey) -> Iterator[dg.AssetCheckResult]:
    holds = all(entry.holds for entry in proved.ledgers) and bool(proved.batches_n)
    rate = proved.rejected_share
    told: tuple[tuple[str, bool, Mapping[str, Any]], ...] = (
        ("ledger", holds, _broken(proved)),
        ("queues_drained", not any(proved.left.values()), dict(proved.left)),
        ("quarantine_rate", rate <= QUARANTINE_LIMIT, {"rejected_share": rate}),
    )
    for name, passed, metadata in told:
        yield dg.AssetCheckResult(
            asset_key=key, check_name=name, passed=passed, metadata=dict(metadata)
        )


def _broken(proved: Proof) -> dict[str, Any]:
    """Return what does not add up: ids of lost records, ranges of hidden ones, unread parts."""
    told: dict[str, Any] = {}
    for entry in proved.ledgers:
        name = f"{entry.source}/{entry.stream}"
        if entry.lost_n:
            told[f"{name} lost"] = f"{entry.lost_n}: {', '.join(entry.lost)}"
        if entry.shortage:
            told[f"{name} hidden"] = (
                f"{entry.shortage['missing']} counted by the source and never handed out, "
                f"narrowest range {entry.shortage['narrowest']}"
            )
    return told | {f"{fault.name} not read": fault.sentence for fault in proved.faults}
