"""The assets of a migration: `migrate/<source>/<stream>`, with a partition for each range that is read.

A partition's name is a name only (`12-0001`: range 0001 of batch 12); the plan is in the database. A step
materializes each range when it is proven, and fails at its end with the others, so a bad range fails no
neighbour. Not here: how a range is read (`hub.migration`), and what starts a step (`migration_sensor`).
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from hub.assets import figures
from hub.assets.failures import clear_failures, failure
from hub.assets.nightly import ended_well
from hub.assets.proofs import OWNERS
from hub.assets.resources import HubResource
from hub.connectors.base import Stream
from hub.migration.partitions import NamedRead, read_named

STAGE = "migrate"
PROVEN = "proven"
RANGES_PER_RUN = 10


def key_of(source: str, stream: str) -> dg.AssetKey:
    """Return the key of the asset of one object."""
    return dg.AssetKey([STAGE, source, stream])


def read_job_name(source: str, stream: str) -> str:
    """Return the name of the job that reads ranges of one object."""
    return f"{STAGE}_{source}_{stream}"


def partitions_of(source: str, stream: str) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of one object: the ranges of its migrations."""
    return dg.DynamicPartitionsDefinition(name=f"{STAGE}/{source}/{stream}")


def migrate_asset(source: str, stream: Stream) -> dg.AssetsDefinition:
    """Return the asset of one object of a source."""
    key, partitions = key_of(source, stream.name), partitions_of(source, stream.name)
    name = key.to_user_string()

    @dg.multi_asset(
        name="__".join(key.path),
        specs=[_spec(key, source, stream)],
        check_specs=[_proven_spec(key, partitions)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=RANGES_PER_RUN),
        pool=f"{STAGE}_{source}",
        can_subset=True,  # so no output is required: each range is an event of its own
    )
    def migrate(context: dg.AssetExecutionContext, hub: HubResource) -> Iterator[Any]:
        with clear_failures(context, name):
            left = []
            for one in read_named(hub.hub, source, stream.name, _names(context)):
                is_left = one.state.state in {"short", "failed"}
                left += [one] if is_left else []
                yield from () if is_left else range_events(key, one)
            for one in left:  # last, so that Dagster shows one of them as the latest evaluation
                yield from range_events(key, one)
            if left:
                raise failure([one.sentence for one in left], needs_operator=False)
            ended_well(hub.hub, context.job_name)

    return migrate


def _spec(key: dg.AssetKey, source: str, stream: Stream) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        group_name=f"{STAGE}_{source}",
        kinds={source, "postgres"},
        owners=OWNERS,
        tags={"source": source, "stream": stream.name},
        description=f"{source.title()} {stream.name} for a migration: each partition is a range of ids, read and "
        "counted again at the source. The records wait there until the job apply_migration loads them.",
        metadata={"dagster/table_name": "landing.planned"},
    )


def _proven_spec(key: dg.AssetKey, partitions: dg.DynamicPartitionsDefinition) -> dg.AssetCheckSpec:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # checks of single partitions
        return dg.AssetCheckSpec(
            PROVEN,
            asset=key,
            blocking=True,
            partitions_def=partitions,
            description="The source counts as many objects in the range as it handed out. Failed: the range"
            " could not be read, or objects are hidden; nothing of the migration is loaded before it is proven.",
        )


def _names(context: dg.AssetExecutionContext) -> Sequence[str]:
    """Return the partitions of this run; a run without partitions reads nothing."""
    is_partitioned = context.has_partition_key or context.has_partition_key_range
    return context.partition_keys if is_partitioned else ()


def range_events(key: dg.AssetKey, one: NamedRead) -> Iterator[Any]:
    """Yield the events of a range: materialized and checked; or observed, if it is not proven or waits for a quota.

    Args:
        key: of the asset.
        one: the range that was to be read.
    """
    state, numbers = one.state, _numbers(one)
    if one.waits_until is not None:
        waits = {"waiting_until": dg.MetadataValue.timestamp(one.waits_until)}
        yield dg.AssetObservation(
            key, description=state.reason, partition=one.name, metadata={**numbers, **waits}
        )
        return
    is_proven = state.state == "proven"
    yield dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=PROVEN,
        passed=is_proven,
        partition=one.name,
        metadata=numbers,
        description=None if is_proven else one.sentence,
        blocking=True,
    )
    if is_proven:
        yield dg.AssetMaterialization(key, partition=one.name, metadata=numbers)
    else:  # the page of a partition shows no checks
        yield dg.AssetObservation(
            key, description=one.sentence, partition=one.name, metadata=numbers
        )


def _numbers(one: NamedRead) -> dict[str, Any]:
    state = one.state
    counted = {} if state.counted is None else {"counted_by_source": state.counted}
    return {
        "batch": str(one.batch),  # a name: Dagster plots numbers
        "rows_read": state.read_n,
        **counted,
        "missing": one.missing_n,
        "seconds": round(one.seconds, 3),
        "rows": figures.rows(
            "landing.planned",
            f"batch_id = {one.batch} AND stream = '{state.stream}' AND key = '{state.key}'",
        ),
    }
