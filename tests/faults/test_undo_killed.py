"""kill -9 in the middle of an undo, and again: the end, and the report, of the undisturbed one."""

import signal
from typing import Any

import pytest

from tests.faults.conftest import copy_of, state_of
from tests.faults.test_kill import CRASHING
from tests.processes import House

IN_A_ROW = ("inside a chunk of undo", "between two chunks of undo", "before the undo is closed")


def _load_of(made: House) -> int:
    """The number of the batch that loaded Salesforce."""
    return int(next(b["id"] for b in made.document("batches") if b["source"] == "salesforce"))


def _left(made: House) -> int:
    return int(made.document("sql", "SELECT count(*) AS n FROM crm.lead")[0]["n"])


@pytest.fixture(scope="module")
def calm(undisturbed_load: House) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report of an undo in peace, and what the house then holds."""
    made = copy_of(undisturbed_load)
    report = made.document("undo", str(_load_of(made)))
    assert report["reverted"]["leads"] > 5
    return report, state_of(made)


def test_an_undo_that_is_killed_again_and_again_ends_as_if_nothing_had_been(
    undisturbed_load: House, calm: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    made = copy_of(undisturbed_load)
    batch, before = _load_of(made), _left(made)
    said = made.document("undo", str(batch), "--dry-run")
    for point in IN_A_ROW:
        killed = made.run(point, "undo", str(batch), entry=CRASHING)
        assert killed.returncode == -signal.SIGKILL, f"{point}: {killed.stderr}"
        shown = {b["id"]: b for b in made.document("batches")}
        assert shown[batch]["state"] == "undoing", point
        assert made.document("status")["undoing"] == [batch]
        assert f"hub undo {batch}" in made.run("status").stdout
        if point != IN_A_ROW[-1]:
            assert before > _left(made) > before - said["reverted"]["leads"], "some have gone"
    report, state = calm
    done = made.document("undo", str(batch))
    assert done == report, "whole, whatever was killed on the way"
    assert {**said, "dry_run": False, "undo": done["undo"]} == done
    ended = state_of(made)
    for part, value in state.items():
        assert ended[part] == value, part
    states = {(b["kind"], b["state"]) for b in made.document("batches")}
    assert states == {("sync", "done"), ("sync", "undone"), ("undo", "done")}


def test_after_a_killed_undo_a_full_sync_brings_all_of_it_again(undisturbed_load: House) -> None:
    made, peaceful = copy_of(undisturbed_load), copy_of(undisturbed_load)
    batch = _load_of(made)
    killed = made.run("between two chunks of undo", "undo", str(batch), entry=CRASHING)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert made.run("undo", str(batch)).returncode == 0
    for home in (
        made,
        peaceful,
    ):  # other tests give the vendors news, which both then bring as well
        assert home.run("sync", "--full").returncode in {0, 3}
    assert _left(made) == _left(peaceful) > 0
