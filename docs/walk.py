"""Run the commands of `walkthrough.md` and `screens.md`, and write down what they print.

`python docs/walk.py` writes the pages anew; a test runs the same commands and compares. Each page has an
empty home of its own. In: a page, whose blocks of kind `console` hold commands behind `$ `, and one block `yaml`, the configuration.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.clock import SystemClock
from hub.db.embedded import EmbeddedServer
from hub.db.place import make_home

PAGES = [Path(__file__).with_name(f"{name}.md") for name in ("walkthrough", "screens")]
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# what is another one every day
_FLEETING = (
    (
        re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?( UTC)?"),
        "TIME",
    ),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\b\d{4}-\d\d\b"), "MONTH"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b\d+(\.\d+)? (s|ms|min|h|seconds?|minutes?)\b"), "SPAN"),
    (re.compile(r"[ ─━]+"), " "),  # a column is as wide as its longest cell
)


@dataclass(frozen=True, slots=True)
class Step:
    """A command as typed, and what the page says that it prints."""

    command: str
    printed: str


def steps(page: str) -> list[Step]:
    """Return the commands of a page in their order."""
    found = []
    for block in _CONSOLE.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            found.append(Step(command, printed.strip("\n")))
    return found


def configuration(page: str) -> str:
    """Return the `hub.yaml` that a page shows."""
    found = _YAML.search(page)
    if found is None:
        raise ValueError("the page shows no hub.yaml")
    return found[1]


def lasting(printed: str) -> str:
    """Return what a command prints without what is another one every day."""
    for pattern, word in _FLEETING:
        printed = pattern.sub(word, printed)
    return "\n".join(line.strip() for line in printed.strip().splitlines())


def started(
    arguments: Sequence[str], root: Path, env: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a command as a user starts it."""
    return subprocess.run(
        [Path(sys.executable).with_name("hub"), *arguments],
        cwd=root, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


Run = Callable[[Sequence[str], Path, Mapping[str, str]], "subprocess.CompletedProcess[str]"]


def walk(page: str, root: Path, run: Run = started) -> Iterator[tuple[Step, str]]:
    """Run every command of a page; yield it with what it printed, errors included.

    Args:
        page: the text of the page.
        root: the folder in which the commands run; the home is its folder `h`.
        run: runs a command: the words after `hub`, the folder, the environment.
    """
    (root / "hub.yaml").write_text(configuration(page))
    make_home(root / "h")
    server = EmbeddedServer(root / "h", SystemClock())
    server.attach()  # so that it is not started and stopped by every command
    try:
        yield from _walk(page, root, run)
    finally:
        server.detach()


def _walk(page: str, root: Path, run: Run) -> Iterator[tuple[Step, str]]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")}
    env |= {
        "HUB_HOME": str(root / "h"),
        "COLUMNS": "80",
        "HUB_OUTPUT": "table",
        "HUB_ACTOR": "ann@acme.example.com",
    }
    for step in steps(page):
        _, *arguments = shlex.split(step.command)
        done = run(arguments, root, env)
        yield step, (done.stdout + done.stderr).strip("\n")


def _write(file: Path) -> None:
    page = file.read_text()
    with tempfile.TemporaryDirectory(prefix="hub") as folder:
        root = Path(folder)
        root.chmod(0o755)
        printed = iter([text for _, text in walk(page, root)])

    def anew(block: re.Match[str]) -> str:
        commands = [step.command for step in steps(block[0])]
        lines = [f"$ {command}\n{next(printed)}".rstrip() for command in commands]
        return (
            "```console\n"
            + "\n".join(line.rstrip() for line in "\n".join(lines).splitlines())
            + "\n```"
        )

    file.write_text(_CONSOLE.sub(anew, page))


if __name__ == "__main__":
    for one in PAGES:
        if one.stem in (sys.argv[1:] or one.stem):
            _write(one)
