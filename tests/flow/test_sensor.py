"""What happens outside Dagster is told to it once, asset by asset, and nothing of a person."""

from collections.abc import Collection
from dataclasses import replace

import dagster as dg

from hub.assets.sensors import Event, outside_events
from hub.etl import flow, stage_reports
from hub.etl.completeness import unproved
from hub.etl.reprocess import remap
from tests.flow.conftest import World, salesforce_lead

LEADS = dg.AssetKey(["land", "salesforce", "leads"])
PROOF = dg.AssetKey(["proof", "salesforce"])
STAGES = {
    dg.AssetKey(key)
    for key in (
        ["land", "salesforce", "leads"], ["normalize", "salesforce", "leads"], ["match", "people"], ["load", "leads"],
        ["route", "assignments"], ["notify", "deliveries"],
    )
}  # fmt: skip
KNOWN = {*STAGES, PROOF}


def _sync(world: World, number: int, *, in_dagster: bool = False) -> None:
    world.add("salesforce", "leads", salesforce_lead(number, LastName="Roche", Company="R"))
    flow.sync(replace(world.hub, in_dagster=in_dagster), ["salesforce"])


def _told(world: World, after: int = 0, known: Collection[dg.AssetKey] = KNOWN) -> list[Event]:
    reports = stage_reports.reports_since(world.hub, after)
    with world.db.engine.begin() as conn:
        return list(outside_events(conn, reports, known, world.hub.mappings))


def _last(world: World) -> int:
    return stage_reports.reports_since(world.hub, 0)[-1].id


def materialized(events: list[Event]) -> dict[dg.AssetKey, dg.AssetMaterialization]:
    return {e.asset_key: e for e in events if isinstance(e, dg.AssetMaterialization)}


def checked(events: list[Event]) -> dict[str, dg.AssetCheckEvaluation]:
    return {
        f"{e.asset_key.to_user_string()}:{e.check_name}": e
        for e in events
        if isinstance(e, dg.AssetCheckEvaluation)
    }


def test_a_sync_by_hand_is_an_event_of_every_asset_it_touched(world: World) -> None:
    _sync(world, 1)
    events = _told(world)
    assert set(materialized(events)) == KNOWN
    figures = materialized(events)[LEADS].metadata
    assert (figures["changed"].value, figures["rows_read"].value) == (1, 1)
    assert all(one.passed for one in checked(events).values())
    assert "Roche" not in str(events)
    assert stage_reports.reports_since(world.hub, _last(world)) == []


def test_what_dagster_ran_itself_is_not_told_again(world: World) -> None:
    _sync(world, 1, in_dagster=True)
    assert stage_reports.reports_since(world.hub, 0), "the hub itself keeps them"
    assert _told(world) == []
    _sync(world, 2)
    assert set(materialized(_told(world))) == KNOWN


def test_counts_of_a_tick_are_summed_up_and_unknown_assets_left_out(world: World) -> None:
    _sync(world, 1)
    _sync(world, 2)
    (event,) = materialized(_told(world, known={LEADS})).values()
    assert event.metadata["changed"].value == 2


def test_a_sensor_that_is_new_begins_with_the_latest_reports(world: World) -> None:
    _sync(world, 1)
    every = stage_reports.reports_since(world.hub, 0)
    assert stage_reports.reports_since(world.hub, None) == every


def test_a_read_without_news_keeps_the_landed_stream_fresh(world: World) -> None:
    _sync(world, 1)
    last = _last(world)
    flow.sync(world.hub, ["salesforce"])
    events = _told(world, last)
    assert set(materialized(events)) == {LEADS, PROOF}
    assert materialized(events)[LEADS].metadata["rows_read"].value == 0


def test_a_sync_that_failed_is_red_until_a_good_one(world: World) -> None:
    world.salesforce.hidden.add(salesforce_lead(2).source_id or "")
    world.add("salesforce", "leads", salesforce_lead(2, LastName="Hidden"))
    _sync(world, 1)
    events = _told(world)
    failed = {name for name, one in checked(events).items() if not one.passed}
    assert failed == {"land/salesforce/leads:complete", "proof/salesforce:ledger"}
    assert PROOF not in materialized(events)
    (said,) = [e for e in events if isinstance(e, dg.AssetObservation) and e.asset_key == PROOF]
    assert said.description
    assert said.description.startswith(
        "salesforce/leads: the source counted 2, handed out 1; missing 1 between "
    )
    assert _unproved(world) == [said.description], "hub status says the same"
    last = _last(world)
    world.salesforce.hidden.clear()
    flow.sync(world.hub, ["salesforce"])
    events = _told(world, last)
    assert checked(events).keys() >= failed
    assert all(one.passed for one in checked(events).values())
    assert PROOF in materialized(events)
    assert _unproved(world) == []


def _unproved(world: World) -> list[str]:
    with world.db.engine.begin() as conn:
        return unproved(conn, "salesforce")


def test_a_good_batch_of_another_kind_turns_no_red_check_green(world: World) -> None:
    _sync(world, 1)
    last = _last(world)
    remap(world.hub, "salesforce", "leads")
    events = _told(world, last)
    assert set(checked(events)) == {"normalize/salesforce/leads:drift"}
    assert PROOF not in materialized(events)
