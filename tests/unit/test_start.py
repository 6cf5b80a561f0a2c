"""A command that needs no database does not wait for one to be imported."""

import subprocess
import sys

import pytest

HEAVY = {"sqlalchemy", "psycopg", "numpy", "dagster", "structlog", "pydantic", "rich"}


def read_by(code: str) -> set[str]:
    """The heavy libraries that an interpreter has read after some code."""
    ask = f"import sys; sys.stderr = sys.stdout; {code}; print(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("code", "most"),
    [
        ("import hub.cli.app", set()),
        ("import hub.cli.groups, hub.cli.mistakes", set()),
        ("from hub.cli.groups import load; print(load('lead'))", {"rich"}),
        ("from hub.cli.groups import load; print(load('sync'))", {"rich"}),
    ],
)
def test_the_command_line_is_read_without_the_heavy_libraries(code: str, most: set[str]) -> None:
    assert read_by(code) <= most
