"""The emulated vendors in a process of their own, and the first line that a process says."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.checkout import ROOT


def first_line(process: "subprocess.Popen[str]", start_s: float) -> str:
    """Return the first line of a process's output.

    Raises:
        SystemExit: it says none in `start_s` seconds.
    """
    out = process.stdout
    line = out.readline() if out and select.select([out], [], [], start_s)[0] else ""
    if not line:
        raise SystemExit(f"{process.args!r} does not start")
    return line


@contextmanager
def vendors(people: int, start_s: float) -> Iterator[dict[str, Any]]:
    """Run the emulated vendors, where nothing happens; yield what they announce."""
    command = [sys.executable, "-m", "hub.sandbox", "--json", "--people", str(people)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(first_line(process, start_s))
    finally:
        process.terminate()
        process.communicate(timeout=20)
