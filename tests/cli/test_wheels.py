"""The two distributions: `lead-hub` without the sandbox, and `lead-hub-sandbox` with it alone."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from hub.sandbox.vendors import VENDORS

ROOT = Path(__file__).parents[2]
SANDBOX = ROOT / "packaging" / "sandbox"
# what only the sandbox needs; starlette and uvicorn come with Dagster's webserver too
ONLY_THERE = ("aiosmtpd", "jsonschema", "lark")
MAIN = "import sys; from hub.cli.app import main; sys.exit(main())"
IMPORT_ALL = f"""
import importlib, pkgutil, sys, warnings
warnings.simplefilter("ignore")
sys.modules.update(dict.fromkeys({ONLY_THERE}))  # as if they were not installed
import hub
for found in pkgutil.walk_packages(hub.__path__, "hub."):
    if not found.name.startswith(("hub.cli.demo", "hub.db.migrations")):
        importlib.import_module(found.name)
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels, built of a copy so that no build folder stays beside the sources."""
    made = tmp_path_factory.mktemp("wheels")
    source = made / "source"
    skipped = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for folder in ("hub", "packaging"):
        shutil.copytree(ROOT / folder, source / folder, ignore=skipped)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--wheel-dir", made, source, source / "packaging" / "sandbox"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.name.partition("-")[0]: path for path in made.glob("*.whl")}


def unpacked(wheels: dict[str, Path], folder: Path, *names: str) -> dict[str, str]:
    """Return the environment of an installation of these wheels beside the libraries of this one."""
    for name in names:
        with zipfile.ZipFile(wheels[name]) as wheel:
            wheel.extractall(folder)
    path = os.pathsep.join((str(folder), sysconfig.get_path("purelib")))
    return {**os.environ, "PYTHONPATH": path, "HUB_HOME": str(folder / "home")}


def python(code: str, *arguments: str) -> list[str]:
    """Return a command that reads no .pth file, so that the editable installation is not seen."""
    return [sys.executable, "-S", "-c", code, *arguments]


@pytest.fixture(scope="module")
def lean(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An installation without the sandbox."""
    return unpacked(wheels, tmp_path_factory.mktemp("lean"), "lead_hub")


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return {name for name in opened.namelist() if ".dist-info/" not in name}


def test_each_file_of_the_package_is_in_exactly_one_wheel(wheels: dict[str, Path]) -> None:
    kept = {".py", ".yaml", ".json", ".html", ".lark", ".mako", ".sql", ".typed"}
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "hub").rglob("*")
        if path.suffix in kept or path.name == "py.typed"
    }
    sandbox = {name for name in files if name.startswith("hub/sandbox/")}
    assert len(sandbox) > 80
    assert names(wheels["lead_hub"]) == files - sandbox
    assert names(wheels["lead_hub_sandbox"]) == sandbox


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_without_the_sandbox_a_command_says_what_to_install(
    lean: dict[str, str], command: str
) -> None:
    done = subprocess.run(
        python(MAIN, command), env=lean, cwd=lean["PYTHONPATH"].split(os.pathsep)[0],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, ""), done
    said = done.stderr.replace("\n", " ")
    assert said.startswith(f"error: hub {command} needs the emulated vendors"), said
    assert "pip install 'lead-hub[sandbox]'" in said
    assert not Path(lean["HUB_HOME"]).exists()


def test_nothing_but_the_demo_needs_the_sandbox(lean: dict[str, str]) -> None:
    done = subprocess.run(
        python(IMPORT_ALL), env=lean, cwd=lean["PYTHONPATH"].split(os.pathsep)[0],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_both_wheels_together_run_the_vendors(wheels: dict[str, Path], tmp_path: Path) -> None:
    env = unpacked(wheels, tmp_path, "lead_hub", "lead_hub_sandbox")
    with subprocess.Popen(
        python(MAIN, "sandbox", "--json", "--people", "3"), env=env, cwd=tmp_path,
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline())
        finally:
            process.terminate()
    assert set(said["vendors"]) == {one.name for one in VENDORS}


def test_the_two_projects_agree() -> None:
    hub = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sandbox = tomllib.loads((SANDBOX / "pyproject.toml").read_text())["project"]
    version = hub["version"]
    assert sandbox["version"] == version
    assert f"lead-hub=={version}" in sandbox["dependencies"]
    assert hub["optional-dependencies"]["sandbox"] == [f"lead-hub-sandbox=={version}"]
    assert (sandbox["requires-python"], sandbox["license"]) == (
        hub["requires-python"],
        hub["license"],
    )
    for library in ONLY_THERE:
        assert not [one for one in hub["dependencies"] if one.startswith(library)], library
        assert [one for one in sandbox["dependencies"] if one.startswith(library)], library
