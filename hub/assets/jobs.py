"""Jobs: `sync` for all sources, `sync_<source>` for one, `sync_now` for some in one step.

Not here: what starts them (`poll`), and the nightly job (`rollups`).
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as AssetJob,  # what `define_asset_job` returns has no public name
)
from pydantic import Field

from hub.assets.failures import clear_failures, failure
from hub.assets.resources import HubResource
from hub.etl import flow
from hub.etl.completeness import latest_proof

ALL = "sync"


def sync_all(keys: Sequence[dg.AssetKey]) -> AssetJob:
    """Return the job that syncs and proves all sources, from all their assets."""
    return dg.define_asset_job(
        ALL,
        dg.AssetSelection.assets(*keys),
        description="Bring in what is new from all sources, up to an owner, and prove each source.",
    )


def sync_source(source: str, own: Sequence[dg.AssetKey], shared: Sequence[dg.AssetKey]) -> AssetJob:
    """Return the job of one source.

    Args:
        source: the source.
        own: its assets, from land to proof.
        shared: match, load, route and notify.
    """
    return dg.define_asset_job(
        f"sync_{source}",
        dg.AssetSelection.assets(*own, *shared),
        description=f"Bring in what is new from {source.title()}, up to an owner, and prove the source.",
        tags={"source": source},
    )


class SyncConfig(dg.Config):
    """What `sync_now` reads."""

    sources: list[str] = Field(
        default_factory=list, description="The sources to sync; empty: all configured sources."
    )
    full: bool = Field(
        default=False, description="Read them from the beginning, not only what has changed."
    )


@dg.op(description="As the command hub sync: all stages in one step.")
def sync_some(context: dg.OpExecutionContext, hub: HubResource, config: SyncConfig) -> None:
    """Sync the sources in the run's config; the sensor `what_happened_outside` reports the assets."""
    with clear_failures(context, "sync_now"):
        wanted = config.sources or hub.hub.followed()
        for name in wanted:
            hub.hub.require_source(name)
        report = flow.sync(hub.outside, wanted, full=config.full)
        with hub.hub.engine.begin() as conn:
            proofs = [latest_proof(conn, s) for s in wanted if s not in report.stopped]
        if sentences := [said for proof in proofs if proof for said in proof.sentences()]:
            raise failure(
                sentences,
                needs_operator=any(p and p.needs_operator for p in proofs),
                is_verdict=True,
            )


@dg.job(
    description="Sync some sources, or all, in one step; the run's config says which, and whether from the"
    " beginning. The assets show it within three minutes."
)
def sync_now() -> None:
    """One step, as the command `hub sync`."""
    sync_some()
