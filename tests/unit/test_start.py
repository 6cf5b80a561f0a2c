"""A command that needs no database does not wait for one to be imported."""

import subprocess
import sys


def test_the_command_line_is_read_without_the_heavy_libraries() -> None:
    ask = "import sys, hub.cli.app; print({'sqlalchemy', 'psycopg', 'numpy', 'dagster'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
