"""Why a source record is gone is kept with it, and goes with its versions through an undo."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hub.etl import flow, reprocess
from hub.mappings.loader import load_all
from hub.model.verdicts import Op
from tests.flow.conftest import START, World, salesforce_lead
from tests.flow.test_reprocess import _changed

WHY = (
    "SELECT source_id, target, gone_why FROM ops.source_record WHERE gone_at IS NOT NULL "
    "ORDER BY source_id, target"
)


def gone(world: World) -> list[tuple[str, str, str]]:
    return [(row.source_id[-6:], row.target, row.gone_why) for row in world.rows(WHY)]


def test_each_way_to_go_has_its_cause(world: World, tmp_path: Path) -> None:
    world.add("salesforce", "leads", *(salesforce_lead(n, LastName=f"M{n}") for n in (1, 2, 3)))
    flow.sync(world.hub, ["salesforce"])
    merged = salesforce_lead(2, at=60, op=Op.MERGE_INTO, into="00Q000000000001AAA")
    world.add("salesforce", "leads", salesforce_lead(1, at=60, op=Op.DELETE), merged)
    flow.sync(world.hub, ["salesforce"])
    assert gone(world) == [
        ("001AAA", "person", "deleted"),
        ("002AAA", "person", "merged"),
    ]
    folder = _changed(
        tmp_path / "m", "deleted: {is_true: IsDeleted}",
        "deleted: {is_true: IsDeleted}\nwhen: {not_equals: {path: LastName, value: M3}}",
    )  # fmt: skip
    reprocess.remap(replace(world.hub, mappings=load_all(folder)), "salesforce", "leads")
    assert ("003AAA", "person", "excluded") in gone(world)
    reprocess.remap(world.hub, "salesforce", "leads")
    assert ("003AAA", "person", "excluded") not in gone(world), "what lives again has no cause"


def test_a_version_keeps_the_cause_it_was_gone_for(world: World) -> None:
    lead = salesforce_lead(1, LastName="Moreau")
    world.add("salesforce", "leads", lead)
    flow.sync(world.hub, ["salesforce"])
    world.add("salesforce", "leads", salesforce_lead(1, at=60, op=Op.DELETE))
    flow.sync(world.hub, ["salesforce"])
    back = START + timedelta(seconds=120)
    world.add("salesforce", "leads", replace(lead, at=back, version=back.isoformat()))
    flow.sync(world.hub, ["salesforce"])
    assert gone(world) == []
    kept = world.rows("SELECT gone_why FROM ops.record_version ORDER BY replaced_by")
    assert [row.gone_why for row in kept] == [None, "deleted"]
