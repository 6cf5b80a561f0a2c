"""The page that walks from a first lead to a renewal shows what the commands print."""

from docs import walk
from tests.processes import house


def test_every_command_of_the_page_prints_what_the_page_shows() -> None:
    with house() as made:
        for step, printed in walk.walk(walk.PAGE.read_text(), made.root):
            assert "Traceback" not in printed
            assert walk.lasting(printed) == walk.lasting(step.printed), step.command
