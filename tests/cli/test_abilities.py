"""Every ability that docs/abilities claims is walked by commands, or the reason says why it cannot be.

`abilities/PAGE.yaml` goes with `docs/abilities/PAGE.md`. Under `walked` it has commands for each ability, in
the order in which they are typed, with the facts that each prints. Under `elsewhere` it has the other
abilities, by the reason why a command cannot show them. All pages are walked in one home, over the sources of
`abilities/world.yaml`. No page depends on another one.
"""

import io
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.cli.app import ended
from tests.cli.test_every_command import quiet
from tests.processes import House, SandboxProcess, house, sandbox_process

HERE = Path(__file__).with_name("abilities")
DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted((DOCS / "abilities").glob("*.md"))
_ROW = re.compile(r"^\| (?P<ability>.+?) \| `tests/.+ \|$", re.MULTILINE)
_RECORD = re.compile(r"\b[a-z]+/\d+\b")
_REASON_WORDS = 5


def written(page: str) -> dict[str, Any]:
    """Return what is walked of a page, and what is not."""
    document: dict[str, Any] = yaml.safe_load((HERE / f"{page}.yaml").read_text("utf-8"))
    return document


@dataclass
class Walk:
    """A home over the sources of `world.yaml`, and the names that a page gave to its records."""

    made: House
    sandbox: SandboxProcess
    known: dict[str, str] = field(default_factory=dict)

    def step(self, one: Mapping[str, Any]) -> str | None:
        """Type a command, or change something at a vendor; return what is wrong."""
        if "vendor" in one:
            self.sandbox.ask("POST", "/events", self._filled(one["vendor"]))
            return None
        if "file" in one:
            (self.made.root / one["file"]).write_text(self._named(one["holds"]))
            return None
        typed = self._named(one["hub"])
        code, said = typed_in(shlex.split(typed))
        if "as" in one and (found := _RECORD.search(said)):
            self.known[one["as"]] = found[0]
        if "keep" in one:
            self.known[one["keep"]] = said.split()[-1]
        plain = " ".join(said.split())
        missing = [words for words in _many(one.get("says")) if self._flat(words) not in plain]
        wrong = [words for words in _many(one.get("never")) if self._flat(words) in plain]
        if code == one.get("code", 0) and not missing and not wrong:
            return None
        return f"hub {typed}: exit code {code}, missing {missing}, wrong {wrong}\n{said}"

    def _flat(self, words: str) -> str:
        return " ".join(self._named(str(words)).split())

    def _named(self, words: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda name: self.known.get(name[1], name[0]), words)

    def _filled(self, event: Mapping[str, Any]) -> Any:
        return json.loads(self._named(json.dumps(event)))


def _many(words: Any) -> list[str]:
    return [] if words is None else list(map(str, words)) if isinstance(words, list) else [words]


def typed_in(words: list[str]) -> tuple[int, str]:
    """Run a command in this process, as in a pipe; return its exit code and all that it says."""
    pipe = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", pipe)
        patch.setattr(sys, "stderr", pipe)
        return ended(words), pipe.getvalue()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    world = yaml.safe_load((HERE / "world.yaml").read_text("utf-8"))
    universe = tmp_path_factory.mktemp("world") / "universe.json"
    universe.write_text(json.dumps(world["universe"]))
    at = ("--universe", str(universe), "--time-scale", "600")
    with (
        sandbox_process(*at) as sandbox,
        house(migrated=True) as made,
        quiet(),
        pytest.MonkeyPatch.context() as p,
    ):
        sandbox.furnish(made)
        config = yaml.safe_load(made.config.read_text())
        made.config.write_text(yaml.safe_dump(config | world["hub"], sort_keys=False))
        for name in [name for name in os.environ if name.startswith("HUB_")]:
            p.delenv(name)
        for name, value in {
            **made.env,
            "HUB_HOME": str(made.home),
            "HUB_ACTOR": "ann@acme.example.com",
        }.items():
            p.setenv(name, value)
        p.chdir(made.root)
        with made.served():
            code, said = typed_in(["sync"])
            assert code in {0, 3}, said
            yield Walk(made, sandbox)


@pytest.mark.parametrize("page", [page.stem for page in PAGES])
def test_every_ability_is_walked_by_commands(home: Walk, page: str) -> None:
    home.known.clear()
    wrong = [
        f"{ability}: {said}"
        for ability, steps in written(page)["walked"].items()
        for one in steps
        if (said := home.step(one)) is not None
    ]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_ability_has_its_commands_or_a_reason(page: Path) -> None:
    listed = written(page.stem)
    claimed = [row["ability"] for row in _ROW.finditer(page.read_text())]
    elsewhere = [one for abilities in listed["elsewhere"].values() for one in abilities]
    known = [*listed["walked"], *elsewhere]
    where = f"tests/cli/abilities/{page.stem}.yaml"
    assert len(known) == len(set(known)), f"{where} has an ability twice"
    assert set(claimed) == set(known), f"each ability of {page.name} stands in {where}"
    for reason in listed["elsewhere"]:
        assert len(reason.split()) >= _REASON_WORDS, reason
    for ability, steps in listed["walked"].items():
        facts = [one for one in steps if one.get("says") or one.get("never") or one.get("code")]
        assert facts, f"{where}: {ability!r} looks at no output"


def test_the_overview_names_only_pages_that_are_walked() -> None:
    rows = re.findall(
        r"^\| .+ \| .+ \| (\[.+) \|$", (DOCS / "abilities.md").read_text(), re.MULTILINE
    )
    assert len(rows) > 10
    for row in rows:
        for page in re.findall(r"\(abilities/(\w+)\.md\)", row):
            assert written(page)["walked"] or written(page)["elsewhere"], page
