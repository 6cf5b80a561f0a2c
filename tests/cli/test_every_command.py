"""Every command on a terminal of 80 columns: its exit code, its width, its ids; and every help.

`every_command.yaml` lists the commands in the order in which they are typed into one home. A command
that is in neither of its parts fails the first test.
"""

import io
import json
import logging
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml

from hub import logs
from hub.cli.app import ended
from hub.cli.commands import overview, places
from hub.cli.groups import load
from hub.cli.tables import wide
from tests.processes import House, house

LISTED: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("every_command.yaml").read_text("utf-8")
)
WALK = [(one, 0) if isinstance(one, str) else next(iter(one.items())) for one in LISTED["walk"]]
TEAM = """
people:
  - {email: ann@acme.example.com, name: Ann Lee, role: admin, timezone: Europe/Paris}
  - {email: bob@acme.example.com, name: Bob Roy, role: rep}
groups:
  - {name: sales, members: [bob@acme.example.com]}
routing:
  fallback: group:sales
"""
WHOLE = (
    "a.very.long.address.of.somebody@berg-and-partners.example.com",
    "ann@acme.example.com",
    "max@olsen.example.com",
)
VERBS = frozenset((
    "activate", "add", "archive", "assign", "change", "check", "clone", "complete", "convert",
    "correct", "count", "create", "deactivate", "decide", "define", "disable", "edit", "enable", "end",
    "erase", "find", "link", "list", "log", "map", "mark", "match", "merge", "move", "pause",
    "print", "query", "record", "register", "remove", "rename", "reopen", "replace", "replay", "restore", "review", "revoke",
    "run", "save", "separate", "set", "share", "show", "sync", "tick", "train", "turn", "undo",
    "unlink", "upgrade", "write",
))  # fmt: skip
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Walked:
    code: int
    said: str

    @property
    def lines(self) -> list[str]:
        return _COLOUR.sub("", self.said).splitlines()


def on_terminal(words: list[str]) -> Walked:
    """Run a command in this process, on a fake terminal."""
    terminal = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        patch.setattr(sys, "stderr", terminal)
        patch.setenv("COLUMNS", "80")
        patch.setenv("NO_COLOR", "1")
        return Walked(ended(words), terminal.getvalue())


def commands() -> dict[str, Any]:
    """Every command by its whole name, groups left out."""
    found: dict[str, Any] = {}

    def note(name: str, one: Any) -> None:
        inner = getattr(one, "commands", None)
        if inner is None:
            found[name] = one
        for own, sub in (inner or {}).items():
            note(f"{name} {own}", sub)

    for name in places():
        note(name, load(name))
    return found


def filled(made: House, words: str) -> list[str]:
    root = made.root
    (root / "people.csv").write_text("name,email\nMax Olsen,max@olsen.example.com\n")
    (root / "raw.json").write_text(json.dumps([{"Id": "00Q1", "LastName": "Olsen"}]))
    files = {"raw": "raw.json", "people": "people.csv", "out": "out.csv", "backup": "b.sql.gz"}
    known = {name: str(root / file) for name, file in (files | {"nothing": "none.gz"}).items()}
    return [word.format(**known) for word in shlex.split(words)]


@contextmanager
def quiet() -> Iterator[None]:
    """Log as a command does, and afterwards as the other tests of this process expect it."""
    root, before = logging.getLogger(), dict(logs._chosen)
    level, handlers = root.level, list(root.handlers)
    logs.configure(json=True, level=logging.WARNING)
    try:
        yield
    finally:
        logs._chosen.clear()
        logs._chosen.update(before)
        structlog.reset_defaults()
        root.setLevel(level)
        root.handlers[:] = handlers


@pytest.fixture(scope="module")
def walked() -> Iterator[Mapping[str, Walked]]:
    with house(migrated=True) as made, pytest.MonkeyPatch.context() as patch, quiet():
        made.config.write_text(TEAM)
        for name in [name for name in os.environ if name.startswith("HUB_")]:
            patch.delenv(name)
        patch.setenv("HUB_HOME", str(made.home))
        patch.setenv("HUB_ACTOR", "ann@acme.example.com")
        patch.chdir(made.root)
        with made.served():
            server = made.postmaster()
            assert server is not None
            done = {words: on_terminal(filled(made, words)) for words, _ in WALK}
            assert made.postmaster() == server, "a server that runs is used, and not ended"
            yield done


def test_every_command_is_walked_or_said_not_to_be() -> None:
    names = commands()
    typed = [shlex.split(words)[:3] for words, _ in WALK]
    seen = {" ".join(words[:n]) for words in typed for n in (1, 2, 3)}
    missing = names.keys() - seen - LISTED["help_only"].keys()
    assert not missing, "add it to tests/cli/every_command.yaml"
    assert not LISTED["help_only"].keys() - names.keys()


def test_every_command_ends_as_it_should_within_80_columns(
    walked: Mapping[str, Walked],
) -> None:
    wrong = []
    for words, code in WALK:
        done = walked[words]
        if done.code != code:
            wrong.append(f"{words}: exit code {done.code}\n{done.said}")
        if not done.said.startswith(("[", "{")):  # a document is one line
            wrong += [f"{words}: {line}" for line in done.lines if wide(line) > 80]
        for one in WHOLE:
            broken = [m for m in re.finditer(re.escape(one[:10]), done.said)
                      if not done.said[m.start():].startswith(one)]  # fmt: skip
            wrong += [f"{words}: {one} is broken\n{done.said}" for _ in broken]
    assert not wrong, "\n".join(wrong)


def test_every_help_fits_and_begins_with_a_verb() -> None:
    wrong = []
    every = {**{name: load(name) for name in places()}, **commands()}
    for name, command in every.items():
        first = (command.help or "").split(" ")[0].lower().strip(",.:")
        if first not in VERBS:
            wrong.append(f"hub {name}: {command.help}")
        done = on_terminal([*name.split(), "--help"])
        wrong += [f"hub {name} --help: {line}" for line in done.lines if wide(line) > 80]
        assert done.code == 0, (name, done.said)
    assert not wrong, "\n".join(wrong)


def test_the_overview_is_one_screen_and_names_every_command() -> None:
    lines = overview().splitlines()
    assert len(lines) <= 40
    assert max(map(wide, lines)) <= 80
    names = {word for line in lines for word in line.split()}
    assert places().keys() <= names


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("leed", "did you mean: hub lead"),
        ("lead assgn", "did you mean: hub lead assign"),
        ("deal add", "type hub deal add NAME --contact …"),
        ("deal list --onwer x", "did you mean --owner"),
        ("deal list --limit x", "--limit"),
        ("batches x y", "hub batches --help shows its arguments"),
        ("list rum", "did you mean: hub list run"),
    ],
)
def test_a_wrong_word_answers_with_the_right_one(words: str, said: str) -> None:
    done = on_terminal(words.split())
    assert done.code == 2
    assert done.said.startswith("error: ")
    assert said in done.said
    assert "Usage" not in done.said
