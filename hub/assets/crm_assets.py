"""The assets behind the sources: match, load, route and notify, over what all sources sent.

Load is one step with a result for each table of the CRM, because one transaction writes them together.
It cannot be run in part. Not here: numbers (`figures`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from hub.assets import figures
from hub.assets.failures import clear_failures
from hub.assets.proofs import OWNERS, fail_unproved
from hub.assets.resources import HubResource
from hub.crm import sizes
from hub.etl import flow
from hub.etl.context import Hub

_WHAT = {
    "leads": "Golden leads: one row a person, folded from everything that the sources say of the person.",
    "contacts": "Golden contacts: people who are customers, or whom a source holds as contacts.",
    "companies": "Golden companies, linked to their people.",
    "deals": "Deals of the sales process; sources do not write them, the count shows what there is.",
    "tickets": "Support tickets, each linked to its requester.",
}
LOAD = [dg.AssetKey(["load", name]) for name in sizes.TABLES]


def crm_assets(normalized: Sequence[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """Return match, load, route and notify, each after the one before.

    Args:
        normalized: the normalized streams of all sources.
    """
    match, route = dg.AssetKey(["match", "people"]), dg.AssetKey(["route", "assignments"])
    notify = dg.AssetKey(["notify", "deliveries"])
    return [
        _stage_asset(match, flow.run_match, normalized, "Which source records are one person or company."),
        _load_asset(match),
        _stage_asset(route, flow.run_route, LOAD, "An owner for every lead; every turn is kept."),
        _stage_asset(notify, flow.run_notify, [route], "Alerts and e-mails, as each owner prefers."),
    ]  # fmt: skip


def _stage_asset(
    key: dg.AssetKey,
    run: Callable[[Hub], Mapping[str, int]],
    deps: Sequence[dg.AssetKey],
    description: str,
) -> dg.AssetsDefinition:
    stage, name = key.path[0], key.to_user_string()

    @dg.asset(
        key=key,
        group_name=stage,
        deps=list(deps),
        kinds={"python", "postgres"},
        owners=OWNERS,
        description=description,
    )
    def stage_asset(context: dg.AssetExecutionContext, hub: HubResource) -> Iterator[Any]:
        with clear_failures(context, name):
            done = figures.timed(lambda: run(hub.hub))
            yield dg.MaterializeResult(metadata=figures.figures(stage, done.counts, done.seconds))
            fail_unproved(hub, stage, hub.sources_read)

    return stage_asset


def _load_asset(after: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="load",
        can_subset=False,
        specs=[
            dg.AssetSpec(
                key,
                deps=[after],
                description=_WHAT[key.path[1]],
                group_name="load",
                kinds={"python", "postgres"},
                owners=OWNERS,
                metadata=figures.of_table(sizes.TABLES[key.path[1]]),
            )
            for key in LOAD
        ],
    )
    def load(context: dg.AssetExecutionContext, hub: HubResource) -> Iterator[Any]:
        with clear_failures(context, "load"):
            done = figures.timed(lambda: flow.run_load(hub.hub))
            with hub.hub.engine.begin() as conn:
                have = sizes.row_counts(conn)
            for key in LOAD:
                table = key.path[1]
                yield dg.MaterializeResult(
                    asset_key=key, metadata=figures.loaded(table, done, have[table])
                )
            fail_unproved(hub, "load", hub.sources_read)

    return load
