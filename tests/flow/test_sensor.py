"""Dagster gets each event outside of it once, by asset, without values of a person."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg
from pydantic import SecretStr
from sqlalchemy import Connection, text

from hub.assets.sensors import Event, outside_events, told
from hub.clock import SystemClock
from hub.etl import flow
from hub.etl import stage_reports as etl_reports
from hub.etl.completeness import unproved
from hub.etl.reprocess import remap
from hub.etl.stage_reports import Subject
from hub.live.tally import Tally
from hub.live.worker import run_until_empty
from hub.model.records import RawRecord
from hub.records import batch_history, stage_reports
from hub.records.stage_reports import Mark, reports_after
from hub.settings.sources import (
    HubspotSettings,
    MailchimpSettings,
    TypeformSettings,
    ZendeskSettings,
)
from tests.flow.conftest import (
    START,
    World,
    hubspot_contact,
    mailchimp_member,
    salesforce_lead,
    typeform_answer,
    zendesk_user,
)
from tests.lives import HandVendors, hint, put

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
    reports = etl_reports.reports_since(world.hub, after)
    with world.db.engine.begin() as conn:
        return list(outside_events(conn, reports, known, world.hub.mappings, most_recovered=3))


def _last(world: World) -> int:
    return etl_reports.reports_since(world.hub, 0)[-1].id


def materialized(events: list[Event]) -> dict[dg.AssetKey, dg.AssetMaterialization]:
    return {e.asset_key: e for e in events if isinstance(e, dg.AssetMaterialization)}


def checked(events: list[Event]) -> dict[str, dg.AssetCheckEvaluation]:
    return {
        f"{e.asset_key.to_user_string()}:{e.check_name}": e
        for e in events
        if isinstance(e, dg.AssetCheckEvaluation)
    }


HOOKED = {
    "hubspot": ("contacts", HubspotSettings(webhook_secret=SecretStr("s"))),
    "mailchimp": ("members", MailchimpSettings(webhook_secret=SecretStr("s"))),
    "typeform": ("responses", TypeformSettings(webhook_secret=SecretStr("s"))),
    "zendesk": ("users", ZendeskSettings(webhook_secret=SecretStr("s"))),
}


class LaterClock(SystemClock):
    """The present, so many minutes later."""

    minutes = 0

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=self.minutes)


def _person(source: str, n: int, at: datetime) -> RawRecord:
    s = round((at - START).total_seconds())
    email, name = f"{source}{n}@p{n}.example.com", f"N{source}{n}"
    if source == "hubspot":
        return hubspot_contact(n, at=s, email=email, lastname=name, lifecyclestage="lead")
    if source == "mailchimp":
        return mailchimp_member(
            f"m{n}", at=s, email_address=email, member_rating=5, merge_fields={"LNAME": name}
        )
    if source == "zendesk":
        return zendesk_user(n, at=s, name=name, email=email)
    return typeform_answer(f"t{n}", at=s, email=email, last_name=name)


def test_what_webhooks_missed_in_half_an_hour_comes_by_one_poll_and_the_check_says_so(
    world: World,
) -> None:
    """The gateway and the worker are down, and so is the rest of the hub."""
    clock = LaterClock()
    blocks = {source: block for source, (_, block) in HOOKED.items()}
    sources = world.hub.settings.sources.model_copy(update=blocks)
    settings = world.hub.settings.model_copy(update={"sources": sources})
    hub = replace(world.hub, clock=clock, settings=settings)
    flow.sync(hub, list(HOOKED))
    missed = {"hubspot": 7, "mailchimp": 5, "typeform": 4, "zendesk": 3}
    began = clock.now()
    for source, (stream, _) in HOOKED.items():  # each webhook has worked
        world.add(source, stream, first := _person(source, 1, began))
        put(hub.engine, hint(source, stream, first.source_id))
    run_until_empty(hub, HandVendors(world.vendors))
    for source, (stream, _) in HOOKED.items():
        for n in range(missed[source]):
            world.add(source, stream, _person(source, n + 2, began + timedelta(minutes=1 + 3 * n)))
        # it is younger than five minutes: its webhook may come yet
        world.add(source, stream, _person(source, 90, began + timedelta(minutes=29)))
    clock.minutes = 30
    mark = _last(world)
    report = flow.sync(hub, list(HOOKED))
    assert {o.source: o.recovered_n for o in report.ledgers if o.recovered_n} == missed
    with world.db.engine.begin() as conn:
        shown = {o.source: o.objects for o in batch_history.recovered(conn)}
    assert shown == missed, "hub status"
    leads = world.rows("SELECT email FROM crm.lead WHERE owner_id IS NOT NULL")
    assert len(leads) == sum(n + 2 for source, n in missed.items() if source != "zendesk")

    known = {
        *(dg.AssetKey(["land", source, stream]) for source, (stream, _) in HOOKED.items()),
        *(dg.AssetKey(["proof", source]) for source in HOOKED),
    }
    told = checked(_told(world, mark, known))
    for source, (stream, _) in HOOKED.items():
        one = told[f"land/{source}/{stream}:recovered"]
        assert one.metadata["recovered"].value == missed[source]
        assert one.passed is (missed[source] <= 3)
        assert one.severity is dg.AssetCheckSeverity.WARN
        assert one.passed or f"{missed[source]} new objects were missed" in str(one.description)
    flow.sync(hub, list(HOOKED))
    with world.db.engine.begin() as conn:
        assert not batch_history.recovered(conn), "the next poll finds nothing"


def test_a_sync_by_hand_is_an_event_of_every_asset_it_touched(world: World) -> None:
    _sync(world, 1)
    events = _told(world)
    assert set(materialized(events)) == KNOWN
    figures = materialized(events)[LEADS].metadata
    assert (figures["changed"].value, figures["rows_read"].value) == (1, 1)
    assert all(one.passed for one in checked(events).values())
    assert "Roche" not in str(events)
    assert etl_reports.reports_since(world.hub, _last(world)) == []


def test_what_dagster_ran_itself_is_not_told_again(world: World) -> None:
    _sync(world, 1, in_dagster=True)
    assert etl_reports.reports_since(world.hub, 0), "the hub itself keeps them"
    assert _told(world) == []
    _sync(world, 2)
    assert set(materialized(_told(world))) == KNOWN


def test_counts_of_a_tick_are_summed_up_and_unknown_assets_left_out(world: World) -> None:
    _sync(world, 1)
    _sync(world, 2)
    (event,) = materialized(_told(world, known={LEADS})).values()
    assert event.metadata["changed"].value == 2


def test_a_worker_reports_the_seconds_in_which_its_stages_worked(world: World) -> None:
    clock = iter([0.0, 2.0, 2.5, 60.0, 61.0])
    tally = Tally(world.hub, lambda: next(clock))
    tally.begin()
    tally.add("match", {"matched": 1}, Subject())
    tally.add("load", {"leads_created": 1}, Subject())
    tally.begin()  # it has waited meanwhile
    tally.add("match", {"matched": 2}, Subject())
    tally.report()
    by_stage = {one.stage: one for one in etl_reports.reports_since(world.hub, 0)}
    assert {stage: round(one.seconds, 1) for stage, one in by_stage.items()} == {
        "match": 3.0, "load": 0.5,
    }  # fmt: skip
    assert by_stage["match"].counts == {"matched": 3}
    events = _told(world)
    assert told(events) == f"reported what ran outside Dagster: {len(events)} events of assets"
    assert told([]) == "nothing happened outside Dagster"


def test_a_sensor_that_is_new_begins_with_the_latest_reports(world: World) -> None:
    _sync(world, 1)
    every = etl_reports.reports_since(world.hub, 0)
    assert etl_reports.reports_since(world.hub, None) == every


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
    assert told(events).endswith(f"of which failed: {', '.join(sorted(failed))}"), (
        "the tick says it"
    )
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


def _report(conn: Connection, *stages: str) -> None:
    for stage in stages:
        stage_reports.report_stage(conn, stage, {"n": 1}, seconds=0)


def _look(world: World, mark: Mark | None, most: int = 100) -> tuple[list[str], Mark | None]:
    with world.db.engine.begin() as conn:
        found, mark = reports_after(conn, mark, most)
    return [one.stage for one in found], mark


def _late(conn: Connection) -> None:
    """A report whose id is below the last one."""
    conn.execute(
        text(
            "INSERT INTO ops.stage_report (id, stage, counts, seconds) OVERRIDING SYSTEM VALUE "
            "SELECT max(id) - 1, 'late', '{}', 0 FROM ops.stage_report"
        )
    )


def test_a_report_that_is_committed_late_is_told_once_whatever_its_id(world: World) -> None:
    """The id is given before the commit: a report with a lower id may appear after a look."""
    engine = world.db.engine
    with engine.begin() as conn:
        _report(conn, "first")
    told, mark = _look(world, None)
    assert told == ["first"]
    with engine.connect() as slow:
        _report(slow, "slow")
        with engine.begin() as conn:
            _report(conn, "fast")
        told, mark = _look(world, mark)
        assert told == [], "neither, while one of them is under way"
        slow.commit()
    told, mark = _look(world, mark)
    assert told == ["slow", "fast"]
    with engine.begin() as conn:
        conn.execute(text("SELECT nextval(pg_get_serial_sequence('ops.stage_report', 'id'))"))
        _report(conn, "next")
    told, mark = _look(world, mark)
    assert told == ["next"]
    with engine.begin() as conn:
        _late(conn)
    told, mark = _look(world, mark)
    assert told == ["late"], "its id is below the last one that was told"
    assert _look(world, mark)[0] == []


def test_a_backlog_is_read_in_parts_and_a_mark_of_another_server_is_read_by_ids(
    world: World,
) -> None:
    many = [f"many {n}" for n in range(5)]
    with world.db.engine.begin() as conn:
        _report(conn, "first")
    _, mark = _look(world, None)
    with world.db.engine.begin() as conn:
        _report(conn, *many)
    seen: list[str] = []
    for _ in range(4):
        told, mark = _look(world, mark, most=2)
        seen += told
    assert seen == many
    assert mark is not None
    assert Mark.of_text(mark.to_text()) == mark
    restored = Mark(mark.id, mark.before + 10**6)
    with world.db.engine.begin() as conn:
        _report(conn, "after a restore")
    assert _look(world, restored)[0] == ["after a restore"]
    of_an_older_version = Mark.of_text(str(mark.id))
    assert _look(world, of_an_older_version)[0] == ["after a restore"]
