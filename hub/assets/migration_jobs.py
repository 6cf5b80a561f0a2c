"""The jobs of a migration: plan it, read its ranges, load it when all are proven.

Each can be launched by hand; the sensor `migrations` launches them for a migration that runs by itself. Not
here: the ranges themselves (`migrate_assets`), and when something is launched (`migration_sensor`).
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as AssetJob,  # what `define_asset_job` returns has no public name
)
from pydantic import Field
from sqlalchemy import Connection

from hub.actions.batches import planned_fields
from hub.actions.context import Acting, Begun, Context
from hub.assets import figures
from hub.assets.failures import clear_failures, failure
from hub.assets.migrate_assets import key_of, partitions_of, read_job_name
from hub.assets.nightly import ended_well
from hub.assets.resources import HubResource
from hub.clock import SystemClock
from hub.db.place import reached
from hub.etl.completeness import Proof, judge
from hub.migration import files, loading, planning, scheduling
from hub.migration.partitions import name_of
from hub.records import migrations, proofs
from hub.records.migrations import Migration, RangeState
from hub.settings import load as load_settings

PLAN, LOAD = "plan_migration", "apply_migration"
MIGRATION, BATCH = "hub/migration", "hub/batch"
"""Tags of a run: the source that is migrated, and the number of the batch. The tag `source` is of syncs: a sync
must not wait for a migration of its source."""
KIND = {"hub/kind": "migration", "dagster/max_runtime": "0", "dagster/priority": "-1"}
"""Tags of all runs of migrations: syncs go first, and the queue runs one migration's step at a time."""

_HUB = {"hub": HubResource(config=None)}  # bound here, because a sensor has these jobs as targets


def read_job(source: str, stream: str) -> AssetJob:
    """Return the job that reads ranges of one object."""
    return dg.define_asset_job(
        read_job_name(source, stream),
        dg.AssetSelection.assets(key_of(source, stream)),
        description=f"Read and prove ranges of a migration of {source.title()} {stream}; plan_migration names them.",
        tags={MIGRATION: source, **KIND},
    )


class PlanConfig(dg.Config):
    """What is planned."""

    source: str = Field(description="The source to migrate.")
    load: bool = Field(
        default=True,
        description="Read the ranges and load them by itself afterwards. Otherwise launch the partitions by hand.",
    )


@dg.op(description="Freeze each object, cut it into ranges, and name them as partitions.")
def plan_ranges(context: dg.OpExecutionContext, hub: HubResource, config: PlanConfig) -> None:
    """Plan the migration of a source, or continue; nothing is read yet."""
    with clear_failures(context, PLAN):
        found = planning.plan(hub.hub, config.source, "Dagster")
        with hub.hub.engine.begin() as conn:
            ranges = migrations.ranges(conn, found.batch.id)
        add_partitions(context.instance, config.source, found.batch.id, ranges)
        if config.load and found.starts_at is None:
            scheduling.schedule(hub.hub, config.source, found.who, hub.hub.clock.now())
        context.add_output_metadata({"batch": found.batch.id, "ranges": len(ranges)})
        if faults := planning.faults_of(hub.hub, found):
            raise failure([one.sentence for one in faults], needs_operator=True)
        ended_well(hub.hub, PLAN)


def add_partitions(
    instance: dg.DagsterInstance, source: str, batch: int, ranges: Sequence[RangeState]
) -> None:
    """Name the ranges of a migration as partitions; those that have a partition keep it."""
    by_stream: dict[str, list[str]] = {}
    for one in ranges:
        by_stream.setdefault(one.stream, []).append(name_of(batch, one.key))
    for stream, names in by_stream.items():
        instance.add_dynamic_partitions(partitions_of(source, stream).name or "", names)


@dg.job(
    name=PLAN,
    tags=KIND,
    resource_defs=_HUB,
    description="Plan the migration of a source: count its objects, cut them into ranges, open one batch. The"
    " run's config says which source.",
)
def plan_migration() -> None:
    """One step; the sensor `migrations` goes on."""
    plan_ranges()


class LoadConfig(dg.Config):
    """What is loaded."""

    batch: int = Field(description="The number of the migration, all of whose ranges are proven.")


@dg.op(description="As the command hub migrate: all stages over the records of a migration.")
def load_batch(context: dg.OpExecutionContext, hub: HubResource, config: LoadConfig) -> None:
    """Load a migration into the CRM and prove it; the assets show it within three minutes."""
    with clear_failures(context, LOAD):
        own = files.without_files(hub.outside)
        found = planning.of_batch(own, config.batch)
        loading.check_is_read(own, found)
        planned_fields.define(own, _as(found), found.batch.id)
        with reached(load_settings(hub.config), SystemClock()) as place:
            done = loading.load(own, place, found, context.log.info)
        with own.engine.begin() as conn:
            proved = _proofs(conn, found.batch.source, config.batch)
        context.add_output_metadata(
            _figures(proved, len(done.applied.differences) if done.applied else 0)
        )
        if sentences := [said for one in proved for said in one.sentences()]:
            raise failure(sentences, needs_operator=False, is_verdict=True)
        ended_well(own, LOAD)


def _as(found: Migration) -> Acting:
    """Return the actor of what a migration does by itself: the user who began it, who had the right to."""
    return lambda conn: Context(conn, Begun(found.batch.id, found.who), SystemClock())


def _proofs(conn: Connection, source: str, batch: int) -> list[Proof]:
    return [judge(conn, source, [one]) for one in proofs.of_batch(conn, batch)]


def _figures(proved: Sequence[Proof], differences_n: int) -> dict[str, Any]:
    """Return the ledger of a migration: what was read, each verdict, differences from the plan."""
    found: dict[str, Any] = {"different_from_plan": differences_n}
    for one in proved:
        found |= figures.proved(one)
    return found


@dg.job(
    name=LOAD,
    tags=KIND,
    resource_defs=_HUB,
    description="Load a migration into the CRM: map, match, load, route, prove. The sensor migrations launches it"
    " when every range is proven; the run's config says which batch.",
)
def apply_migration() -> None:
    """One step, as the command `hub migrate`."""
    load_batch()
