"""The asset graph: one asset a stage and stream; `build_defs` for tests and deployment alike.

Reads from top to bottom as a record goes: land and normalize a source, match, load, route, notify, prove
the source. Not here: what an asset does (`source_assets`, `crm_assets`, `proofs`).
"""

import logging
from collections.abc import Collection
from datetime import timedelta

import dagster as dg

from hub.assets import jobs
from hub.assets.crm_assets import crm_assets
from hub.assets.lost_runs import lost_run_sensor
from hub.assets.migrate_assets import migrate_asset
from hub.assets.migration_jobs import apply_migration, plan_migration, read_job
from hub.assets.migration_sensor import migration_sensor
from hub.assets.poll import poll_sensor, reconcile_sensor
from hub.assets.proofs import proof_asset
from hub.assets.prune import nightly_prune, prune_old_history
from hub.assets.resources import HubResource, configured
from hub.assets.rollups import nightly_rollups, refresh_rollups
from hub.assets.sensors import stage_sensor
from hub.assets.source_assets import land_asset, normalize_asset
from hub.connectors.registry import KNOWN, objects_of, streams_of
from hub.mappings.loader import names
from hub.settings import Settings

_MAPPED = frozenset(names())
_NO_HUB = (
    "there is no hub.yaml here: all known sources are shown, and nothing runs by itself; next: hub init "
    "writes hub.yaml, and HUB_CONFIG names another place"
)
log = logging.getLogger(
    "dagster.code_server"
)  # what `dagster dev` and `dagster definitions validate` show


def build_defs(
    sources: Collection[str] | None = None,
    *,
    poll_every_s: int = 60,
    reconcile_every_s: int = 3600,
    most_recovered: int = 5,
) -> dg.Definitions:
    """Return assets, jobs, schedules and sensors.

    Args:
        sources: the configured sources; their schedules and sensors run unless a user stops them. None
            shows all known sources, and nothing runs.
        poll_every_s: seconds between two looks at the sources.
        reconcile_every_s: seconds between two complete reads of a source's count.
        most_recovered: new objects that a read may find instead of a webhook, before a check warns.
    """
    shown = list(KNOWN if sources is None else sources)
    is_running = sources is not None
    every = timedelta(seconds=reconcile_every_s)

    lands = {
        s: [land_asset(s, stream, every, most_recovered) for stream in streams_of(s)] for s in shown
    }
    normals = {
        s: [
            normalize_asset(s, stream.name, _keys(lands[s]))
            for stream in streams_of(s)
            if f"{s}/{stream.name}" in _MAPPED
        ]
        for s in shown
    }
    shared = crm_assets([key for own in normals.values() for key in _keys(own)])
    proofs = {
        s: proof_asset(s, [*_keys(lands[s]), *_keys(normals[s]), *_keys(shared[-1:])])
        for s in shown
    }
    assets = [*_flat(lands), *_flat(normals), *shared, *proofs.values()]

    source_jobs = {
        s: jobs.sync_source(s, _keys([*lands[s], *normals[s], proofs[s]]), _keys(shared))
        for s in shown
    }
    whole = jobs.sync_all(_keys(assets))
    migrated = {s: [migrate_asset(s, stream) for stream in objects_of(s)] for s in shown}
    reads = [read_job(s, stream.name) for s in shown for stream in objects_of(s)]
    schedules = [nightly_rollups(is_running=is_running), nightly_prune(is_running=is_running)]
    sensors = [
        poll_sensor(source_jobs, every_s=poll_every_s, is_running=is_running),
        reconcile_sensor(
            whole,
            {s: _keys([*lands[s], *normals[s], proofs[s]]) for s in shown},
            _keys(shared),
            reconcile_every_s=reconcile_every_s,
            is_running=is_running,
        ),
        stage_sensor(set(_keys(assets)), most_recovered, is_running=is_running),
        lost_run_sensor(is_running=is_running),
        migration_sensor(reads, is_running=is_running),
    ]
    return dg.Definitions(
        assets=[*assets, *_flat(migrated)],
        jobs=[
            whole,
            *source_jobs.values(),
            jobs.sync_now,
            plan_migration,
            *reads,
            apply_migration,
            refresh_rollups,
            prune_old_history,
        ],
        schedules=schedules,
        sensors=sensors,
        resources={"hub": HubResource(config=None)},
        # Also for "Materialize": one process a step took 346 s for nine small assets, one process 26 s.
        executor=dg.in_process_executor,
    )


def _keys(assets: Collection[dg.AssetsDefinition]) -> list[dg.AssetKey]:
    return [key for asset in assets for key in sorted(asset.keys)]


def _flat(by_source: dict[str, list[dg.AssetsDefinition]]) -> list[dg.AssetsDefinition]:
    return [asset for own in by_source.values() for asset in own]


def _configured_defs() -> dg.Definitions:
    settings: Settings | None = configured()
    if settings is None:
        log.warning(_NO_HUB)
        return build_defs()
    sources = settings.sources.followed()
    return build_defs(
        sources,
        # a source with a longer interval, or a stretched one, is asked at every so many looks
        poll_every_s=min((getattr(settings.sources, s).poll_s for s in sources), default=60),
        reconcile_every_s=settings.dagster.reconcile_every_s,
        most_recovered=settings.gateway.most_recovered,
    )


defs = _configured_defs()
