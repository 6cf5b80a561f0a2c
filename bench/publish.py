"""Measure, and put what was printed into docs/performance.md, with the command, the day and the machine.

`python -m bench.publish NAME` runs the command of that page's block NAME and replaces the block's
text. A block is the text between two comments:

    <!-- bench NAME: -m bench.sync --rows 20000 -->
    <!-- end NAME -->

`--list` shows the blocks. A figure that a page prints is so always one that a command can make again.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hub.clock import SystemClock

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
_BLOCK = re.compile(
    r"(?P<head><!-- bench (?P<name>[\w-]+): (?P<command>-m bench\.[^\n]*?) -->\n)"
    r"(?P<body>.*?)(?P<foot><!-- end (?P=name) -->)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a page that a command makes; `command` is without the interpreter."""

    name: str
    command: tuple[str, ...]


def blocks(page: str) -> dict[str, Block]:
    """Return the blocks of a page by name.

    Raises:
        ValueError: two blocks have one name.
    """
    found = [Block(m["name"], tuple(shlex.split(m["command"]))) for m in _BLOCK.finditer(page)]
    if len({block.name for block in found}) < len(found):
        raise ValueError("two blocks of the page have one name")
    return {block.name: block for block in found}


def replaced(page: str, name: str, body: str) -> str:
    """Return the page with another body in one block.

    Raises:
        KeyError: the page has no such block.
    """
    if name not in blocks(page):
        raise KeyError(name)

    def put(match: re.Match[str]) -> str:
        own = "\n" + body.strip("\n") + "\n\n" if match["name"] == name else match["body"]
        return f"{match['head']}{own}{match['foot']}"

    return _BLOCK.sub(put, page)


def measured(command: tuple[str, ...]) -> str:
    """Run the command; returns what it printed, below a line that says when and on what.

    Raises:
        SystemExit: it failed; its output is lost, the page stays as it was.
    """
    load, cores = os.getloadavg()[0], os.cpu_count()
    day = SystemClock().now().date().isoformat()
    done = subprocess.run(
        [sys.executable, *command], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"python {shlex.join(command)} ended with {done.returncode}")
    return (
        f"    python {shlex.join(command)}\n\n"
        f"Made on {day}, {cores} cores, load {load:.1f} before it.\n\n{done.stdout.strip()}"
    )


def main() -> None:
    """Measure what is asked for, block by block."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="the blocks to make anew")
    parser.add_argument("--list", action="store_true", help="show the blocks and their commands")
    asked = parser.parse_args()
    known = blocks(PAGE.read_text())
    if asked.list or not asked.names:
        print("\n".join(f"{b.name:20} python {shlex.join(b.command)}" for b in known.values()))
        return
    if unknown := [name for name in asked.names if name not in known]:
        raise SystemExit(f"no block {unknown[0]!r} in {PAGE}; there are {', '.join(known)}")
    for name in asked.names:
        body = measured(known[name].command)
        PAGE.write_text(replaced(PAGE.read_text(), name, body))
        print(f"{name}: written to {PAGE}", file=sys.stderr)


if __name__ == "__main__":
    main()
