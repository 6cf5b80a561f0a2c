"""Refused records are mapped again, streams are remapped, and no vendor is asked for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.errors import ConfigError
from hub.mappings.files import HERE
from hub.mappings.loader import load_all
from hub.pipeline import again, flow
from hub.pipeline.context import Hub
from tests.flow.conftest import World, salesforce_lead

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


@pytest.fixture
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
    report = again.retry(_without_vendor(loaded), [before.id])
    assert (report.queued, report.quarantined, report.verdicts) == (1, 1, {"unchanged": 1})
    (after,) = loaded.rows(OPEN)
    assert after.id != before.id


def test_a_retry_takes_the_mapping_of_today(loaded: World, tmp_path: Path) -> None:
    words = (HERE / "salesforce/leads.yaml").read_text()
    line = next(one for one in words.splitlines() if one.strip().startswith("email:"))
    new = line.replace(line.strip(), "email: {const: eve@r.example.com}")
    hub = _without_vendor(loaded, _changed(tmp_path / "m", line, new))
    report = again.retry(hub)
    assert (report.queued, report.quarantined, report.verdicts) == (1, 0, {"updated": 1})
    assert report.holds
    assert not loaded.rows(OPEN)
    kept = "SELECT 1 FROM crm.lead WHERE email = 'eve@r.example.com'"
    assert len(loaded.rows(kept)) == 1
    assert [
        b.kind for b in loaded.rows("SELECT kind FROM ops.batch WHERE state = 'done' ORDER BY id")
    ] == ["sync", "retry"]


def test_a_retry_of_a_row_that_is_not_there_is_refused(loaded: World) -> None:
    with pytest.raises(ConfigError, match="no quarantine row 4711"):
        again.retry(_without_vendor(loaded), [4711])


def test_a_retry_of_one_source_leaves_the_others(loaded: World) -> None:
    assert again.retry(_without_vendor(loaded), source="typeform").queued == 0
    assert len(loaded.rows(OPEN)) == 1


def test_an_interrupted_sync_comes_first(loaded: World) -> None:
    flow.begin(loaded.hub, "salesforce")
    with pytest.raises(ConfigError, match="interrupted"):
        again.retry(_without_vendor(loaded))
