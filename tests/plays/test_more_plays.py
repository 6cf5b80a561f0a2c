"""The other thirty of the sixty plays of `test_plays`, for a second process."""

from pathlib import Path

import pytest

from hub.db.embedded import Server
from tests.plays import arena
from tests.plays.moves import play_of


@pytest.mark.parametrize("seed", range(30, 60))
def test_a_home_is_what_the_oracle_says(server: Server, tmp_path: Path, seed: int) -> None:
    failure = arena.play(server, tmp_path, play_of(seed))
    assert failure is None, f"seed {seed}: {failure}"
