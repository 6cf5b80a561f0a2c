"""The environment of Dagster's processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.cli.dagster_home import python_path


def test_a_module_of_pythonpath_can_be_imported_by_dagster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, home = tmp_path / "own", tmp_path / "h"
    own.mkdir()
    (own / "of_the_user.py").write_text("defs = 7\n")
    monkeypatch.setenv("PYTHONPATH", str(own))
    code = (
        "from dagster._core.code_pointer import load_python_module as load;"
        f"print(load('of_the_user', {str(home)!r}).defs)"
    )
    env = {**os.environ, "PYTHONSAFEPATH": "1", **python_path(home)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout == "7\n", done.stderr


def test_without_pythonpath_none_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert python_path(tmp_path) == {}
