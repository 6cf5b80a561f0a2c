"""When a demo goes on in its home, when it begins anew, and what it keeps its hands off."""

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.cli import demo_home
from hub.clock import SystemClock
from hub.errors import ConfigError
from hub.settings import Settings

_ONE = demo_home.universe_of(seed=1, people=10, file=None, faults="")
_OTHER = demo_home.universe_of(seed=2, people=10, file=None, faults="")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the files of a database."""
    (tmp_path / "pg/data").mkdir(parents=True)
    (tmp_path / "pg/clients").mkdir()
    return tmp_path


def _prepare(home: Path, universe: Mapping[str, Any], **settings: Any) -> bool:
    left = demo_home.claim(home)
    made = Settings.model_validate({"home": str(home), **settings})
    return demo_home.prepare(home, made, universe, left, SystemClock())


def test_an_interrupted_demo_goes_on(home: Path) -> None:
    assert not _prepare(home, _ONE)
    assert _prepare(home, _ONE)
    assert (home / "pg/data").exists()


@pytest.mark.parametrize("finished", [True, False])
def test_another_universe_begins_with_an_empty_database(home: Path, *, finished: bool) -> None:
    _prepare(home, _ONE)
    if finished:
        demo_home.finish(home, _ONE)
    assert not _prepare(home, _OTHER)
    assert not (home / "pg/data").exists()


def test_a_finished_demo_begins_anew(home: Path) -> None:
    _prepare(home, _ONE)
    demo_home.finish(home, _ONE)
    assert not _prepare(home, _ONE)
    assert not (home / "pg/data").exists()


def test_a_database_in_use_is_not_emptied(home: Path) -> None:
    _prepare(home, _ONE)
    with (home / "pg/clients/1-a.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="another process"):
            _prepare(home, _OTHER)
    assert (home / "pg/data").exists()


def test_a_database_of_the_operators_is_never_emptied(home: Path) -> None:
    url = {"database_url": "postgresql://elsewhere/hub"}
    _prepare(home, _ONE, **url)
    with pytest.raises(ConfigError, match="never empties"):
        _prepare(home, _OTHER, **url)


def test_a_universe_file_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "u.json"
    file.write_text(json.dumps({"version": 1}))
    one = demo_home.universe_of(seed=1, people=10, file=file, faults="")
    assert one == demo_home.universe_of(seed=2, people=20, file=file, faults="")
    file.write_text(json.dumps({"version": 1, "seed": 2}))
    assert one != demo_home.universe_of(seed=1, people=10, file=file, faults="")


def test_a_configured_home_is_no_demos(tmp_path: Path) -> None:
    (tmp_path / "hub.yaml").write_text("sources: {}\n")
    with pytest.raises(ConfigError, match="not a demo"):
        demo_home.claim(tmp_path)
