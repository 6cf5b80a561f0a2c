"""What an older commit's sync costs and what the working tree's costs, stage by stage, in one run.

`python -m bench.compare REF` checks REF out into a temporary folder and runs either tree's own
`bench.sync` by turns, each with a PostgreSQL of its own. It prints the medians of the rounds and
their ratios. It exits 1 if a stage takes more CPU than `--limit` times what it took at REF.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from bench.checkout import ROOT, checkout, dependency_differences
from bench.figures import (
    ROW_FIGURES,
    TOTAL,
    WRITE_FIGURES,
    Figures,
    lines_of,
    median_figures,
    per_record,
)
from bench.sync_report import table

Stages = Mapping[str, Figures]
_SMALL = 200  # contacts of the load that tells whether memory is flat: not asked here
_PATIENCE_S = 60  # what an interrupted bench may take to stop its server
_SHOWN_ERRORS = 15
_CPU = "| CPU µs/record | before | after | ratio |"
_WRITES = (
    "| per record, before → after | WAL kB | rows inserted | updated | of these HOT | deleted |"
    " index entries | GIN |"
)


def measure(tree: Path, rows: int) -> dict[str, Any]:
    """Run the bench of a tree; returns its measured load of `rows` contacts.

    Raises:
        SystemExit: the tree has no such bench, or it fails.
    """
    command = [sys.executable, "-m", "bench.sync", "--rounds", "1"]
    command += ["--rows", str(rows), "--small", str(min(_SMALL, rows - 1))]
    with tempfile.TemporaryFile("w+") as errors:
        status = _ended(command, tree, errors)
        errors.seek(0)
        lines = errors.read().splitlines()
    for said in map(_load_of, lines):
        if not status and said and said["loader"] == "hub" and said["asked"] == rows:
            return said
    shown = "\n".join(lines[-_SHOWN_ERRORS:])
    raise SystemExit(f"the bench of {tree} measured nothing (exit {status}):\n{shown}")


def _ended(command: Sequence[str], tree: Path, errors: IO[str]) -> int:
    """Run to the end; on Ctrl-C the bench stops its server and deletes its folder first."""
    environment = os.environ | {"PYTHONPATH": str(tree)}
    process = subprocess.Popen(
        command,
        cwd=tree,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,  # Ctrl-C reaches it from here alone, once
    )
    try:
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S)
        raise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _load_of(line: str) -> dict[str, Any] | None:
    with suppress(json.JSONDecodeError):
        said = json.loads(line)
        if isinstance(said, dict) and "loader" in said:
            return said
    return None


def check_imports(tree: Path) -> None:
    """Make sure that a tree's bench runs, and that it runs the tree's own hub.

    Raises:
        SystemExit: it has none, or its modules do not load.
    """
    done = subprocess.run(
        [sys.executable, "-c", "import hub, bench.sync; print(hub.__file__, bench.sync.__file__)"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        raise SystemExit(f"{tree} has no bench that runs on the installed packages: {reason}")
    foreign = [path for path in done.stdout.split() if not Path(path).is_relative_to(tree)]
    if foreign:
        raise SystemExit(f"{tree} would run {', '.join(foreign)}, which is not its own")


def summary(loads: Sequence[Mapping[str, Any]], rows: int) -> dict[str, Figures]:
    """Return per stage, and for all of them, the medians over one tree's loads."""
    rounds = [lines_of(one) for one in loads]
    return {
        name: median_figures([per_record(one[name], rows) for one in rounds]) for name in rounds[0]
    }


def ratios(before: Stages, after: Stages) -> dict[str, float]:
    """Return after to before, CPU, of the stages that both have."""
    return {
        name: after[name]["cpu_us"] / figures["cpu_us"]
        for name, figures in before.items()
        if name in after
    }


def render(before: Stages, after: Stages) -> str:
    """Return the tables: CPU and ratio; what is written, of the trees whose bench counts it."""
    found = ratios(before, after)
    names = list(dict.fromkeys([*before, *after]))
    costs = [
        f"| {name} | {_cell(before, name, 'cpu_us')} | {_cell(after, name, 'cpu_us')} |"
        f" {f'{found[name]:.2f}' if name in found else '–'} |"
        for name in names
    ]
    writes = [
        "| "
        + " | ".join([name, *(_pair(before, after, name, key) for key in WRITE_FIGURES)])
        + " |"
        for name in names
    ]
    return f"{table(_CPU, costs)}\n\n{table(_WRITES, writes)}"


def _pair(before: Stages, after: Stages, name: str, key: str) -> str:
    return f"{_cell(before, name, key)} → {_cell(after, name, key)}"


def _cell(stages: Stages, name: str, key: str) -> str:
    value = stages.get(name, {}).get(key)
    if value is None:
        return "–"
    if key == "wal_bytes":
        return f"{value / 1000:.1f}"
    return f"{value:.2f}" if key in ROW_FIGURES else f"{value:.0f}"


def too_dear(before: Stages, after: Stages, limit: float) -> list[str]:
    """Return a line for every stage that takes more than `limit` times its CPU of before."""
    return [
        f"{name} takes {ratio:.2f} x the CPU it took; {limit:.2f} x is allowed"
        for name, ratio in ratios(before, after).items()
        if ratio > limit
    ]


def compare(ref: str, rows: int, rounds: int) -> tuple[Stages, Stages]:
    """Measure both trees by turns; which one goes first changes with the round."""
    loads: dict[str, list[dict[str, Any]]] = {"before": [], "after": []}
    with checkout(ref) as tree:
        trees = {"before": tree, "after": ROOT}
        for one in trees.values():
            check_imports(one)
        for line in dependency_differences(tree, ROOT):
            _tell(f"dependencies differ, both run on the installed ones: {line}")
        for i in range(rounds):
            for side in ("before", "after") if i % 2 == 0 else ("after", "before"):
                loads[side].append(measure(trees[side], rows))
                total = summary(loads[side][-1:], rows)[TOTAL]["cpu_us"]
                _tell(f"round {i + 1} of {rounds}, {side}: {total:.0f} µs of CPU a record")
    return summary(loads["before"], rows), summary(loads["after"], rows)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """Stop once; what is cleaned up then is not interrupted again."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> None:
    """Compare, print, and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ref", help="the commit to compare the working tree with")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=1.1, help="ratio that a stage may reach")
    asked = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        before, after = compare(asked.ref, asked.rows, asked.rounds)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    print(render(before, after))
    failures = too_dear(before, after, asked.limit)
    for line in failures:
        _tell(line)
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
