"""The assets of one source: `land/<source>/<stream>` and `normalize/<source>/<stream>`.

A landing asset does not fail for a vendor's fault. Its check `complete` fails instead, so that what has
landed is processed, for this source and the others. Not here: checks (`checks`), numbers (`figures`).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from hub.assets import checks, figures
from hub.assets.failures import clear_failures
from hub.assets.proofs import OWNERS, fail_unproved
from hub.assets.resources import HubResource
from hub.connectors.base import Stream
from hub.connectors.webhooks import HOOKED
from hub.etl import flow
from hub.etl.drifting import drift_of
from hub.etl.stream_state import stream_state


def land_asset(
    source: str, stream: Stream, reconcile_every: timedelta, most_recovered: int
) -> dg.AssetsDefinition:
    """Return the asset of a stream as the source sends it."""
    key = dg.AssetKey(["land", source, stream.name])
    name = key.to_user_string()
    is_hooked = stream.name in HOOKED.get(source, ())
    missed = [checks.recovered_spec(key, most_recovered)] if is_hooked else []

    @dg.asset(
        key=key,
        group_name=f"land_{source}",
        kinds={source, "postgres"},
        owners=OWNERS,
        tags={"source": source, "stream": stream.name},
        description=f"{source.title()} {stream.name} as sent, page by page with the cursor. "
        "0 changed rows is a read too, and keeps the asset fresh.",
        metadata={"dagster/table_name": "landing.head"},
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=6 * reconcile_every, warn_window=2 * reconcile_every
        ),
        check_specs=[checks.complete_spec(key), *missed],
    )
    def land(context: dg.AssetExecutionContext, hub: HubResource) -> Iterator[Any]:
        with clear_failures(context, name):
            batch = hub.batch(source)
            landing = flow.land_stream(hub.hub, batch, stream)
            state = stream_state(hub.hub, batch, stream.name)
            found = [checks.complete_now(key, state)]
            if is_hooked:
                found.append(checks.recovered(key, state.recovered_n, most_recovered))
            yield dg.MaterializeResult(
                metadata=figures.landed(source, stream.name, landing, state),
                check_results=[one.result() for one in found],
            )
            fail_unproved(hub, "land", [source], stream.name)

    return land


def normalize_asset(
    source: str, stream: str, land_keys: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    """Return the asset of a stream in the hub's own fields."""
    key = dg.AssetKey(["normalize", source, stream])
    name = key.to_user_string()

    @dg.asset(
        key=key,
        group_name=f"normalize_{source}",
        deps=list(land_keys),
        kinds={"yaml", "postgres"},
        owners=OWNERS,
        tags={"source": source, "stream": stream},
        description=f"{source.title()} {stream} in the hub's own fields, by the mapping {source}/{stream}.",
        metadata={"dagster/table_name": "ops.source_record"},
        check_specs=[checks.drift_spec(key)],
    )
    def normalize(context: dg.AssetExecutionContext, hub: HubResource) -> Iterator[Any]:
        with clear_failures(context, name):
            done = figures.timed(lambda: flow.run_normalize(hub.hub, source=source, stream=stream))
            with hub.hub.engine.begin() as conn:
                fields = hub.hub.mapping(source, stream).filled
                drift = drift_of(conn, f"{source}/{stream}", fields)
            yield dg.MaterializeResult(
                metadata=figures.normalized(source, stream, done, drift.fill),
                check_results=[checks.drift(key, drift).result()],
            )
            fail_unproved(hub, "normalize", hub.sources_read)

    return normalize
