"""What a command costs: user + sys CPU of its whole process, the median of some runs.

`python -m bench.commands [--before REF] [--runs 10] [--json]`. With `--before`, the same commands run
with an older commit too, in turn, so that a busy machine is as busy for both.

Each version gets a home with a team and one source that an emulated vendor answers for. The
commands run in it twice: beside a running `hub up`, and alone, where each command starts the
embedded server and stops it. What a command started counts: the child processes that ended, and the
server, which this process adopts when its parent ends.
"""

import argparse
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from bench.checkout import ROOT, checkout
from bench.emulated import first_line, vendors

_PR_SET_CHILD_SUBREAPER = 36
_START_S = 120
_MAIN = "from hub.cli.app import main; main()"
_TEAM = """
people:
  - {email: ann@acme.example.com, name: Ann Lee, role: admin}
groups:
  - {name: sales, members: [ann@acme.example.com]}
routing:
  fallback: group:sales
"""
COMMANDS: Mapping[str, Sequence[str]] = {
    "--help": ("--help",),
    "lead --help": ("lead", "--help"),
    "status": ("status",),
    "lead add": ("lead", "add", "--last-name", "Ols{n}", "--email", "x{n}@ols{n}.example.com"),
    "edit": ("edit", "lead/1", "city=City{n}"),
    "company add": ("company", "add", "Firm{n} Works"),
    "lead show": ("lead", "show", "lead/1"),
    "lead list": ("lead", "list"),
    "find": ("find", "Ols"),
    "explain": ("explain", "lead/1"),
    "task list": ("task", "list"),
    "batches": ("batches",),
    "list run": ("list", "run", "--where", "status is New"),
    "deal list": ("deal", "list"),
    "config show": ("config", "show"),
    "sql": ("sql", "SELECT 1 AS one"),
}
Seconds = dict[str, list[float]]


@dataclass(frozen=True)
class Version:
    """One version of the hub, the folder that its commands run in, and their variables."""

    name: str
    root: Path
    env: Mapping[str, str]

    def spent(self, *arguments: str) -> float:
        """Run a command to its end; return the seconds of CPU of all that it started."""
        process = self._start(*arguments)
        _, said = process.communicate()
        own = _RUSAGE.pop(process.pid)
        if process.returncode not in {0, 3}:  # 3: a sync met values for quarantine
            raise SystemExit(f"{self.name}: hub {' '.join(arguments)}: {said}")
        return own + _of_the_adopted()

    def has(self, *arguments: str) -> bool:
        """Return whether this version has a command; an older one may not."""
        process = self._start(*arguments, *(["--help"] if "--help" not in arguments else []))
        process.communicate()
        return process.returncode == 0

    @contextmanager
    def up(self) -> Iterator[None]:
        """Keep `hub up` running."""
        process = self._start("up", "--dagster-port", "0", "--json")
        try:
            first_line(process, _START_S)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=60)
            _of_the_adopted()

    def _start(self, *arguments: str) -> "_Process":
        return _Process(
            [sys.executable, "-c", _MAIN, *arguments],
            cwd=self.root,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if "up" not in arguments else subprocess.DEVNULL,
            text=True,
        )


_RUSAGE: dict[int, float] = {}


class _Process(subprocess.Popen[str]):
    """A child whose CPU is kept when it is waited for."""

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        try:
            pid, status, usage = os.wait4(self.pid, wait_flags)
        except ChildProcessError:
            return self.pid, 0
        _RUSAGE[self.pid] = usage.ru_utime + usage.ru_stime
        return pid, status


def _of_the_adopted() -> float:
    """Wait for the processes whose parents have ended; return their seconds of CPU."""
    seconds = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        seconds += _of_one(status)
    return seconds


def _of_one(status: Path) -> float:
    try:
        words = status.read_text()
    except OSError:
        return 0.0
    if f"\nPPid:\t{os.getpid()}\n" not in words or "\nState:\tZ" not in words:
        return 0.0
    _, _, usage = os.wait4(int(status.parent.name), 0)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def furnished(name: str, tree: Path, said: Mapping[str, Any]) -> Iterator[Version]:
    """Make a home for the hub of a tree, with a team and one source."""
    root = Path(tempfile.mkdtemp(prefix="hubcpu"))
    root.chmod(0o755)
    env = {n: v for n, v in os.environ.items() if not n.startswith(("HUB_", "PYTHON"))}
    env |= {"HUB_HOME": str(root / "h"), "PYTHONPATH": str(tree), "PYTHONWARNINGS": "ignore"}
    version = Version(name, root, env | said["env"])
    try:
        document = dict(said) | {"vendors": {"typeform": said["vendors"]["typeform"]}}
        (root / "sandbox.json").write_text(json.dumps(document))
        version.spent("init", "--sandbox", "sandbox.json", "--force")
        config = root / "hub.yaml"
        if "\npeople:" not in config.read_text():
            config.write_text(config.read_text() + _TEAM)
        version.spent("sync")
        yield version
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(versions: Sequence[Version], runs: int) -> list[dict[str, Any]]:
    """Return a row for each way and command: seconds of CPU by version."""
    with ExitStack() as stack:
        for version in versions:
            stack.enter_context(version.up())
        rows = _rows("beside hub up", versions, runs)
    return rows + _rows("alone", versions, runs)


def _rows(way: str, versions: Sequence[Version], runs: int) -> list[dict[str, Any]]:
    numbers = count(len(way) * 1000)  # no two leads of one home are alike
    having = {name: [v for v in versions if v.has(*words)] for name, words in COMMANDS.items()}
    found: dict[str, Seconds] = {n: {v.name: [] for v in some} for n, some in having.items()}
    for _ in range(runs):
        n = str(next(numbers))
        for name, words in COMMANDS.items():
            for version in having[name]:
                spent = version.spent(*(word.replace("{n}", n) for word in words))
                found[name][version.name].append(spent)
    return [
        {"way": way, "command": f"hub {name}"}
        | {version: round(statistics.median(seconds), 3) for version, seconds in by.items()}
        for name, by in found.items()
    ]


def _print(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    is_two = len(names) > 1
    heads = ["command", *(f"{name}, s" for name in names), *(["of before"] if is_two else [])]
    for way in dict.fromkeys(row["way"] for row in rows):
        print(f"\n{way}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        for row in rows:
            if row["way"] == way:
                name_of = f"`{row['command']}`"
                cells = [f"{row[name]:.2f}" if name in row else "-" for name in names]
                print(f"| {' | '.join([name_of, *cells, *_share(row, names)])} |")


def _share(row: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the share of before; a command that is new has none."""
    if len(names) == 1:
        return []
    before, now = (row.get(name) for name in names)
    return [f"{now / before * 100:.0f} %" if before and now else "new"]


def main() -> None:
    """Measure, and print a table or a document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--before", metavar="REF", help="a commit to measure too")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    with ExitStack() as stack:
        said = stack.enter_context(vendors(10, _START_S))
        trees = {"before": stack.enter_context(checkout(asked.before))} if asked.before else {}
        trees["now"] = ROOT
        versions = [stack.enter_context(furnished(n, tree, said)) for n, tree in trees.items()]
        rows = measure(versions, asked.runs)
    if asked.json:
        print(json.dumps({"runs": asked.runs, "rows": rows}))
    else:
        _print(rows, [version.name for version in versions])


if __name__ == "__main__":
    main()
