"""The verdict of an object, as `reporting.source_records` derives it from the verdicts of batches."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hub.actions.batches.undo import undo_batch
from hub.etl import flow, reprocess
from hub.mappings.loader import load_all
from hub.model.verdicts import Op
from tests.acting import acting
from tests.flow.conftest import World, salesforce_lead

NAMES = {"FirstName": "Lea", "LastName": "Moreau", "Email": "lea@moreau.example.com"}
LYON = "deleted: {is_true: IsDeleted}\nwhen: {not_equals: {path: City, value: Lyon}}"
Step = Callable[[World, Path], None]


def shown(world: World) -> str | None:
    (row,) = world.rows("SELECT verdict FROM reporting.source_records WHERE stream = 'leads'")
    verdict: str | None = row.verdict
    return verdict


def _bring(world: World, *, at: int, op: Op = Op.UPSERT, **values: str) -> None:
    world.salesforce.objects["leads"] = [salesforce_lead(1, at=at, op=op, **NAMES, **values)]
    flow.sync(world.hub, ["salesforce"])


def updated(world: World, _folder: Path) -> None:
    _bring(world, at=2, City="Lyon")


def read_again(world: World, _folder: Path) -> None:
    flow.sync(world.hub, ["salesforce"], full=True)


def touched(world: World, _folder: Path) -> None:
    """A newer version of which the mapping reads nothing new."""
    _bring(world, at=3, City="Lyon", Unread__c="x")


def deleted(world: World, _folder: Path) -> None:
    _bring(world, at=4, op=Op.DELETE)


def undone(world: World, _folder: Path) -> None:
    (last,) = world.rows("SELECT max(id) FROM ops.batch WHERE kind = 'sync'")
    undo_batch(world.db.engine, acting("operator"), last[0])


def left_out(world: World, folder: Path) -> None:
    """The mapping changes: it excludes the lead."""
    words = (Path(reprocess.__file__).parents[1] / "mappings/salesforce/leads.yaml").read_text()
    (folder / "salesforce").mkdir(parents=True)
    changed = words.replace("deleted: {is_true: IsDeleted}", LYON)
    (folder / "salesforce/leads.yaml").write_text(changed)
    reprocess.remap(replace(world.hub, mappings=load_all(folder)), "salesforce", "leads")


def taken_in(world: World, _folder: Path) -> None:
    """The mapping is changed back."""
    reprocess.remap(world.hub, "salesforce", "leads")


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ([], "created"),
        ([read_again], "created"),
        ([updated], "updated"),
        ([updated, read_again], "updated"),
        ([updated, touched], "updated"),
        ([updated, undone], "created"),
        ([updated, deleted], "deleted"),
        ([updated, deleted, undone], "updated"),
        ([updated, left_out], "excluded"),
        ([updated, left_out, taken_in], "updated"),
    ],
    ids=lambda steps: "-".join(s.__name__ for s in steps) if isinstance(steps, list) else steps,
)
def test_the_verdict_of_an_object_is_the_last_that_says_something(
    world: World, tmp_path: Path, steps: list[Step], verdict: str
) -> None:
    _bring(world, at=1)
    for step in steps:
        step(world, tmp_path / "mappings")
    assert shown(world) == verdict


def test_what_was_undone_altogether_is_not_shown(world: World, tmp_path: Path) -> None:
    _bring(world, at=1)
    undone(world, tmp_path)
    assert not world.rows("SELECT 1 FROM reporting.source_records WHERE stream = 'leads'")
