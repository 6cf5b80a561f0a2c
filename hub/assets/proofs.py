"""`proof/<source>`: the last asset of a source, and the one that fails a run.

No asset depends on it, so a fault of one source skips no asset of another. A run without it is judged by
its last step (`fail_unproved`). Not here: the proof itself (`hub.etl.proof`), its checks (`checks`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from hub.assets import checks, figures
from hub.assets.failures import clear_failures, failure
from hub.assets.resources import HubResource
from hub.etl.proof import judge_run, prove

OWNERS = ["team:revops"]
_WAY = ("land", "normalize", "match", "load", "route", "notify")


def proof_asset(source: str, deps: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """Return the asset that proves a source; no asset depends on it."""
    key = dg.AssetKey(["proof", source])

    @dg.asset(
        key=key,
        group_name="proof",
        deps=list(deps),
        kinds={source, "postgres"},
        owners=OWNERS,
        tags={"source": source},
        description=f"Completeness of {source.title()}: every object that it counts has a verdict. Fails the run "
        "otherwise, and says what is missing and what to do next.",
        check_specs=checks.proof_specs(key),
    )
    def proof(context: dg.AssetExecutionContext, hub: HubResource) -> Iterator[Any]:
        with clear_failures(context, f"proof/{source}"):
            hub.lock(source)
            proved = prove(hub.hub, source, hub.runs)
            yield from (checked.result() for checked in checks.proof_checks(key, proved))
            if sentences := proved.sentences():
                raise failure(sentences, needs_operator=proved.needs_operator, is_verdict=True)
            yield dg.MaterializeResult(metadata=figures.proved(proved))

    return proof


def fail_unproved(
    hub: HubResource, stage: str, sources: Sequence[str], stream: str | None = None
) -> None:
    """Fail the last step of a run for what its sources did not give, if the run has no proof of them.

    Call it after the step has given its results. Steps of a later stage are never skipped by it.

    Raises:
        dagster.Failure: a part was not read, or records are hidden.
    """
    if hub.has_step(*_WAY[_WAY.index(stage) + 1 :]):
        return
    proofs = [judge_run(hub.hub, s, hub.run_id) for s in sources if not hub.proves(s)]
    if sentences := [said for proof in proofs for said in proof.known(stream)]:
        raise failure(
            sentences, needs_operator=any(p.needs_operator for p in proofs), is_verdict=True
        )
