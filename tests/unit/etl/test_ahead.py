"""Pages that are read ahead: the same pages, in order, and no more than may wait."""

import time
from collections.abc import Iterator
from threading import Thread
from threading import enumerate as every_thread

import pytest

from hub.connectors.base import Page
from hub.errors import TransientError
from hub.etl.ahead import read_ahead


def pages(n: int, asked: list[int], error: Exception | None = None) -> Iterator[Page]:
    for i in range(n):
        asked.append(i)
        yield Page([], {"n": i})
    if error is not None:
        raise error


def settled(asked: list[int]) -> int:
    """How many were asked for, once nothing moves any more."""
    before = -1
    while before != len(asked):
        before = len(asked)
        time.sleep(0.03)
    return before


def test_the_pages_are_the_same_in_order() -> None:
    got = [page.cursor["n"] for page in read_ahead(pages(20, []))]
    assert got == list(range(20))
    assert list(read_ahead(pages(0, []))) == []


def test_the_next_page_is_asked_for_while_one_is_used_and_no_more_than_may_wait() -> None:
    asked: list[int] = []
    ahead = read_ahead(pages(20, asked), depth=2)
    next(ahead)
    assert settled(asked) == 4, "one in use, two that wait, one in the hand of the thread"
    ahead.close()  # type: ignore[attr-defined]


def test_an_error_comes_after_the_pages_before_it() -> None:
    ahead = read_ahead(pages(3, [], TransientError("away")))
    assert [next(ahead).cursor["n"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(TransientError, match="away"):
        next(ahead)


def of_reading() -> list[Thread]:
    return [one for one in every_thread() if one.name == "read-ahead"]


def test_who_stops_early_stops_the_asking() -> None:
    asked: list[int] = []
    ahead = read_ahead(pages(1_000, asked))
    next(ahead)
    assert of_reading()
    ahead.close()  # type: ignore[attr-defined]
    assert settled(asked) < 10
    for _ in range(50):
        if not of_reading():
            return
        time.sleep(0.02)
    raise AssertionError(of_reading())
