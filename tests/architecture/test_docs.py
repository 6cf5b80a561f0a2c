"""The documents say what the code does: every command, setting, profile and exit code."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from hub.mappings.loader import names
from hub.sandbox.faults import PROFILES

ROOT = Path(__file__).parents[2]


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _generate()
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", GENERATE.PAGES)
def test_a_generated_page_is_what_the_code_says(page: str) -> None:
    written = (ROOT / "docs/reference" / page).read_text()
    assert written == GENERATE.PAGES[page](), "run `python docs/generate.py`"


def test_a_default_that_is_made_is_shown_as_it_is() -> None:
    assert "Undefined" not in GENERATE.settings_page()


@pytest.mark.parametrize("name", [name for name, _ in GENERATE.commands()])
def test_every_command_is_shown_in_the_readme_or_leads_there(name: str) -> None:
    assert name in README or name in (ROOT / "docs/reference/cli.md").read_text()


def test_every_command_that_the_readme_shows_exists() -> None:
    known = {name for name, _ in GENERATE.commands()}
    groups = {name.rsplit(" ", 1)[0] for name in known}
    for line in README.splitlines():
        words = line.split("#")[0].split()
        if words[:1] == ["hub"] and len(words) > 1:
            shown = {" ".join(words[:2]), " ".join(words[:3])}
            assert shown & (known | groups - {"hub"}), line


def test_every_setting_says_what_it_is_for() -> None:
    rows = [r for r in GENERATE.settings_page().splitlines() if r.startswith("| `")]
    assert len(rows) > 50
    assert not [row for row in rows if row.endswith("|  |")]


def test_every_option_says_what_it_is_for() -> None:
    rows = [r for r in GENERATE.cli_page().splitlines() if r.startswith("| `--")]
    assert not [row for row in rows if row.endswith("|  |")]


def test_every_fault_profile_is_described() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text()
    assert all(f"`{profile}`" in page and what for profile, what in PROFILES.items())


def test_every_mapping_has_tests_beside_it() -> None:
    folder = ROOT / "hub/mappings"
    assert not [name for name in names() if not (folder / f"{name}.test.yaml").is_file()]


def test_the_readme_stays_short_and_links_lead_somewhere() -> None:
    assert len(README.splitlines()) <= 180
    for target in ("docs/reference/settings.md", "docs/reference/cli.md"):
        assert f"({target})" in README
        assert (ROOT / target).is_file()


def test_the_modules_on_the_way_of_a_record_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    stages = ["extract", "land", "normalize", "match", "load", "route", "notify"]
    rows = {
        stage: row
        for row in page.splitlines()
        for stage in stages
        if row.startswith(f"| {stage} |")
    }
    assert list(rows) == stages
    named = [name for row in rows.values() for name in re.findall(r"`(\w+\.\w+)`", row)]
    tables = {"landing.raw", "ops.source_record", "ops.edge"}
    modules = [name for name in named if name not in tables]
    assert len(modules) > 25
    missing = [m for m in modules if not (ROOT / "hub" / f"{m.replace('.', '/')}.py").exists()]
    assert not missing
