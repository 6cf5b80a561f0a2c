"""Every ability that the documentation claims names a test, and that test is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "abilities").glob("*.md"))
_ROW = re.compile(r"^\|\s*(?P<ability>[^|]+?)\s*\|\s*(?P<tests>[^|]+?)\s*\|$")
_TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>\w+)`")


@cache
def _names_in(path: str) -> frozenset[str]:
    """Return the tests of a file; a hypothesis state machine's test counts by its name."""
    tree = ast.parse((ROOT / path).read_text())
    functions = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return frozenset(functions | assigned)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_ability_names_a_test_that_exists(page: Path) -> None:
    rows = [row for line in page.read_text().splitlines() if (row := _ROW.match(line))]
    claims = [row for row in rows if not set(row["tests"]) <= set("-: ") and row["tests"] != "test"]
    assert claims, f"{page.name} has no table"
    for row in claims:
        tests = list(_TEST.finditer(row["tests"]))
        assert tests, f"{page.name}: {row['ability']!r} names no test"
        for test in tests:
            assert (ROOT / test["path"]).exists(), f"{page.name}: {test['path']} is not there"
            assert test["name"] in _names_in(test["path"]), f"{page.name}: no {test[0]}"
