"""The walk from a first lead to a renewal, and the screens, show what the commands print."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from docs import walk
from tests.processes import HUB, Done, house, warm


def _run(words: Sequence[str], root: Path, env: Mapping[str, str]) -> Done:
    return warm().run(HUB, words, cwd=root, env=env, timeout=120)


@pytest.mark.parametrize("page", walk.PAGES, ids=lambda page: page.stem)
def test_every_command_of_the_page_prints_what_the_page_shows(page: Path) -> None:
    with house(migrated=True) as made:
        for step, printed in walk.walk(page.read_text(), made.root, _run):
            assert "Traceback" not in printed
            assert walk.lasting(printed) == walk.lasting(step.printed), step.command
