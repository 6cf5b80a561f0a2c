"""What happens outside Dagster is told to it once, asset by asset, and nothing of a person."""

from dataclasses import replace

import dagster as dg

from hub.assets.sensors import told
from hub.etl import flow
from tests.flow.conftest import World, salesforce_lead

KNOWN = {
    dg.AssetKey(key)
    for key in (
        ["land", "salesforce", "leads"], ["normalize", "salesforce", "leads"], ["match", "people"], ["load", "leads"],
        ["route", "assignments"], ["notify", "deliveries"],
    )
}  # fmt: skip


def _sync(world: World, number: int, *, in_dagster: bool = False) -> None:
    world.add("salesforce", "leads", salesforce_lead(number, LastName="Roche", Company="R"))
    flow.sync(replace(world.hub, in_dagster=in_dagster), ["salesforce"])


def test_a_sync_by_hand_is_an_event_of_every_asset_it_touched(world: World) -> None:
    _sync(world, 1)
    reports = flow.reports_since(world.hub, 0)
    events = {event.asset_key: event.metadata for event in told(reports, KNOWN)}
    assert set(events) == KNOWN
    assert events[dg.AssetKey(["land", "salesforce", "leads"])]["landed"].value == 1
    assert "Roche" not in str(events)
    assert flow.reports_since(world.hub, reports[-1].id) == []


def test_what_dagster_ran_itself_is_not_told_again(world: World) -> None:
    _sync(world, 1, in_dagster=True)
    assert flow.reports_since(world.hub, 0), "the hub itself keeps them"
    assert list(told(flow.reports_since(world.hub, 0), KNOWN)) == []
    _sync(world, 2)
    assert {e.asset_key for e in told(flow.reports_since(world.hub, 0), KNOWN)} == KNOWN


def test_counts_of_a_tick_are_summed_up_and_unknown_assets_left_out(world: World) -> None:
    _sync(world, 1)
    _sync(world, 2)
    key = dg.AssetKey(["land", "salesforce", "leads"])
    (event,) = told(flow.reports_since(world.hub, 0), {key})
    assert event.metadata["landed"].value == 2


def test_a_sensor_that_is_new_begins_with_the_latest_reports(
    world: World,
) -> None:
    _sync(world, 1)
    every = flow.reports_since(world.hub, 0)
    assert flow.reports_since(world.hub, None) == every


def test_a_look_that_found_nothing_is_no_event(world: World) -> None:
    _sync(world, 1)
    last = flow.reports_since(world.hub, 0)[-1].id
    flow.sync(world.hub, ["salesforce"])
    assert flow.reports_since(world.hub, last), "that it looked is kept"
    assert list(told(flow.reports_since(world.hub, last), KNOWN)) == []
