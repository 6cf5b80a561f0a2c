"""The house keeps its own rules: contracts between rooms, sizes, no banned import, no stray word."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "hub").rglob("*.py"))
MOST_LINES = 400
_WARNS = re.compile(r"\blog(?:ger)?(?:\(\))?\.(?:warning|error|exception|critical)\(")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_point_down_and_stages_are_blind_to_each_other() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_no_module_has_more_than_400_lines_of_code() -> None:
    """Blank lines and comments are not code; a migration is history, and not split later."""
    sizes = {
        _name(path): sum(
            1 for line in path.read_text().splitlines() if line.strip() and line.strip()[0] != "#"
        )
        for path in MODULES
        if "versions" not in path.parts
    }
    assert not {name: n for name, n in sizes.items() if n > MOST_LINES}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_is_for_and_imports_nothing_banned(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "says what comes in, what goes out, what does not belong here"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.module != "__future__", "breaks Dagster's context annotations"
            assert node.module != "sqlalchemy.orm", "Core only"
            assert node.level == 0, "relative import"


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc"])
def test_no_module_is_named_after_nothing(name: str) -> None:
    assert not [_name(path) for path in MODULES if path.stem in {name, f"base_{name}"}]


@pytest.mark.parametrize("room", ["connectors", "migration"])
def test_a_room_whose_faults_the_commands_tell_shows_no_log_line(room: str) -> None:
    """A terminal shows log lines from `warning` on; a fault is a sentence there already."""
    said = [
        _name(p)
        for p in MODULES
        if p.is_relative_to(ROOT / "hub" / room) and _WARNS.search(p.read_text())
    ]
    assert not said


def test_packages_are_at_most_two_deep() -> None:
    deep = [_name(p) for p in MODULES if len(p.relative_to(ROOT / "hub").parts) > 3]
    assert [p for p in deep if "migrations" not in p] == []


# words that stand for no named thing, or that a reader of English as a second language does not know
HARD_WORDS = re.compile(
    r"\b(?:who(?:m|so)?ever|(?:some|any|every)body(?:'s)?|anew|for good|the house's)\b",
    re.IGNORECASE,
)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def _prose(path: Path) -> Iterator[str]:
    """The docstrings and comments of a module, the text of a page; without code and quoted words."""
    source = path.read_text()
    if path.suffix == ".md":
        blocks = re.sub(r"```.*?```", "", source, flags=re.DOTALL)
        yield from (line for line in blocks.splitlines() if not line.startswith("    "))
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


@pytest.mark.parametrize(
    "room", ["docs", "bench", *sorted({p.parts[-2] for p in (ROOT / "hub").glob("*/__init__.py")})]
)
def test_texts_name_the_person_or_the_thing(room: str) -> None:
    """Write "the user", "the actor", "again", "permanently" in place of these words."""
    paths = (
        PAGES
        if room == "docs"
        else sorted((ROOT / ("bench" if room == "bench" else f"hub/{room}")).rglob("*.py"))
    )
    hard = [
        f"{_name(path)}: {found[0]!r} in: {' '.join(text.split())[:160]}"
        for path in paths
        if "versions" not in path.parts
        and path.name not in {"CHANGELOG.md", "reporting.md"}  # history
        for text in _prose(path)
        if (found := HARD_WORDS.search(re.sub(r"`[^`]*`|\"[^\"]*\"|“[^”]*”|\{[^}]*\}", "", text)))
    ]
    assert not hard, "\n".join(hard)
