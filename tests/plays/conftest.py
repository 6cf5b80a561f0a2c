"""A stage on a fresh hub for one play."""

import pytest

from tests.flow.conftest import World, world  # noqa: F401 a fixture
from tests.plays.stage import Stage


@pytest.fixture
def stage(world: World) -> Stage:  # noqa: F811
    return Stage(world, is_sparing=True)
