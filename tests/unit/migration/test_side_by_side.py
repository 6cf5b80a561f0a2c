"""Pieces of work in several threads: each is done once, and one that ends the work ends all."""

from threading import Barrier, Lock, get_ident

import pytest

from hub.migration.side_by_side import SideBySide, Stopped


def test_each_piece_is_done_once_and_by_all_the_threads() -> None:
    done: list[tuple[int, int]] = []
    lock, both = Lock(), Barrier(2, timeout=5)

    def work(piece: int) -> bool:
        if piece < 2:
            both.wait()  # neither can begin a second piece before the other has one
        with lock:
            done.append((piece, get_ident()))
        return True

    SideBySide(range(20)).run([work, work])
    assert sorted(piece for piece, _ in done) == list(range(20))
    assert len({thread for _, thread in done}) == 2


def test_one_work_is_done_by_the_callers_thread_in_order() -> None:
    done: list[tuple[int, int]] = []
    SideBySide(range(3)).run([lambda piece: bool([done.append((piece, get_ident()))])])
    assert done == [(n, get_ident()) for n in range(3)]


@pytest.mark.parametrize("works_n", [1, 2])
def test_a_piece_that_says_so_is_the_last(works_n: int) -> None:
    done: list[int] = []

    def work(piece: int) -> bool:
        done.append(piece)
        return False

    SideBySide(range(20)).run([work] * works_n)
    assert len(done) <= works_n


def test_an_error_ends_the_pieces_under_way_and_is_raised() -> None:
    both, left = Barrier(2, timeout=5), []
    pieces = SideBySide(range(20))

    def work(piece: int) -> bool:
        both.wait()
        if piece == 0:
            raise ValueError("piece 0")
        try:
            while True:
                pieces.check()
        except Stopped:
            left.append(piece)
            raise

    with pytest.raises(ValueError, match="piece 0"):
        pieces.run([work, work])
    assert left == [1]
