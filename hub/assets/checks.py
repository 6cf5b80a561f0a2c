"""The asset checks: what each asks, and its result from the evidence in the database.

A check belongs here, not with its asset: runs and the sensor `what_happened_outside` give the same
results. A check blocks nothing, because a failed asset would skip all assets downstream, also those of
other sources. A result holds counts, ids of records and ranges, never a personal value. Not here: what
fails a run (`proofs`, `failures`), and the evidence itself (`hub.etl`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from hub.etl.completeness import QUARANTINE_LIMIT, Proof
from hub.etl.drifting import Drift
from hub.etl.recovered import WEBHOOKS_MISSED
from hub.etl.stream_state import StreamState
from hub.model.faults import Fault, is_paused
from hub.records.ledger import StreamLedger

_ERROR, _WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of one check; the same in a run and from outside."""

    key: dg.AssetKey
    name: str
    passed: bool
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    severity: dg.AssetCheckSeverity = _ERROR

    def result(self) -> dg.AssetCheckResult:
        """Return the result for the step that checks."""
        return dg.AssetCheckResult(**self._arguments())

    def evaluation(self) -> dg.AssetCheckEvaluation:
        """Return the result for a sensor."""
        return dg.AssetCheckEvaluation(**self._arguments())

    def _arguments(self) -> dict[str, Any]:
        return {
            "asset_key": self.key,
            "check_name": self.name,
            "passed": self.passed,
            "description": self.description or None,
            "metadata": dict(self.metadata),
            "severity": self.severity,
        }


def complete_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """Return the check of a landed stream."""
    return dg.AssetCheckSpec(
        "complete",
        asset=key,
        description="The stream was read to its end, and the source counts no more objects than it"
        " handed out. Failed: `missing` objects lie in `narrowest_range`, or a part could not be read.",
    )


def complete(
    key: dg.AssetKey, *, missing_n: int, narrowest: str, faults: Sequence[Fault]
) -> Checked:
    """Return whether a stream was read to its end, and gave the count of its source."""
    told = {fault.name: fault.sentence for fault in faults}
    missing = {"narrowest_range": narrowest} if missing_n else {}
    is_pause = is_paused(faults) and not missing_n
    return Checked(
        key,
        "complete",
        passed=not told and not missing_n,
        severity=_WARN if is_pause else _ERROR,
        description="; ".join(told.values()),
        metadata={"missing": missing_n, **missing, **told},
    )


def complete_now(key: dg.AssetKey, state: StreamState) -> Checked:
    """Return the same check from the state of a stream in an open batch."""
    return complete(key, missing_n=state.missing_n, narrowest=state.narrowest, faults=state.faults)


def complete_of(key: dg.AssetKey, entry: StreamLedger) -> Checked:
    """Return the same check from the ledger of a batch."""
    narrowest = str(entry.shortage.get("narrowest", ""))
    return complete(key, missing_n=entry.missing_n, narrowest=narrowest, faults=entry.faults)


def recovered_spec(key: dg.AssetKey, most: int) -> dg.AssetCheckSpec:
    """Return the check of a landed stream of which the source's webhook tells."""
    return dg.AssetCheckSpec(
        "recovered",
        asset=key,
        description=f"The read found at most {most} new objects that the source's webhook has missed"
        " (`gateway.most_recovered`). A warning: nothing is lost, because the read has brought them. Objects"
        " count that are older than five minutes, if the webhook has sent a new one within 30 days.",
    )


def recovered(key: dg.AssetKey, recovered_n: int, most: int) -> Checked:
    """Return whether a stream's webhook has missed few objects."""
    passed = recovered_n <= most
    said = f"{recovered_n} new objects were missed by the webhook of {key.path[1]}, and the read has brought them"
    return Checked(
        key,
        "recovered",
        passed=passed,
        severity=_WARN,
        description="" if passed else f"{said}. {WEBHOOKS_MISSED}",
        metadata={"recovered": recovered_n, "most_recovered": most},
    )


def drift_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """Return the check of a normalized stream."""
    return dg.AssetCheckSpec(
        "drift",
        asset=key,
        description="The source sends no field or value that the mapping does not know, and still fills"
        " the fields that it used to fill. A warning: nothing is lost. `hub mappings` shows what to change.",
    )


def drift(key: dg.AssetKey, found: Drift) -> Checked:
    """Return whether the source sends what the mapping knows."""
    unknown = {f"{d['kind']} {d['field']} {d['value']}".rstrip(): d["suggestion"] for d in found.unknown}  # fmt: skip
    vanished = {f"vanished {name}": why for name, why in found.vanished.items()}
    return Checked(
        key,
        "drift",
        passed=not unknown and not vanished,
        severity=_WARN,
        metadata={**unknown, **vanished},
    )


def proof_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the checks of a source's proof."""
    told = {
        "ledger": "Every object that the source counts or that was read has a verdict. Failed: some are"
        " lost, hidden by the source, or in a part that could not be read.",
        "queues_drained": "No record that the run read waits for a stage.",
        "quarantine_rate": f"The mappings refuse at most {QUARANTINE_LIMIT:.0%} of the records."
        " `hub quarantine list` shows the refused ones.",
    }
    return [dg.AssetCheckSpec(name, asset=key, description=why) for name, why in told.items()]


def proof_checks(key: dg.AssetKey, proof: Proof) -> list[Checked]:
    """Return the results of a source's proof; a used-up quota is a warning."""
    rate = proof.rejected_share
    severity = _WARN if proof.is_paused else _ERROR
    return [
        Checked(key, "ledger", proof.holds, metadata=_broken(proof), severity=severity),
        Checked(
            key,
            "queues_drained",
            not any(proof.left.values()),
            metadata={"waiting": sum(proof.left.values()), **proof.left},
        ),
        Checked(
            key, "quarantine_rate", rate <= QUARANTINE_LIMIT, metadata={"rejected_share": rate}
        ),
    ]


def _broken(proof: Proof) -> dict[str, Any]:
    """Return what does not add up: ids of lost records, ranges of hidden ones, unread parts."""
    told: dict[str, Any] = {}
    for entry in proof.ledgers:
        name = f"{entry.source}/{entry.stream}"
        if entry.lost_n:
            told[f"{name} lost"] = f"{entry.lost_n}: {', '.join(entry.lost)}"
        if entry.shortage:
            told[f"{name} hidden"] = (
                f"{entry.missing_n} counted by the source and never handed out, "
                f"narrowest range {entry.shortage['narrowest']}"
            )
    told |= {f"{fault.name} not read": fault.sentence for fault in proof.faults}
    return told | ({"not_read": ", ".join(proof.not_read)} if proof.not_read else {})
