"""Emulated vendors for the commands, and houses that are furnished or loaded."""

from collections.abc import Iterator

import pytest

from tests.processes import House, SandboxProcess, house, sandbox_process


@pytest.fixture(scope="session")
def vendors() -> Iterator[SandboxProcess]:
    """A small world."""
    with sandbox_process("--people", "20", "--seed", "5", "--time-scale", "600") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def loaded(vendors: SandboxProcess) -> Iterator[House]:
    """A house after its first sync, for tests that only look or that take a copy."""
    with house(migrated=True) as made:
        vendors.furnish(made)
        done = made.run("sync", "--json")
        assert done.returncode in {0, 3}, done.stderr
        yield made


@pytest.fixture
def served(loaded: House) -> Iterator[House]:
    """The loaded house, its server running, for tests of many commands."""
    with loaded.served():
        yield loaded
