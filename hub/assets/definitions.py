"""The asset graph: one asset a stage and stream, `build_defs` for tests and deployment alike.

A failed asset skips all assets downstream, also those of other sources. So a landing asset never fails
for a vendor's fault. Its check `complete` fails instead, and blocks nothing. Only `proof/<source>`
(`hub.assets.proofs`) fails a run; no asset depends on it.
"""

from collections.abc import Collection, Sequence

import dagster as dg

from hub.assets.proofs import OWNERS, complete_check, proof_asset
from hub.assets.resources import HubResource, configured_sources
from hub.assets.rollups import nightly, refresh_rollups
from hub.assets.sensors import stage_sensor
from hub.connectors.base import Stream
from hub.connectors.registry import KNOWN, streams_of
from hub.etl import flow
from hub.etl.drifting import drift_of
from hub.mappings.loader import names


def _key(*parts: str) -> dg.AssetKey:
    return dg.AssetKey(list(parts))


def _land_asset(source: str, stream: Stream) -> dg.AssetsDefinition:
    @dg.asset(
        key=_key("land", source, stream.name),
        group_name="land",
        kinds={source, "postgres"},
        owners=OWNERS,
        description=f"{stream.name} of {source} as sent, page by page with the cursor.",
        check_specs=[
            dg.AssetCheckSpec(
                "complete",
                asset=_key("land", source, stream.name),
                description="The source counts no more objects than it handed out.",
            )
        ],
    )
    def land(hub: HubResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        landed = flow.land_stream(hub.hub, hub.batch(source), stream)
        note = flow.window_note(hub.hub, hub.batch(source), stream.name)
        return dg.MaterializeResult(
            metadata={**landed.counts, "counted_by_source": str(note.get("counted"))},
            check_results=[complete_check(landed.faults, note.get("shortage"))],
        )

    return land


def _normalize_asset(
    source: str, stream: str, land_keys: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=_key("normalize", source, stream),
        group_name="normalize",
        deps=list(land_keys),
        kinds={"yaml", "postgres"},
        owners=OWNERS,
        description=f"{source}/{stream} in the hub's own words, by its mapping document.",
        check_specs=[
            dg.AssetCheckSpec(
                "drift",
                asset=_key("normalize", source, stream),
                description="The source sends nothing new, and still fills what it used to.",
            )
        ],
    )
    def normalize(hub: HubResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        counts = flow.run_normalize(hub.hub, source=source, stream=stream)
        with hub.hub.engine.begin() as conn:
            drift = drift_of(conn, hub.hub.mapping(source, stream))
        return dg.MaterializeResult(
            metadata={**counts, "fill": dg.MetadataValue.json(dict(drift.fill))},
            check_results=[
                dg.AssetCheckResult(
                    check_name="drift",
                    passed=not drift.unknown and not drift.vanished,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={
                        **{f"{d['kind']} {d['field']} {d['value']}".rstrip(): d["suggestion"]
                           for d in drift.unknown},
                        **{f"vanished {name}": why for name, why in drift.vanished.items()},
                    },
                )
            ],
        )  # fmt: skip

    return normalize


def _stage_asset(
    key: dg.AssetKey, group: str, description: str, deps: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    run = {
        "match": flow.run_match,
        "load": flow.run_load,
        "route": flow.run_route,
        "notify": flow.run_notify,
    }[group]

    @dg.asset(
        key=key,
        group_name=group,
        deps=list(deps),
        kinds={"python", "postgres"},
        owners=OWNERS,
        description=description,
    )
    def stage(hub: HubResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(metadata=dict(run(hub.hub)))

    return stage


def build_defs(sources: Collection[str] | None = None) -> dg.Definitions:
    """Return assets, jobs and schedules.

    Args:
        sources: the configured sources; their schedules run unless a user stops them. None shows all
            known sources, and no schedule runs.
    """
    names_shown = KNOWN if sources is None else sources
    streams = {name: streams_of(name) for name in names_shown}
    is_running = sources is not None
    mapped = set(names())
    assets: list[dg.AssetsDefinition] = []
    normalized: dict[str, list[dg.AssetKey]] = {}
    landed: dict[str, list[dg.AssetKey]] = {}
    for source, its_streams in streams.items():
        lands = [_land_asset(source, stream) for stream in its_streams]
        landed[source] = [asset.key for asset in lands]
        normals = [
            _normalize_asset(source, stream.name, landed[source])
            for stream in its_streams
            if f"{source}/{stream.name}" in mapped
        ]
        normalized[source] = [asset.key for asset in normals]
        assets += [*lands, *normals]
    upstream = [key for keys in normalized.values() for key in keys]
    tail = []
    for key, group, description in (
        (_key("match", "people"), "match", "Which source records are one person."),
        (_key("load", "leads"), "load", "Golden leads, folded from everything known of a person."),
        (_key("route", "assignments"), "route", "An owner for every lead, every turn kept."),
        (_key("notify", "deliveries"), "notify", "Alerts and e-mails, as each owner prefers."),
    ):
        tail.append(_stage_asset(key, group, description, upstream))
        upstream = [key]
    proved = {source: proof_asset(source, upstream) for source in streams}
    assets += [*tail, *proved.values()]
    common = dg.AssetSelection.assets(*(a.key for a in tail))
    jobs = [
        dg.define_asset_job("sync", dg.AssetSelection.all(), executor_def=dg.in_process_executor)
    ]
    schedules = []
    for place, source in enumerate(streams):
        own = dg.AssetSelection.assets(*landed[source], *normalized[source], proved[source].key)
        job = dg.define_asset_job(
            f"sync_{source}", own | common, executor_def=dg.in_process_executor
        )
        jobs.append(job)
        schedules.append(
            dg.ScheduleDefinition(
                name=f"every_five_minutes_{source}",
                job=job,
                cron_schedule=f"{place % 5}-59/5 * * * *",  # one after the other, not all at once
                description=f"From {source} to an owner who knows.",
                default_status=(
                    dg.DefaultScheduleStatus.RUNNING
                    if is_running
                    else dg.DefaultScheduleStatus.STOPPED
                ),
            )
        )
    return dg.Definitions(
        assets=assets,
        jobs=[*jobs, refresh_rollups],
        schedules=[*schedules, nightly(is_running=is_running)],
        sensors=[stage_sensor({asset.key for asset in assets}, is_running=is_running)],
        resources={"hub": HubResource()},
    )


defs = build_defs(configured_sources())
