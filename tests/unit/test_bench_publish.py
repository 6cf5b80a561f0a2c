"""A page's figures are made by the command that stands beside them."""

import importlib.util
from pathlib import Path

import pytest

from bench import publish

_PAGE = """# Page

<!-- bench one: -m bench.sync --rows 5 --peer 'a b' -->
old
<!-- end one -->

between <!-- a comment -->

<!-- bench two: -m bench.undo -->
<!-- end two -->
"""


def test_the_blocks_are_found_with_their_commands() -> None:
    found = publish.blocks(_PAGE)
    assert found["one"].command == ("-m", "bench.sync", "--rows", "5", "--peer", "a b")
    assert found["two"].command == ("-m", "bench.undo")


def test_one_block_is_replaced_and_nothing_else() -> None:
    page = publish.replaced(_PAGE, "two", "new\\1 figures")
    assert "new\\1 figures" in page
    assert page.replace("\nnew\\1 figures\n\n", "") == _PAGE
    assert publish.replaced(page, "two", "new\\1 figures") == page


def test_an_unknown_block_is_refused() -> None:
    with pytest.raises(KeyError):
        publish.replaced(_PAGE, "three", "")


def test_two_blocks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        publish.blocks(_PAGE + _PAGE)


def test_what_a_failing_command_prints_is_not_published() -> None:
    with pytest.raises(SystemExit, match="ended with"):
        publish.measured(("-c", "print('half a table'); raise SystemExit(3)"))


def test_what_was_printed_stands_below_its_command() -> None:
    said = publish.measured(("-c", "print('| a |')"))
    assert said.startswith("    python -c ")
    assert said.endswith("before it.\n\n| a |")


def test_every_block_of_our_page_names_a_bench_that_is_there() -> None:
    for block in publish.blocks(publish.PAGE.read_text()).values():
        assert block.command[0] == "-m"
        found = importlib.util.find_spec(block.command[1])
        assert found is not None, block
        assert Path(found.origin or "").is_file(), block
