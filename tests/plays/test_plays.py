"""Sixty random plays of the moves that the code is right about; `make plays` plays thousands.

One that fails says its seed: `python -m tests.plays --seed N` plays it again and makes it smaller.
"""

from pathlib import Path

import pytest

from hub.db.embedded import Server
from tests.plays import arena
from tests.plays.moves import MOVES, moves, play_of


@pytest.mark.parametrize("seed", range(30))
def test_a_home_is_what_the_oracle_says(server: Server, tmp_path: Path, seed: int) -> None:
    failure = arena.play(server, tmp_path, play_of(seed))
    assert failure is None, f"seed {seed}: {failure}"


def test_a_move_that_is_known_to_be_broken_is_drawn_only_on_demand() -> None:
    assert {m.name for m in moves(with_broken=True)} == {m.name for m in MOVES}
    assert all(m.known_broken is None for m in moves(with_broken=False))
