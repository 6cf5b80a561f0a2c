"""Custom fields of a migration's plan: proposed by the dry run, defined by the real run, taken back by undo."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.actions.batches import migrate, planned_fields
from hub.actions.batches.undo import preview_undo, undo_batch
from hub.actions.context import Acting, Begun, Context
from hub.actions.people.edit import edit
from hub.actions.setup import custom_field
from hub.cli.reconcile_page import render
from hub.crm.custom_fields import CustomField
from hub.errors import ActionError, ConfigError
from hub.etl import flow
from hub.mappings.loader import load_all
from hub.undo.report import Kept
from hub.views.decisions import decisions
from hub.views.reconciliation import reconciliation
from tests.acting import done
from tests.flow.conftest import World, salesforce_lead
from tests.flow.test_migrate import WHO, place
from tests.flow.test_undo import but_turns, crm

__all__ = ["place"]
ANSWERS = """
fields:
  leads:
    Budget__c: {type: number, name: Budget in EUR}
    Region__c: {type: list, choices: [North, South]}
    Size__c: {type: list, choices: [Small, Large]}
    Odd__c: {type: colour}
    Left__c: ~
"""


def fields(world: World) -> dict[str, tuple[str, str, list[str]]]:
    rows = world.rows("SELECT key, name, type, choices FROM crm.custom_field WHERE object = 'lead'")
    return {row.key: (row.name, row.type, row.choices) for row in rows}


@pytest.fixture
def answered(world: World, tmp_path: Path) -> World:
    (tmp_path / "salesforce").mkdir()
    (tmp_path / "salesforce" / "answers.yaml").write_text(ANSWERS)
    settings = world.hub.settings.model_copy(update={"mappings_dir": tmp_path})
    world.hub = replace(world.hub, settings=settings, mappings=load_all(tmp_path))
    size = CustomField("lead", "Size__c", "Size", "list", ("small",))
    with world.db.engine.begin() as conn:
        done(conn, custom_field.add, "operator", size)
    values = {"Budget__c": 1200.5, "Region__c": "North", "Size__c": "Large", "Left__c": "as it is"}
    world.add("salesforce", "leads", salesforce_lead(1, LastName="Abara", **values))
    return world


def outcomes(found: Any) -> dict[str, str]:
    return {one.key: one.outcome for one in found.fields}


def test_fields_are_planned_defined_and_taken_back(answered: World, place: Any) -> None:
    world, before = answered, crm(answered)
    wanted = {
        "Budget__c": "new",
        "Region__c": "new",
        "Size__c": "more choices",
        "Odd__c": "refused",
    }

    tried = migrate.dry_run(world.hub, place, WHO, "salesforce")

    assert outcomes(tried) == wanted
    (odd,) = [one for one in tried.fields if one.outcome == "refused"]
    assert "'colour' is not a type of field" in odd.why
    assert crm(world) == before, "a dry run defines nothing"
    batch = tried.migration.batch.id
    real = migrate.apply_plan(world.hub, place, WHO, batch)
    assert outcomes(real) == wanted
    assert fields(world) == {
        "Budget__c": ("Budget in EUR", "number", []),
        "Region__c": ("Region", "list", ["North", "South"]),
        "Size__c": ("Size", "list", ["small", "Large"]),
    }
    (lead,) = world.rows("SELECT custom_fields AS held FROM crm.lead")
    assert lead.held == {
        "Budget__c": 1200.5, "Region__c": "North", "Size__c": "Large", "Left__c": "as it is"
    }  # fmt: skip
    with world.db.engine.begin() as conn:
        proof = reconciliation(conn, batch)
    decided = decisions(world.hub.settings.mappings_dir, "salesforce")
    assert proof is not None
    assert "<td>leads.Budget__c</td><td>Budget in EUR, number</td>" in render(proof, decided)
    assert [one.of for one in decided] == [f"leads.{name}" for name in wanted]
    told = preview_undo(world.db.engine, WHO, batch)
    assert told.reverted["fields"] == 3
    assert undo_batch(world.db.engine, WHO, batch).reverted["fields"] == 3
    assert but_turns(crm(world)) == but_turns(before)


def test_a_field_that_was_used_or_changed_stays(answered: World) -> None:
    world = answered
    done_ = migrate.run(world.hub, WHO, "salesforce")
    with world.db.engine.begin() as conn:
        done(conn, custom_field.edit, "operator", "lead", "Budget__c", name="Budget")
        (lead,) = conn.exec_driver_sql("SELECT id FROM crm.lead").all()
        done(conn, edit, "operator", f"lead/{lead.id}", {"custom_fields.Region__c": "South"})

    told = preview_undo(world.db.engine, WHO, done_.migration.batch.id)
    report = undo_batch(world.db.engine, WHO, done_.migration.batch.id)

    assert (told.reverted, told.edited, told.blocked) == (
        report.reverted, report.edited, report.blocked,
    )  # fmt: skip
    assert report.reverted["fields"] == 1
    assert (
        Kept("field lead.Budget__c", (), "a user has changed its definition since") in report.edited
    )
    assert Kept("field lead.Region__c", (), "records that stay have values in it") in report.blocked
    assert set(fields(world)) == {"Budget__c", "Region__c", "Size__c"}
    assert fields(world)["Size__c"][2] == ["small"]


def test_a_field_stays_for_a_value_from_before_the_migration_and_the_preview_says_so(
    answered: World,
) -> None:
    world = answered
    flow.sync(world.hub, ["salesforce"])  # its values come before their fields are defined
    later = salesforce_lead(1, at=90, LastName="Abara", Title="CEO", Budget__c=9.0, Region__c=None)
    world.add("salesforce", "leads", later)
    batch = migrate.run(world.hub, WHO, "salesforce").migration.batch.id

    told = preview_undo(world.db.engine, WHO, batch)
    report = undo_batch(world.db.engine, WHO, batch)

    kept = {one.name for one in report.blocked}
    assert {"field lead.Budget__c", "field lead.Region__c"} <= kept
    assert (told.reverted, told.edited, told.blocked) == (
        report.reverted, report.edited, report.blocked,
    )  # fmt: skip


def test_a_migration_that_goes_on_by_itself_defines_its_fields(answered: World, place: Any) -> None:
    world = answered
    batch = migrate.dry_run(world.hub, place, WHO, "salesforce").migration.batch.id

    def begun_by(who: str) -> Acting:
        return lambda conn: Context(conn, Begun(batch, who), world.hub.clock)

    with pytest.raises(ActionError, match="not an active member"):
        planned_fields.define(world.hub, begun_by("mallory"), batch)
    assert "Budget__c" not in fields(world)
    planned_fields.define(world.hub, begun_by("operator"), batch)
    first = fields(world)
    assert first["Budget__c"][1] == "number"
    planned_fields.define(world.hub, begun_by("operator"), batch)
    assert fields(world) == first, "twice is once"


def test_wrong_answers_are_refused_before_anything_is_read(answered: World, place: Any) -> None:
    """A pipeline, a stage and a user that the hub does not have: one message names all of them."""
    folder = answered.hub.settings.mappings_dir
    assert folder is not None
    (Path(folder) / "salesforce" / "answers.yaml").write_text(
        "pipelines:\n  Renewal: Renewals\n  New: {pipeline: sales, stages: {Talk: Qualfied}}\n"
        "owners:\n  005A: ana@acme.example.com\n"
    )
    for act in (
        lambda: migrate.dry_run(answered.hub, place, WHO, "salesforce"),
        lambda: migrate.run(answered.hub, WHO, "salesforce"),
    ):
        with pytest.raises(ConfigError) as told:
            act()
        lines = str(told.value).splitlines()
        assert [line.partition("answers.yaml: ")[2] for line in lines] == [
            "pipelines.Renewal: there is no pipeline 'Renewals'",
            "pipelines.New.stages: sales has no stage 'Qualfied'; the nearest is 'Qualified'",
            "owners.005A: ana@acme.example.com is no active user",
        ]
        assert "hub pipeline add 'Renewals' --stages" in (told.value.hint or "")
    assert not answered.rows("SELECT 1 FROM ops.batch WHERE kind = 'migrate'")
