"""Refused records are mapped again, streams are remapped, and no vendor is asked for it."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.db.locks import source_locks
from hub.errors import ConfigError
from hub.etl import flow, remap_preview, reprocess
from hub.etl.context import Hub
from hub.mappings.files import HERE
from hub.mappings.loader import load_all
from hub.model.verdicts import Op
from hub.records import batches
from hub.records import requeue as landing
from hub.views.encoding import to_json
from hub.views.remapping import remap_plan
from tests.flow.conftest import START, World, prepared, salesforce_lead

OPEN = "SELECT id, field FROM landing.quarantine WHERE resolved_at IS NULL ORDER BY id"


def _lead(number: int, **values: Any) -> Any:
    known = {"LastName": f"Roche{number}", "Email": f"eve{number}@r{number}.example.com"}
    return salesforce_lead(number, **{**known, **values})


class _Closed:
    """A vendor that must not be asked anything."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the vendor was asked: {name}")


def _without_vendor(world: World, folder: Path | None = None) -> Hub:
    return replace(world.hub, connector=lambda _source: _Closed(), mappings=load_all(folder))


def _changed(folder: Path, old: str, new: str) -> Path:
    words = (HERE / "salesforce/leads.yaml").read_text()
    assert old in words
    (folder / "salesforce").mkdir(parents=True)
    (folder / "salesforce/leads.yaml").write_text(words.replace(old, new))
    return folder


@prepared
def loaded(world: World) -> World:
    """Three leads, of which one has an impossible e-mail address."""
    world.salesforce.objects["leads"] = [
        _lead(1, City="Lyon"), _lead(2, Email="jean..dupont@@nowhere"), _lead(3)
    ]  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    assert [row.field for row in world.rows(OPEN)] == ["email"]
    return world


def test_what_is_still_wrong_is_written_anew_and_stands_once(loaded: World) -> None:
    (before,) = loaded.rows(OPEN)
    report = reprocess.retry(_without_vendor(loaded), [before.id])
    assert (report.queued, report.quarantined, report.verdicts) == (1, 1, {"unchanged": 1})
    (after,) = loaded.rows(OPEN)
    assert after.id != before.id


def test_a_retry_takes_the_mapping_of_today(loaded: World, tmp_path: Path) -> None:
    words = (HERE / "salesforce/leads.yaml").read_text()
    line = next(one for one in words.splitlines() if one.strip().startswith("email:"))
    new = line.replace(line.strip(), "email: {const: eve@r.example.com}")
    hub = _without_vendor(loaded, _changed(tmp_path / "m", line, new))
    report = reprocess.retry(hub)
    assert (report.queued, report.quarantined, report.verdicts) == (1, 0, {"updated": 1})
    assert report.holds
    assert not loaded.rows(OPEN)
    kept = "SELECT 1 FROM crm.lead WHERE email = 'eve@r.example.com'"
    assert len(loaded.rows(kept)) == 1
    assert [
        b.kind for b in loaded.rows("SELECT kind FROM ops.batch WHERE state = 'done' ORDER BY id")
    ] == ["sync", "retry"]


def test_of_two_retries_at_once_the_second_finds_nothing_left(
    loaded: World, tmp_path: Path
) -> None:
    words = (HERE / "salesforce/leads.yaml").read_text()
    line = next(one for one in words.splitlines() if one.strip().startswith("email:"))
    new = line.replace(line.strip(), "email: {const: eve@r.example.com}")
    hub = _without_vendor(loaded, _changed(tmp_path / "m", line, new))
    with ThreadPoolExecutor(2) as pool:
        with source_locks(hub.engine, ["salesforce"]):
            both = [pool.submit(reprocess.retry, hub) for _ in range(2)]
            _until_waiting(loaded, 2)
        assert sorted(one.result(20).queued for one in both) == [0, 1]


def _until_waiting(world: World, n: int) -> None:
    """Wait until so many sessions wait for an advisory lock."""
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    deadline = time.monotonic() + 20
    while len(world.rows(waiting)) < n:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_retry_of_a_row_that_is_not_there_is_refused(loaded: World) -> None:
    with pytest.raises(ConfigError, match="no quarantine row 4711"):
        reprocess.retry(_without_vendor(loaded), [4711])


def test_a_retry_of_one_source_leaves_the_others(loaded: World) -> None:
    assert reprocess.retry(_without_vendor(loaded), source="typeform").queued == 0
    assert len(loaded.rows(OPEN)) == 1


def test_an_interrupted_sync_comes_first(loaded: World) -> None:
    flow.begin(loaded.hub, "salesforce")
    with pytest.raises(ConfigError, match="interrupted"):
        reprocess.retry(_without_vendor(loaded))


TITLES = "SELECT title FROM crm.lead WHERE title IS NOT NULL ORDER BY 1"


def test_a_remap_takes_the_history_along_and_asks_no_vendor(loaded: World, tmp_path: Path) -> None:
    hub = _without_vendor(loaded, _changed(tmp_path / "m", "title: Title", "title: City"))
    plan: Any = to_json(
        remap_plan(remap_preview.preview(hub, "salesforce", "leads"), with_values=False)
    )
    assert plan["would_change"] == 1
    assert plan["verdicts"] == {"unchanged": 2, "updated": 1}
    assert plan["examples"] == [
        {
            "source_id": salesforce_lead(1).source_id,
            "verdict": "updated",
            "fields": ["person.title"],
            "before": None,
            "after": None,
        }
    ]
    told = remap_plan(remap_preview.preview(hub, "salesforce", "leads"), with_values=True).examples[
        0
    ]
    assert (told.before, told.after) == ({"person.title": None}, {"person.title": "Lyon"})
    assert not loaded.rows(TITLES), "a rehearsal changes nothing"

    rung = loaded.rows("SELECT count(*) FROM ops.outbox")[0][0]
    report = reprocess.remap(hub, "salesforce", "leads")
    assert (report.queued, report.verdicts) == (3, {"unchanged": 2, "updated": 1})
    assert report.holds
    assert [row.title for row in loaded.rows(TITLES)] == ["Lyon"]
    assert len(loaded.rows(OPEN)) == 1
    assert loaded.rows("SELECT count(*) FROM ops.outbox")[0][0] == rung
    assert reprocess.remap(hub, "salesforce", "leads").verdicts == {"unchanged": 3}


def test_a_record_that_the_mapping_now_excludes_is_counted_and_withdrawn(
    loaded: World, tmp_path: Path
) -> None:
    folder = _changed(
        tmp_path / "m", "deleted: {is_true: IsDeleted}",
        "deleted: {is_true: IsDeleted}\nwhen: {not_equals: {path: City, value: Lyon}}",
    )  # fmt: skip
    hub = _without_vendor(loaded, folder)
    plan = remap_preview.preview(hub, "salesforce", "leads")
    assert (plan.changed, dict(plan.verdicts)) == (1, {"excluded": 1, "unchanged": 2})
    assert reprocess.remap(hub, "salesforce", "leads").verdicts == {"excluded": 1, "unchanged": 2}
    gone = "SELECT count(*) FROM ops.source_record WHERE gone_at IS NOT NULL"
    assert loaded.rows(gone)[0][0] == 1


def test_a_new_lead_of_a_remap_rings_nobody(loaded: World, tmp_path: Path) -> None:
    strict = _changed(
        tmp_path / "m", "deleted: {is_true: IsDeleted}",
        "deleted: {is_true: IsDeleted}\nwhen: {not_equals: {path: City, value: Paris}}",
    )  # fmt: skip
    loaded.salesforce.objects["leads"].append(_lead(9, City="Paris"))
    flow.sync(replace(loaded.hub, mappings=load_all(strict)), ["salesforce"])
    assert loaded.rows("SELECT count(*) FROM crm.lead")[0][0] == 3
    assert reprocess.remap(_without_vendor(loaded), "salesforce", "leads").verdicts == {
        "created": 1, "unchanged": 3
    }  # fmt: skip
    assert not loaded.rows("SELECT 1 FROM crm.alert WHERE event <> 'leads_digest'")


def test_a_remap_that_was_killed_does_not_hold_up_the_next_sync(loaded: World) -> None:
    with loaded.hub.engine.begin() as conn:
        batch = batches.open_batch(conn, source="salesforce", kind="remap", lane="bulk")
        landing.queue_newest(conn, batch=batch.id, source="salesforce", stream="leads", lane="bulk")
    flow.sync(loaded.hub, ["salesforce"])
    states = "SELECT kind, state FROM ops.batch ORDER BY id"
    assert [tuple(row) for row in loaded.rows(states)] == [
        ("sync", "done"), ("remap", "done"), ("sync", "done")
    ]  # fmt: skip
    assert not loaded.rows("SELECT 1 FROM ops.verdict WHERE verdict IS NULL")


def test_a_stream_without_a_mapping_is_refused(loaded: World) -> None:
    with pytest.raises(ConfigError, match="there is no mapping"):
        reprocess.remap(_without_vendor(loaded), "salesforce", "leads_")


def _fix(world: World, row: int, **said: str) -> reprocess.Reprocessed:
    known = {"field": "email", "value": "jean.dupont@r2.example.com", "who": "ada"}
    return reprocess.fix(_without_vendor(world), reprocess.Fix(row, **{**known, **said}))


EMAIL = "SELECT email FROM crm.lead l JOIN ops.source_record s USING (entity_id) WHERE s.source_id = :id"
SECOND = salesforce_lead(2).source_id


def test_a_correction_goes_through_the_mapping_and_the_raw_record_stays(loaded: World) -> None:
    sent = loaded.rows("SELECT id, payload::text AS p FROM landing.raw ORDER BY id")
    (row,) = loaded.rows(OPEN)
    report = _fix(loaded, row.id, value=" <jean.dupont@r2.example.com> ")
    assert (report.queued, report.quarantined, report.verdicts) == (1, 0, {"updated": 1})
    assert report.holds
    assert not loaded.rows(OPEN)
    assert loaded.rows(EMAIL, id=SECOND)[0].email == "jean.dupont@r2.example.com"
    assert loaded.rows("SELECT id, payload::text AS p FROM landing.raw ORDER BY id") == sent
    (kept,) = loaded.rows("SELECT field, path, who, quarantine_id, at FROM landing.correction")
    assert (kept.field, kept.path, kept.who, kept.quarantine_id) == (
        "email",
        "Email",
        "ada",
        row.id,
    )
    assert kept.at is not None
    kinds = loaded.rows("SELECT kind, state FROM ops.batch ORDER BY id")
    assert [tuple(one) for one in kinds] == [("sync", "done"), ("fix", "done")]


def test_a_correction_outlives_a_remap_and_the_same_content_delivered_again(loaded: World) -> None:
    _fix(loaded, loaded.rows(OPEN)[0].id)
    hub = _without_vendor(loaded)
    assert remap_preview.preview(hub, "salesforce", "leads").changed == 0
    assert reprocess.remap(hub, "salesforce", "leads").verdicts == {"unchanged": 3}
    bad = loaded.salesforce.objects["leads"][1]
    loaded.add("salesforce", "leads", salesforce_lead(2, at=5_000, op=Op.DELETE))
    flow.sync(loaded.hub, ["salesforce"])
    loaded.salesforce.objects["leads"] = [replace(bad, at=START + timedelta(seconds=6_000))]
    flow.sync(loaded.hub, ["salesforce"])
    assert len(loaded.rows("SELECT 1 FROM landing.raw WHERE source_id = :id", id=SECOND)) == 3
    assert not loaded.rows(OPEN)
    assert loaded.rows(EMAIL, id=SECOND)[0].email == "jean.dupont@r2.example.com"


def test_a_newer_version_of_the_vendor_wins_over_a_correction(loaded: World) -> None:
    _fix(loaded, loaded.rows(OPEN)[0].id)
    loaded.add("salesforce", "leads", _lead(2, at=5_000, Email="new@r2.example.com"))
    flow.sync(loaded.hub, ["salesforce"])
    assert loaded.rows(EMAIL, id=SECOND)[0].email == "new@r2.example.com"
    assert len(loaded.rows("SELECT 1 FROM landing.correction")) == 1, "the history stays"


def test_a_correction_that_is_wrong_too_is_refused_by_the_same_rule_and_made_anew(
    loaded: World,
) -> None:
    report = _fix(loaded, loaded.rows(OPEN)[0].id, value="still@@wrong")
    assert (report.quarantined, report.verdicts) == (1, {"unchanged": 1})
    (row,) = loaded.rows(OPEN)
    assert _fix(loaded, row.id).verdicts == {"updated": 1}
    assert loaded.rows(EMAIL, id=SECOND)[0].email == "jean.dupont@r2.example.com"
    with pytest.raises(ConfigError, match="is closed"):
        _fix(loaded, row.id)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"field": "emial"}, "not a field of salesforce/leads and not a place"),
        ({"field": "Email[0]"}, "not a field"),
        ({"value": "half \ud800"}, "not valid text"),
    ],
)
def test_a_correction_that_has_no_place_changes_nothing(
    loaded: World, said: dict[str, str], words: str
) -> None:
    (row,) = loaded.rows(OPEN)
    with pytest.raises(ConfigError, match=words):
        _fix(loaded, row.id, **said)
    assert loaded.rows(OPEN) == [row]
    assert not loaded.rows("SELECT 1 FROM landing.correction")


def test_a_correction_comes_too_late_where_a_newer_version_has_landed(loaded: World) -> None:
    (row,) = loaded.rows(OPEN)
    loaded.add("salesforce", "leads", salesforce_lead(2, at=5_000, op=Op.DELETE))
    flow.sync(loaded.hub, ["salesforce"])
    with pytest.raises(ConfigError, match=r"is closed|newer version"):
        _fix(loaded, row.id)
    assert not loaded.rows("SELECT 1 FROM landing.correction")
